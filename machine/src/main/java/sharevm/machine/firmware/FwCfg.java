package sharevm.machine.firmware;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortDevice;

/**
 * The firmware configuration device: numbered items and named files that a guest's firmware reads,
 * byte by byte or by DMA (QEMU's docs/specs/fw_cfg.rst, here [FWCFG]).
 *
 * <pre>
 *   +0  selector, 2 bytes, write     +1  data, 1 byte, read     +4  DMA address, 8 bytes, big-endian
 * </pre>
 */
public final class FwCfg implements PortDevice, Part {
  /** First port. */
  public static final int PORT = 0x510;

  /** Ports taken. */
  public static final int PORTS = 12;

  /** Bytes of RAM, 8 bytes. */
  public static final int RAM_SIZE = 0x03;

  /** Processors, 2 bytes. */
  public static final int CPU_COUNT = 0x05;

  /** Highest number of processors, 2 bytes. */
  public static final int MAX_CPUS = 0x0F;

  /** Kernel's size, 4 bytes; the other kernel items of [FWCFG] follow this scheme. */
  public static final int KERNEL_SIZE = 0x08;

  /** Initrd's size, 4 bytes. */
  public static final int INITRD_SIZE = 0x0B;

  /** Kernel's bytes without the setup part. */
  public static final int KERNEL_DATA = 0x11;

  /** Initrd's bytes. */
  public static final int INITRD_DATA = 0x12;

  /** Command line's bytes, the ending zero among them, 4 bytes. */
  public static final int COMMAND_LINE_SIZE = 0x14;

  /** Command line. */
  public static final int COMMAND_LINE_DATA = 0x15;

  /** Setup part's size, 4 bytes. */
  public static final int SETUP_SIZE = 0x17;

  /** Setup part's bytes. */
  public static final int SETUP_DATA = 0x18;

  private static final int SIGNATURE = 0x00;
  private static final int FEATURES = 0x01;
  private static final int DIRECTORY = 0x19;
  private static final int FIRST_FILE = 0x20;
  private static final int NAME_BYTES = 56;
  private static final int HAS_DMA = 2;
  private static final int TRADITIONAL = 1;
  private static final long DMA_SIGNATURE = 0x5145_4D55_2043_4647L;
  private static final int DMA_ERROR = 1;
  private static final int DMA_READ = 1 << 1;
  private static final int DMA_SKIP = 1 << 2;
  private static final int DMA_SELECT = 1 << 3;
  private static final int DMA_WRITE = 1 << 4;
  private static final int DMA_BYTES = 16;
  private static final int CHUNK = 1 << 16;

  private record Named(String name, int key, int size) {}

  private final GuestMemory memory;
  private final Map<Integer, MemorySegment> items = new HashMap<>();
  private final List<Named> files = new ArrayList<>();
  private int selected;
  private long offset;
  private long dmaAddress;

