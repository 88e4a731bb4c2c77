package sharevm.machine.bus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sharevm.cpu.SavedState;

/**
 * Which physical address is which byte of one memory segment.
 *
 * <pre>
 * physical address                      offset in the segment
 * 0 .. low                     RAM      the same (A0000h-BFFFFh is a hole)
 * low .. 4 GiB                 hole     devices and, at its top, ROM
 * 4 GiB .. 4 GiB + rest        RAM      low .. ramSize
 *                              ROM      from ramSize on
 * </pre>
 *
 * <p>{@link #readable} and {@link #writable} may be called on any thread; what changes the map is
 * called under the device lock, and tells the {@linkplain #onChange listener} so that processors
 * drop what they know of it.
 */
public final class GuestMemory implements Part {
  /** Where the hole below 4 GiB begins at the lowest: RAM beyond it goes above 4 GiB. */
  public static final long LOW_LIMIT = 0xC000_0000L;

  /** Bytes of a page. */
  public static final int PAGE = 4096;

  private static final long FOUR_GIB = 1L << 32;
  private static final long MEBIBYTE = 1L << 20;
  private static final int LOW_PAGES = (int) (MEBIBYTE / PAGE);
  private static final long PAGE_MASK = -PAGE;
  private static final long VIDEO_START = 0xA_0000;
  private static final long VIDEO_END = 0xC_0000;
  private static final long A20 = 1L << 20;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Told of writes that no processor makes: a processor may keep decoded code of these bytes. */
  @FunctionalInterface
  public interface WriteObserver {
    /** Bytes of the segment have been changed. */
    void written(long offset, long length);
  }

  private record Alias(long base, long length, long offset, boolean writable) {}

  private final MemorySegment segment;
  private final long ramSize;
  private final long lowTop;
  private final long highTop;
  private final long[] lowReadable = new long[LOW_PAGES];
  private final long[] lowWritable = new long[LOW_PAGES];
  private final long[] lowRom = new long[LOW_PAGES];
  private final List<Alias> aliases = new ArrayList<>();
  private volatile Alias[] aliasTable = {};
  private volatile long addressMask = -1;
  private long romEnd;
  private Runnable changeListener = () -> {};
  private WriteObserver writeObserver = (_, _) -> {};

  /**
   * Makes a map with RAM only, A20 open.
   *
   * @param segment at least {@code ramSize} bytes; what is more is room for ROM
   * @param ramSize bytes, a multiple of 4 KiB, at least 1 MiB
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public GuestMemory(MemorySegment segment, long ramSize) {
    if (ramSize < MEBIBYTE || ramSize % PAGE != 0 || segment.byteSize() < ramSize) {
      throw new IllegalArgumentException(
          "%d bytes of RAM do not fit a segment of %d".formatted(ramSize, segment.byteSize()));
    }
    this.segment = segment;
    this.ramSize = ramSize;
    lowTop = Math.min(ramSize, LOW_LIMIT);
    highTop = FOUR_GIB + ramSize - lowTop;
    romEnd = ramSize;
    Arrays.fill(lowRom, -1);
    reset();
  }

  /** Returns the segment that holds RAM and ROM. */
  public MemorySegment segment() {
    return segment;
  }

  /** Returns the bytes of RAM. */
  public long ramSize() {
    return ramSize;
  }

  /** Returns the end of RAM below 4 GiB: a physical address. */
  public long lowTop() {
    return lowTop;
  }

  /** Returns the end of RAM above 4 GiB: a physical address, 4 GiB if there is none. */
  public long highTop() {
    return highTop;
  }

  /** Sets who is told after each change of the map. */
  public void onChange(Runnable listener) {
    changeListener = listener;
  }

  /** Sets who is told of writes through {@link #write} and {@link #writeBytes}. */
  public void onWrite(WriteObserver observer) {
    writeObserver = observer;
  }

  /** Returns the segment's offset of the page at an address if it reads as memory, else -1. */
  public long readable(long physicalAddress) {
    long address = physicalAddress & addressMask & PAGE_MASK;
    if (address >= 0 && address < MEBIBYTE) {
      return lowReadable[(int) (address / PAGE)];
    }
    return beyondFirstMebibyte(address, false);
  }

