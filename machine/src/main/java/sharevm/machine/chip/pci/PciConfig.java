package sharevm.machine.chip.pci;

import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.MmioBus;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortBus;

/**
 * The configuration space of one function with a type 00h header: 256 bytes, of which a mask says
 * what a guest can write; base addresses that move windows on the buses; the interrupt pin.
 *
 * <p>A device is put together from one of these and its registers:
 *
 * <pre>{@code
 * PciConfig config = new PciConfig(identity);
 * config.memoryBar(0, 0x1000, mmio.window(0x1000, registers));
 * config.interruptPin(1, interrupts.line(slot, 1));
 * host.add(slot, 0, config);
 * }</pre>
 */
public final class PciConfig implements Part {
  /** Bytes of configuration space. */
  public static final int BYTES = 256;

  /** Command. @ref [PCI] 6.2.2 */
  public static final int COMMAND = 0x04;

  /** Status. @ref [PCI] 6.2.3 */
  public static final int STATUS = 0x06;

  /** Interrupt Line: what firmware keeps for the operating system. @ref [PCI] 6.2.4 */
  public static final int INTERRUPT_LINE = 0x3C;

  private static final int CLASS_AND_REVISION = 0x08;
  private static final int CACHE_LINE_SIZE = 0x0C;
  private static final int LATENCY_TIMER = 0x0D;
  private static final int HEADER_TYPE = 0x0E;
  private static final int BASE_ADDRESSES = 0x10;
  private static final int SUBSYSTEM = 0x2C;
  private static final int CAPABILITIES = 0x34;
  private static final int INTERRUPT_PIN = 0x3D;
  private static final int FIRST_FREE = 0x40;

  /** Command: I/O Space. */
  private static final int COMMAND_IO = 1;

  /** Command: Memory Space. */
  private static final int COMMAND_MEMORY = 1 << 1;

  /** Command: Bus Master. */
  private static final int COMMAND_MASTER = 1 << 2;

  /** Command: Interrupt Disable. */
  private static final int COMMAND_NO_INTERRUPT = 1 << 10;

  /** Command: what can be written: also Parity Error Response and SERR# Enable, without effect. */
  private static final int COMMAND_WRITABLE = 0x0547;

  /** Status: Interrupt Status. */
  private static final int STATUS_INTERRUPT = 1 << 3;

  /** Status: Capabilities List. */
  private static final int STATUS_CAPABILITIES = 1 << 4;

  /** Status: the error bits, cleared by writing ones. */
  private static final int STATUS_CLEARABLE = 0xF900;

  /** Header Type: the device has several functions. */
  private static final int MULTI_FUNCTION = 0x80;

  /** Memory base address: 64 bits wide. @ref [PCI] 6.2.5.1 */
  private static final int BAR_64_BITS = 1 << 2;

  /** Memory base address: prefetchable. */
  private static final int BAR_PREFETCHABLE = 1 << 3;

  /** Base address: I/O space. */
  private static final int BAR_IO = 1;

  /** Told after a guest has written. */
  @FunctionalInterface
  public interface Listener {
    /** Some of {@code size} bytes at an offset may have changed. */
    void written(int offset, int size);
  }

  private interface Placement {
    void moveTo(long base);

    void hide();
  }

  private record Bar(int offset, long size, int enable, boolean wide, Placement placement) {}

  private final byte[] bytes = new byte[BYTES];
  private final byte[] writable = new byte[BYTES];
  private final List<Bar> bars = new ArrayList<>();
  private byte[] initial = bytes;
  private InterruptLine line = InterruptLine.NONE;
  private Listener listener = (_, _) -> {};
  private boolean asserted;
  private int lastCapability = CAPABILITIES;
  private int nextCapability = FIRST_FREE;

  /** Makes one without base addresses and interrupt. */
  public PciConfig(PciIdentity identity) {
    set(0, 2, identity.vendor());
    set(2, 2, identity.device());
    set(CLASS_AND_REVISION, 4, identity.classCode() << 8 | identity.revision());
    set(SUBSYSTEM, 2, identity.subsystemVendor());
    set(SUBSYSTEM + 2, 2, identity.subsystem());
    writable(COMMAND, 2, COMMAND_WRITABLE);
    writable(CACHE_LINE_SIZE, 1, 0xFF);
    writable(LATENCY_TIMER, 1, 0xF8);
    writable(INTERRUPT_LINE, 1, 0xFF);
  }

  /** Says that the device has more functions than this one. */
  public void multiFunction() {
    set(HEADER_TYPE, 1, MULTI_FUNCTION);
  }

  /** Sets up to 4 bytes as the device, whatever a guest may write. */
  public void set(int offset, int size, int value) {
    for (int i = 0; i < size; i++) {
      bytes[offset + i] = (byte) (value >> 8 * i);
    }
  }

  /** Returns up to 4 bytes, zero-extended to the int. */
  public int get(int offset, int size) {
    int value = 0;
    for (int i = 0; i < size; i++) {
      value |= (bytes[offset + i] & 0xFF) << 8 * i;
    }
    return value;
  }

  /** Says which bits of up to 4 bytes a guest can write. */
  public void writable(int offset, int size, int mask) {
    for (int i = 0; i < size; i++) {
      writable[offset + i] = (byte) (mask >> 8 * i);
    }
  }

  /** Sets who is told of writes. */
  public void onWrite(Listener newListener) {
    listener = newListener;
  }

  /**
   * Adds a 32-bit memory base address.
   *
   * @param index 0 to 5
   * @param size a power of two, 16 or more
   */
  public void memoryBar(int index, long size, MmioBus.Window window) {
    memory(index, size, 0, window);
  }

