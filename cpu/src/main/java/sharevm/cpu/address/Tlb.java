package sharevm.cpu.address;

import java.util.Arrays;

/**
 * A direct-mapped cache of translations of linear pages to places in guest RAM, as one array so
 * that a probe touches one cache line. An entry is four words: the page that may be read, the page
 * that may be written (linear addresses), of what kind it is, and the page's offset in RAM.
 *
 * <p>A probe for {@code size} bytes at {@code a} takes the entry of a's page and tests {@code a -
 * page} unsigned against {@code 4096 - size}: one comparison tells a hit and that the access stays
 * in the page. An empty entry names a page whose own place is another entry, so that no address
 * hits it.
 */
final class Tlb {
  static final int BITS = 9;
  static final int STRIDE_SHIFT = 2;
  static final int INDEX_MASK = (1 << BITS) - 1;
  static final int READ = 0;
  static final int WRITE = 1;
  static final int GLOBAL = 2;
  static final int RAM = 3;

  /**
   * Bits of the word {@link #GLOBAL}: kept when CR3 is loaded; part of a page of 2 or 4 MiB; of 1
   * GiB.
   */
  static final int IS_GLOBAL = 1;

  static final int LARGE = 2;
  static final int HUGE = 4;

  final long[] words = new long[1 << BITS + STRIDE_SHIFT];
  private boolean used = true;
  private boolean hasLarge;

  /** Entries filled with what does not stay when CR3 is loaded, as far as there is room. */
  private final int[] local = new int[32];

  /** How many there would be with room for all. */
  private int locals;

  Tlb() {
    flush();
  }

  /** Returns the index of the entry for an address. */
  static int entry(long linear) {
    return ((int) (linear >>> 12) & INDEX_MASK) << STRIDE_SHIFT;
  }

  void fill(long linear, boolean writable, int flags, long ramOffset) {
    int entry = entry(linear);
    long page = linear & -4096;
    long never = never(entry);
    words[entry + READ] = page;
    words[entry + WRITE] = writable ? page : never;
    words[entry + GLOBAL] = flags;
    words[entry + RAM] = ramOffset;
    hasLarge |= (flags & (LARGE | HUGE)) != 0;
    used = true;
    if ((flags & IS_GLOBAL) == 0) {
      noteLocal(entry);
    }
  }

  private void noteLocal(int entry) {
    if (locals < local.length) {
      local[locals] = entry;
    }
    locals++;
  }

  void flush() {
    locals = 0;
    if (used) {
      Arrays.fill(words, 0);
      words[READ] = never(0);
      words[WRITE] = never(0);
      used = false;
      hasLarge = false;
    }
  }

  void flushNonGlobal() {
    if (locals <= local.length) {
      for (int n = 0; n < locals; n++) {
        clearLocal(local[n]);
      }
    } else {
      for (int entry = 0; entry < words.length; entry += 1 << STRIDE_SHIFT) {
        clearLocal(entry);
      }
    }
    locals = 0;
  }

  private void clearLocal(int entry) {
    if ((words[entry + GLOBAL] & IS_GLOBAL) == 0) {
      clear(entry);
    }
  }

  /** Forgets the translation of the 4 KiB around an address. */
  void flushPiece(long linear) {
    clear(entry(linear));
  }

  /**
   * Forgets the page of an address, whatever its size: an entry is only 4 KiB of a large page, so
   * all entries near the address that came from one go as well (Intel SDM Vol. 3A 4.10.4.1).
   */
  void flushPage(long linear) {
    flushPiece(linear);
    if (!hasLarge) {
      return;
    }
    for (int entry = 0; entry < words.length; entry += 1 << STRIDE_SHIFT) {
      long flags = words[entry + GLOBAL];
      int shift = (flags & HUGE) != 0 ? 30 : 22;
      boolean large = (flags & (LARGE | HUGE)) != 0;
      long tag = words[entry + READ];
      if (large && tag >>> shift == linear >>> shift) {
        clear(entry);
      }
    }
  }

  /**
   * Takes away the right to write to a page of RAM wherever it is mapped; returns whether any entry
   * had it.
   */
  boolean protect(long ramOffset) {
    boolean had = false;
    for (int entry = 0; entry < words.length; entry += 1 << STRIDE_SHIFT) {
      if (words[entry + RAM] == ramOffset && words[entry + WRITE] != never(entry)) {
        words[entry + WRITE] = never(entry);
        had = true;
      }
    }
    return had;
  }

  private void clear(int entry) {
    words[entry + READ] = never(entry);
    words[entry + WRITE] = never(entry);
  }

  private static long never(int entry) {
    return entry == 0 ? 4096 : 0;
  }
}