  /**
   * Returns the segment's offset of the page at an address if it may be written as memory, else -1.
   */
  public long writable(long physicalAddress) {
    long address = physicalAddress & addressMask & PAGE_MASK;
    if (address >= 0 && address < MEBIBYTE) {
      return lowWritable[(int) (address / PAGE)];
    }
    return beyondFirstMebibyte(address, true);
  }

  /** Returns an address as it leaves the A20 gate. */
  public long gate(long physicalAddress) {
    return physicalAddress & addressMask;
  }

  /** Opens or closes the A20 gate; closed, address bit 20 is always 0. */
  public void a20(boolean open) {
    long mask = open ? -1 : ~A20;
    if (mask != addressMask) {
      addressMask = mask;
      changeListener.run();
    }
  }

  /** Returns whether the A20 gate is open. */
  public boolean a20() {
    return addressMask == -1;
  }

  /**
   * Puts a ROM on the map. Below 1 MiB it hides the RAM until {@link #shadow} says otherwise.
   *
   * @param base physical address, a multiple of 4 KiB, below 1 MiB or in the hole below 4 GiB
   * @param image the content, a multiple of 4 KiB
   * @throws IllegalArgumentException if it lies on RAM or the segment has no room for it
   */
  public void rom(long base, byte[] image) {
    long end = base + image.length;
    boolean low = end <= MEBIBYTE;
    if (base < 0 || base % PAGE != 0 || image.length % PAGE != 0) {
      throw new IllegalArgumentException("a ROM of %d bytes at %#x".formatted(image.length, base));
    }
    if (!low && (base < lowTop || end > FOUR_GIB) || romEnd + image.length > segment.byteSize()) {
      throw new IllegalArgumentException(
          "no room for a ROM of %d bytes at %#x".formatted(image.length, base));
    }
    MemorySegment.copy(image, 0, segment, ValueLayout.JAVA_BYTE, romEnd, image.length);
    if (low) {
      for (int i = 0; i < image.length; i += PAGE) {
        lowRom[(int) ((base + i) / PAGE)] = romEnd + i;
      }
      shadow(base, image.length, false, false);
    } else {
      alias(base, image.length, romEnd, false);
    }
    romEnd += image.length;
  }

  /**
   * Shows a part of the segment at a second address beyond RAM, for example a frame buffer.
   *
   * @param base physical address, a multiple of 4 KiB
   * @param length bytes, a multiple of 4 KiB
   * @param offset in the segment, a multiple of 4 KiB
   */
  public void alias(long base, long length, long offset, boolean writable) {
    aliases.add(new Alias(base, length, offset, writable));
    aliasTable = aliases.toArray(Alias[]::new);
    changeListener.run();
  }

  /** Takes away what {@link #alias} or {@link #rom} showed at a base address. */
  public void removeAlias(long base) {
    aliases.removeIf(alias -> alias.base == base);
    aliasTable = aliases.toArray(Alias[]::new);
    changeListener.run();
  }

  /**
   * Says for pages below 1 MiB whether reads and writes go to RAM; reads that do not go to ROM, if
   * one is there, else to the bus; writes that do not go to the bus.
   */
  public void shadow(long base, long length, boolean readRam, boolean writeRam) {
    for (long address = base; address < base + length && address < MEBIBYTE; address += PAGE) {
      int page = (int) (address / PAGE);
      lowReadable[page] = readRam ? address : lowRom[page];
      lowWritable[page] = writeRam ? address : -1;
    }
    changeListener.run();
  }

  /** Reads 1, 2, 4 or 8 bytes of memory inside a page; all ones where none is. */
  public long read(long physicalAddress, int size) {
    long page = readable(physicalAddress);
    if (page < 0) {
      return size == 8 ? -1 : (1L << 8 * size) - 1;
    }
    long offset = page + (physicalAddress & PAGE - 1);
    return switch (size) {
      case 1 -> segment.get(ValueLayout.JAVA_BYTE, offset) & 0xFF;
      case 2 -> segment.get(SHORT, offset) & 0xFFFF;
      case 4 -> segment.get(INT, offset) & 0xFFFF_FFFFL;
      default -> segment.get(LONG, offset);
    };
  }

