package sharevm.cpu;

import java.lang.foreign.MemorySegment;

/**
 * What all processors of a machine share: physical memory and I/O ports. Safe for several threads.
 *
 * <p>A page is 4 KiB; it is plain memory as a whole or not at all. No method throws for anything
 * that a guest can ask: reads of nothing give all ones, writes to nothing are dropped.
 */
public interface Bus {
  /**
   * Returns the guest's memory; what is where in it, {@link #readable} and {@link #writable} tell.
   */
  MemorySegment ram();

  /**
   * Returns the offset in {@link #ram()} of the page at a physical address (low 12 bits ignored)
   * when its bytes may be read and fetched there directly (RAM and ROM), else -1.
   */
  long readable(long physicalAddress);

  /** Returns the offset in {@link #ram()} of a page that may be written directly (RAM), else -1. */
  long writable(long physicalAddress);

  /**
   * Returns the end of RAM that begins at 1 MiB, and that lies in {@link #ram()} at its physical
   * address; 0 when that cannot be said. A change raises {@link Attention#FLUSH} on all processors.
   */
  default long plainLowTop() {
    return 0;
  }

  /**
   * Returns the end of RAM that begins at 4 GiB, and that follows the lower one in {@link #ram()};
   * 4 GiB or less when there is none.
   */
  default long plainHighTop() {
    return 0;
  }

  /**
   * Reads from what is no plain memory.
   *
   * @param size bytes: 1, 2, 4 or 8; never across a page
   * @return the value, zero-extended
   */
  long read(long physicalAddress, int size);

  /** Writes the low {@code size} bytes (1, 2, 4 or 8) of a value to what is no plain memory. */
  void write(long physicalAddress, int size, long value);

  /** Reads a port: {@code size} is 1, 2 or 4 bytes; the value is zero-extended. */
  int in(int port, int size);

  /** Writes a port: {@code size} is 1, 2 or 4 bytes. */
  void out(int port, int size, int value);
}
