package sharevm.machine.firmware;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import sharevm.machine.bus.PageSupply;

/**
 * A guest's RAM as firmware sees it: by physical address, little-endian, whole and writable, in one
 * piece below the PCI hole and one above 4 GiB.
 *
 * <pre>
 *   physical   0 ........ lowBytes        4 GiB ........ 4 GiB + highBytes
 *   segment    0 ........ lowBytes ...................... lowBytes + highBytes
 * </pre>
 *
 * Every method checks its range and throws {@link IndexOutOfBoundsException} outside it; callers
 * who handle what a stranger wrote ask {@link #contains} first.
 */
public final class PhysicalMemory {
  /** Where memory begins again above the hole that PCI devices, I/O APIC and ROM live in. */
  public static final long HIGH_BASE = 1L << 32;

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment ram;
  private final long lowBytes;
  private final long highBytes;
  private final PageSupply pages;

  /**
   * Makes one over a guest's memory.
   *
   * @param lowBytes bytes below 4 GiB, at most 4 GiB
   * @param highBytes bytes from 4 GiB on, may be 0
   * @param pages makes pages that are about to be written
   */
  public PhysicalMemory(MemorySegment ram, long lowBytes, long highBytes, PageSupply pages) {
    if (lowBytes < 0 || lowBytes > HIGH_BASE || highBytes < 0) {
      throw new IllegalArgumentException("low " + lowBytes + ", high " + highBytes);
    }
    this.ram = ram.asSlice(0, lowBytes + highBytes);
    this.lowBytes = lowBytes;
    this.highBytes = highBytes;
    this.pages = pages;
  }

  /** Returns the bytes of memory that begin at address 0. */
  public long lowBytes() {
    return lowBytes;
  }

  /** Returns the bytes of memory that begin at {@link #HIGH_BASE}. */
  public long highBytes() {
    return highBytes;
  }

  /** Returns whether all of a range is memory, in one piece. */
  public boolean contains(long address, long length) {
    if (address < 0 || length < 0) {
      return false;
    }
    return within(address, length, 0, lowBytes) || within(address, length, HIGH_BASE, highBytes);
  }

  /** Returns a range as a segment. */
  public MemorySegment slice(long address, long length) {
    return ram.asSlice(offset(address, length), length);
  }

  /** Has the host make the pages of a range that is about to be written. */
  void prepare(long address, long length) {
    pages.prepare(offset(address, length), length);
  }

  private long offset(long address, long length) {
    if (!contains(address, length)) {
      throw new IndexOutOfBoundsException(
          "no memory at " + Long.toHexString(address) + "h, " + length + " bytes");
    }
    return address < HIGH_BASE ? address : address - HIGH_BASE + lowBytes;
  }

  /** Reads a byte, zero-extended. */
  public int u8(long address) {
    return slice(address, 1).get(ValueLayout.JAVA_BYTE, 0) & 0xFF;
  }

  /** Reads 2 bytes, zero-extended. */
  public int u16(long address) {
    return slice(address, 2).get(U16, 0) & 0xFFFF;
  }

  /** Reads 4 bytes, zero-extended. */
  public long u32(long address) {
    return slice(address, 4).get(U32, 0) & 0xFFFF_FFFFL;
  }

  /** Reads 8 bytes. */
  public long u64(long address) {
    return slice(address, 8).get(U64, 0);
  }

  /** Writes a byte. */
  public void put8(long address, int value) {
    slice(address, 1).set(ValueLayout.JAVA_BYTE, 0, (byte) value);
  }

  /** Writes 2 bytes. */
  public void put16(long address, int value) {
    slice(address, 2).set(U16, 0, (short) value);
  }

  /** Writes 4 bytes. */
  public void put32(long address, long value) {
    slice(address, 4).set(U32, 0, (int) value);
  }

  /** Writes 8 bytes. */
  public void put64(long address, long value) {
    slice(address, 8).set(U64, 0, value);
  }

  /** Returns a copy of a range. */
  public byte[] read(long address, int length) {
    return slice(address, length).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Writes bytes. */
  public void write(long address, byte[] bytes) {
    write(address, bytes, 0, bytes.length);
  }

  /** Writes a part of an array. */
  public void write(long address, byte[] bytes, int offset, int length) {
    MemorySegment.copy(bytes, offset, slice(address, length), ValueLayout.JAVA_BYTE, 0, length);
  }

  /** Writes a text in Latin-1 and a zero byte after it. */
  public void writeText(long address, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    write(address, bytes);
    put8(address + bytes.length, 0);
  }

  /** Fills a range with zeros. */
  public void zero(long address, long length) {
    slice(address, length).fill((byte) 0);
  }

  private static boolean within(long address, long length, long base, long size) {
    long offset = address - base;
    return offset >= 0 && offset <= size && length <= size - offset;
  }
}