  /** Makes one with nothing but its signature; DMA goes to {@code memory}. */
  public FwCfg(GuestMemory memory) {
    this.memory = memory;
    put(SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
    put32(FEATURES, TRADITIONAL | HAS_DMA);
    put32(DIRECTORY, 0);
  }

  /** Puts an item of bytes, which are not copied. */
  public void put(int key, byte[] value) {
    items.put(key, MemorySegment.ofArray(value));
  }

  /** Puts an item of 2 bytes. */
  public void put16(int key, int value) {
    put(key, new Bytes().u16(value).toArray());
  }

  /** Puts an item of 4 bytes. */
  public void put32(int key, long value) {
    put(key, new Bytes().u32(value).toArray());
  }

  /** Puts an item of 8 bytes. */
  public void put64(int key, long value) {
    put(key, new Bytes().u64(value).toArray());
  }

  /** Puts kernel, initrd and command line, as firmware that boots them by itself wants them. */
  public void kernel(LinuxBoot boot) {
    GuestFile kernel = boot.kernel();
    int setup = LinuxHeader.fits(kernel) ? LinuxHeader.parse(kernel).setupBytes() : 0;
    put32(SETUP_SIZE, setup);
    items.put(SETUP_DATA, kernel.slice(0, setup));
    put32(KERNEL_SIZE, kernel.size() - setup);
    items.put(KERNEL_DATA, kernel.slice(setup, kernel.size() - setup));
    boot.initrd()
        .ifPresent(
            initrd -> {
              put32(INITRD_SIZE, initrd.size());
              items.put(INITRD_DATA, initrd.bytes());
            });
    byte[] text = (boot.commandLine() + "\0").getBytes(StandardCharsets.ISO_8859_1);
    put32(COMMAND_LINE_SIZE, text.length);
    put(COMMAND_LINE_DATA, text);
  }

  /** Puts a file into the directory; names have at most 55 characters. */
  public void file(String name, byte[] content) {
    int key = FIRST_FILE + files.size();
    put(key, content);
    files.add(new Named(name, key, content.length));
    ByteBuffer directory = ByteBuffer.allocate(4 + files.size() * (8 + NAME_BYTES));
    directory.putInt(files.size());
    for (Named file : files) {
      byte[] text = file.name().getBytes(StandardCharsets.US_ASCII);
      directory.putInt(file.size()).putShort((short) file.key()).putShort((short) 0);
      directory.put(text).put(new byte[NAME_BYTES - text.length]);
    }
    put(DIRECTORY, directory.array());
  }

  @Override
  public int in(int at, int size) {
    if (at >= 4) {
      int value = 0;
      for (int i = 0; i < size; i++) {
        value |= (int) (DMA_SIGNATURE >>> 8 * (7 - (at - 4 + i) % 8) & 0xFF) << 8 * i;
      }
      return value;
    }
    return at == 1 ? next() : 0;
  }

  @Override
  public void out(int at, int size, int value) {
    if (at == 0 && size >= 2) {
      select(value & 0xFFFF);
    } else if (at == 4 && size == 4) {
      dmaAddress = (long) Integer.reverseBytes(value) << 32;
    } else if (at == 8 && size == 4) {
      long address = dmaAddress | Integer.reverseBytes(value) & 0xFFFF_FFFFL;
      dmaAddress = 0;
      transfer(address);
    }
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("selected", selected)
        .put("offset", offset)
        .put("dmaAddress", dmaAddress);
  }

  @Override
  public void restore(SavedState state) {
    selected = state.getInt("selected");
    offset = Math.max(0, state.getLong("offset"));
    dmaAddress = state.getLong("dmaAddress");
  }

  @Override
  public void reset() {
    select(SIGNATURE);
    dmaAddress = 0;
  }

  private void select(int key) {
    selected = key;
    offset = 0;
  }

  private MemorySegment content() {
    return items.getOrDefault(selected, MemorySegment.NULL);
  }

  private int next() {
    MemorySegment content = content();
    return offset < content.byteSize() ? content.get(ValueLayout.JAVA_BYTE, offset++) & 0xFF : 0;
  }

  /** Carries out the control structure at an address ([FWCFG] "Guest-side DMA Interface"). */
  private void transfer(long address) {
    byte[] bytes = new byte[DMA_BYTES];
    memory.readBytes(address, bytes, 0, DMA_BYTES);
    ByteBuffer request = ByteBuffer.wrap(bytes);
    int control = request.getInt();
    long length = request.getInt() & 0xFFFF_FFFFL;
    long target = request.getLong();
    if ((control & DMA_SELECT) != 0) {
      select(control >>> 16);
    }
    boolean good = (control & DMA_WRITE) == 0;
    if ((control & DMA_READ) != 0) {
      good &= copyOut(target, length);
    } else if ((control & DMA_SKIP) != 0) {
      offset = Math.min(content().byteSize(), offset + length);
    }
    byte[] result = ByteBuffer.allocate(4).putInt(good ? 0 : DMA_ERROR).array();
    memory.writeBytes(address, result, 0, result.length);
  }

  /** Copies from the item; behind its end come zeros. */
  private boolean copyOut(long target, long length) {
    MemorySegment content = content();
    byte[] chunk = new byte[(int) Math.min(length, CHUNK)];
    boolean good = true;
    for (long done = 0; good && done < length; ) {
      int part = (int) Math.min(chunk.length, length - done);
      int there = Math.clamp(content.byteSize() - offset, 0, part);
      if (there > 0) {
        MemorySegment.copy(content, ValueLayout.JAVA_BYTE, offset, chunk, 0, there);
      }
      Arrays.fill(chunk, there, part, (byte) 0);
      good = memory.writeBytes(target + done, chunk, 0, part);
      offset += there;
      done += part;
    }
    return good;
  }
}
