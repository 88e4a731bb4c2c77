package sharevm.cpu.address;

import java.util.Arrays;

/**
 * A direct-mapped cache of translations of linear pages to places in guest RAM, as one array so that a probe
 * touches one cache line. An entry is four words: the page that may be read, the page that may be written
 * (linear addresses), whether it is global, and the page's offset in RAM.
 *
 * <p>A probe for {@code size} bytes at {@code a} takes the entry of a's page and tests {@code a - page}
 * unsigned against {@code 4096 - size}: one comparison tells a hit and that the access stays in the page.
 * An empty entry names a page whose own place is another entry, so that no address hits it.
 */
final class Tlb {
  static final int BITS = 9;
  static final int STRIDE_SHIFT = 2;
  static final int INDEX_MASK = (1 << BITS) - 1;
  static final int READ = 0;
  static final int WRITE = 1;
  static final int GLOBAL = 2;
  static final int RAM = 3;

  final long[] words = new long[1 << BITS + STRIDE_SHIFT];
  private boolean used = true;

  Tlb() {
    flush();
  }

  /** Returns the index of the entry for an address. */
  static int entry(long linear) {
    return ((int) (linear >>> 12) & INDEX_MASK) << STRIDE_SHIFT;
  }

  void fill(long linear, boolean readable, boolean writable, boolean global, long ramOffset) {
    int entry = entry(linear);
    long page = linear & -4096;
    long never = never(entry);
    words[entry + READ] = readable ? page : never;
    words[entry + WRITE] = writable ? page : never;
    words[entry + GLOBAL] = global ? 1 : 0;
    words[entry + RAM] = ramOffset;
    used = true;
  }

  void flush() {
    if (used) {
      Arrays.fill(words, 0);
      words[READ] = never(0);
      words[WRITE] = never(0);
      used = false;
    }
  }

  void flushNonGlobal() {
    if (!used) {
      return;
    }
    for (int entry = 0; entry < words.length; entry += 1 << STRIDE_SHIFT) {
      if (words[entry + GLOBAL] == 0) {
        clear(entry);
      }
    }
  }

  void flushPage(long linear) {
    clear(entry(linear));
  }

  /** Takes away the right to write to a page of RAM wherever it is mapped; returns whether any entry had it. */
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