  /** Writes 1, 2, 4 or 8 bytes of memory inside a page; nothing where it is not writable. */
  public void write(long physicalAddress, int size, long value) {
    long page = writable(physicalAddress);
    if (page < 0) {
      return;
    }
    long offset = page + (physicalAddress & PAGE - 1);
    switch (size) {
      case 1 -> segment.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
      case 2 -> segment.set(SHORT, offset, (short) value);
      case 4 -> segment.set(INT, offset, (int) value);
      default -> segment.set(LONG, offset, value);
    }
    writeObserver.written(offset, size);
  }

  /**
   * Copies memory out, as a device that reads by itself does; FFh where none is.
   *
   * @return whether all of it was memory
   */
  public boolean readBytes(long physicalAddress, byte[] target, int from, int length) {
    boolean all = true;
    for (int done = 0; done < length; ) {
      long address = physicalAddress + done;
      int inPage = (int) (address & PAGE - 1);
      int part = Math.min(length - done, PAGE - inPage);
      long page = readable(address);
      if (page < 0) {
        Arrays.fill(target, from + done, from + done + part, (byte) 0xFF);
        all = false;
      } else {
        MemorySegment.copy(
            segment, ValueLayout.JAVA_BYTE, page + inPage, target, from + done, part);
      }
      done += part;
    }
    return all;
  }

  /**
   * Copies into memory, as a device that writes by itself does; what is not writable is left out.
   *
   * @return whether all of it was writable memory
   */
  public boolean writeBytes(long physicalAddress, byte[] source, int from, int length) {
    boolean all = true;
    for (int done = 0; done < length; ) {
      long address = physicalAddress + done;
      int inPage = (int) (address & PAGE - 1);
      int part = Math.min(length - done, PAGE - inPage);
      long page = writable(address);
      if (page < 0) {
        all = false;
      } else {
        MemorySegment.copy(
            source, from + done, segment, ValueLayout.JAVA_BYTE, page + inPage, part);
        writeObserver.written(page + inPage, part);
      }
      done += part;
    }
    return all;
  }

  /**
   * The map only, without the bytes: RAM is kept by its own means, ROM is put on by the builder.
   */
  @Override
  public SavedState save() {
    long[] readRam = new long[LOW_PAGES];
    long[] writeRam = new long[LOW_PAGES];
    for (int page = 0; page < LOW_PAGES; page++) {
      readRam[page] = lowReadable[page] == (long) page * PAGE ? 1 : 0;
      writeRam[page] = lowWritable[page] >= 0 ? 1 : 0;
    }
    return new SavedState().put("a20", a20()).put("readRam", readRam).put("writeRam", writeRam);
  }

  @Override
  public void restore(SavedState state) {
    long[] readRam = state.getLongs("readRam");
    long[] writeRam = state.getLongs("writeRam");
    for (int page = 0;
        page < Math.min(LOW_PAGES, Math.min(readRam.length, writeRam.length));
        page++) {
      shadow((long) page * PAGE, PAGE, readRam[page] != 0, writeRam[page] != 0);
    }
    a20(state.getBoolean("a20"));
  }

  /** RAM everywhere below 1 MiB but in the video hole and where ROM is; A20 open. */
  @Override
  public void reset() {
    addressMask = -1;
    for (int page = 0; page < LOW_PAGES; page++) {
      long address = (long) page * PAGE;
      boolean ram = lowRom[page] < 0 && (address < VIDEO_START || address >= VIDEO_END);
      shadow(address, PAGE, ram, ram);
    }
  }

  private long beyondFirstMebibyte(long address, boolean write) {
    if (address >= 0 && address < lowTop) {
      return address;
    }
    if (address >= FOUR_GIB && address < highTop) {
      return address - FOUR_GIB + lowTop;
    }
    for (Alias alias : aliasTable) {
      long offset = address - alias.base;
      if (offset >= 0 && offset < alias.length && (alias.writable || !write)) {
        return alias.offset + offset;
      }
    }
    return -1;
  }
}
