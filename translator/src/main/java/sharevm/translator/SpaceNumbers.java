package sharevm.translator;

import java.util.Arrays;

/**
 * Numbers for address spaces in the jump cache: one that is entered with a MOV to CR3 that keeps
 * translations has the number that it had, and with it all entries of then (Intel SDM Vol. 3A
 * 4.10.4.1); else it gets a number that no entry has.
 */
final class SpaceNumbers {
  /** Numbers that there are, from 1 on. */
  static final int MOST = (1 << 12) - 2;

  /** By their low bits; Linux takes turns with six. */
  private static final int PCIDS = 64;

  private final long[] roots = new long[PCIDS];
  private final int[] numbers = new int[PCIDS];
  private int last;

  /** Returns whether a space has a number. */
  boolean knows(long cr3) {
    int slot = slot(cr3);
    return roots[slot] == cr3 && numbers[slot] != 0;
  }

  /** Returns whether no space can get another number. */
  boolean areUsedUp() {
    return last == MOST;
  }

  /**
   * Returns the number of a space that comes into force.
   *
   * @param cr3 its CR3 with its PCID
   * @param keeps whether it is to have the number that it has
   */
  int enter(long cr3, boolean keeps) {
    int slot = slot(cr3);
    if (!keeps) {
      roots[slot] = cr3;
      numbers[slot] = ++last;
    }
    return numbers[slot];
  }

  private static int slot(long cr3) {
    return (int) cr3 & PCIDS - 1;
  }

  /** Says that nothing is known of any space. */
  void forget() {
    Arrays.fill(numbers, 0);
  }

  /** Begins with the first number again, which no entry has now. */
  void clear() {
    forget();
    last = 0;
  }
}