  /** Adds a 64-bit prefetchable memory base address, which takes this index and the next. */
  public void wideMemoryBar(int index, long size, MmioBus.Window window) {
    memory(index, size, BAR_64_BITS | BAR_PREFETCHABLE, window);
  }

  /**
   * Adds an I/O base address.
   *
   * @param index 0 to 5
   * @param size a power of two, 4 to 256
   */
  public void portBar(int index, int size, PortBus.Window window) {
    add(
        new Bar(
            barOffset(index),
            size,
            COMMAND_IO,
            false,
            new Placement() {
              @Override
              public void moveTo(long base) {
                window.moveTo((int) base);
              }

              @Override
              public void hide() {
                window.hide();
              }
            }),
        BAR_IO);
  }

  /**
   * Says which pin the function interrupts with.
   *
   * @param pin 1 is INTA#, 4 is INTD#
   */
  public void interruptPin(int pin, InterruptLine newLine) {
    set(INTERRUPT_PIN, 1, pin);
    line = newLine;
  }

  /**
   * Adds a capability at the next free place.
   *
   * @param id its ID
   * @param length its bytes with the two of the list
   * @return its offset; the bytes are the caller's to set
   * @throws IllegalStateException if there is no room
   */
  public int capability(int id, int length) {
    int offset = nextCapability;
    if (offset + length > BYTES) {
      throw new IllegalStateException("no room for a capability of %d bytes".formatted(length));
    }
    set(lastCapability == CAPABILITIES ? CAPABILITIES : lastCapability + 1, 1, offset);
    set(offset, 1, id);
    set(offset + 1, 1, 0);
    set(STATUS, 2, get(STATUS, 2) | STATUS_CAPABILITIES);
    lastCapability = offset;
    nextCapability = offset + length + 3 & ~3;
    return offset;
  }

  /** Asserts or releases the function's interrupt pin. */
  public void interrupt(boolean newAsserted) {
    asserted = newAsserted;
    drive();
  }

  /** Returns whether the guest lets the device read and write memory by itself. */
  public boolean busMaster() {
    return (get(COMMAND, 2) & COMMAND_MASTER) != 0;
  }

  /** A guest's read of 1, 2 or 4 bytes, all inside a doubleword. */
  public int read(int offset, int size) {
    return get(offset, size);
  }

  /** A guest's write of 1, 2 or 4 bytes, all inside a doubleword. */
  public void write(int offset, int size, int value) {
    freeze();
    for (int i = 0; i < size; i++) {
      int at = offset + i;
      int part = value >> 8 * i;
      bytes[at] = (byte) (bytes[at] & ~writable[at] | part & writable[at]);
      if (at == STATUS + 1) {
        bytes[at] &= (byte) ~(part & STATUS_CLEARABLE >> 8);
      }
    }
    if (offset < FIRST_FREE) {
      place();
      drive();
    }
    listener.written(offset, size);
  }

  @Override
  public SavedState save() {
    return new SavedState().put("bytes", bytes).put("asserted", asserted);
  }

  /** Read-only bytes stay what they are here: they say what the device is, not what it does. */
  @Override
  public void restore(SavedState state) {
    freeze();
    byte[] saved = state.getBytes("bytes");
    for (int i = 0; i < Math.min(saved.length, BYTES); i++) {
      bytes[i] = (byte) (bytes[i] & ~writable[i] | saved[i] & writable[i]);
    }
    asserted = state.getBoolean("asserted");
    place();
    drive();
    listener.written(0, BYTES);
  }

  @Override
  public void reset() {
    freeze();
    System.arraycopy(initial, 0, bytes, 0, BYTES);
    asserted = false;
    place();
    drive();
    listener.written(0, BYTES);
  }

  /** Keeps the state after building: that is the state after a reset. */
  @SuppressWarnings("ReferenceEquality") // the same array: not frozen yet
  private void freeze() {
    if (initial == bytes) {
      initial = bytes.clone();
    }
  }

  private void memory(int index, long size, int type, MmioBus.Window window) {
    boolean wide = (type & BAR_64_BITS) != 0;
    if (wide) {
      int mask = (int) (-size >>> 32);
      writable(barOffset(index + 1), 4, mask);
    }
    add(
        new Bar(
            barOffset(index),
            size,
            COMMAND_MEMORY,
            wide,
            new Placement() {
              @Override
              public void moveTo(long base) {
                window.moveTo(base);
              }

              @Override
              public void hide() {
                window.hide();
              }
            }),
        type);
  }

  private void add(Bar bar, int type) {
    if (Long.bitCount(bar.size) != 1) {
      throw new IllegalArgumentException("a base address of %d bytes".formatted(bar.size));
    }
    set(bar.offset, 4, type);
    writable(bar.offset, 4, (int) -bar.size);
    bars.add(bar);
  }

  private static int barOffset(int index) {
    if (index < 0 || index > 5) {
      throw new IllegalArgumentException("no base address " + index);
    }
    return BASE_ADDRESSES + 4 * index;
  }

  /** Shows each window where its base address says; 0 is where nothing has been placed. */
  private void place() {
    int command = get(COMMAND, 2);
    for (Bar bar : bars) {
      long base = get(bar.offset, 4) & 0xFFFF_FFFFL & -bar.size;
      if (bar.wide) {
        base |= (long) get(bar.offset + 4, 4) << 32 & -bar.size;
      }
      if ((command & bar.enable) != 0 && base != 0) {
        bar.placement.moveTo(base);
      } else {
        bar.placement.hide();
      }
    }
  }

  private void drive() {
    int status = get(STATUS, 2) & ~STATUS_INTERRUPT;
    set(STATUS, 2, asserted ? status | STATUS_INTERRUPT : status);
    line.set(asserted && (get(COMMAND, 2) & COMMAND_NO_INTERRUPT) == 0);
  }
}
