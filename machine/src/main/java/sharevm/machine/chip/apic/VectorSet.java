package sharevm.machine.chip.apic;

import java.util.Arrays;

/** A set of interrupt vectors: IRR, ISR or TMR. */
final class VectorSet {
  private final long[] words = new long[4];

  boolean has(int vector) {
    return (words[vector >> 6] >>> vector & 1) != 0;
  }

  void add(int vector) {
    words[vector >> 6] |= 1L << vector;
  }

  void remove(int vector) {
    words[vector >> 6] &= ~(1L << vector);
  }

  /** Returns the highest vector, or -1. */
  int highest() {
    for (int i = 3; i >= 0; i--) {
      if (words[i] != 0) {
        return 64 * i + 63 - Long.numberOfLeadingZeros(words[i]);
      }
    }
    return -1;
  }

  /** Returns one of the eight 32-bit registers that show the set. */
  int register(int index) {
    return (int) (words[index >> 1] >>> 32 * (index & 1));
  }

  void clear() {
    Arrays.fill(words, 0);
  }

  long[] save() {
    return words.clone();
  }

  void restore(long[] saved) {
    System.arraycopy(saved, 0, words, 0, Math.min(saved.length, words.length));
  }
}
