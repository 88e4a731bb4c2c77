package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The jump caches of modes where segments count: small tables, one for each mode in use, in which a
 * block is found by its RIP and by the base of CS in force, and which are emptied whenever any
 * mapping changes.
 *
 * <p>What code looks for is the RIP with the base in the upper half, since neither has more than 32
 * bits.
 */
final class SegmentedJumps {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private static final int ENTRIES = Context.SEGMENTED_TABLES << Context.SEGMENTED_JUMP_BITS;
  private static final int BASE_SHIFT = 32;

  private final MemorySegment shared;
  private final UsedEntries used = new UsedEntries(ENTRIES);

  SegmentedJumps(MemorySegment shared) {
    this.shared = shared;
    for (int number = 0; number < ENTRIES; number += 1 << Context.SEGMENTED_JUMP_BITS) {
      empty(number);
    }
  }

  /** Returns the part of a key that is the base of CS. */
  static long space(long base) {
    return base << BASE_SHIFT;
  }

  /**
   * Lets a mode's table lead to the code of a block.
   *
   * @param base of CS
   * @param table distance of the table from the start of the context
   */
  void add(long rip, long base, int table, long address) {
    int hash = Context.jumpNumber(rip, Context.SEGMENTED_JUMP_BITS);
    int number = (table - Context.SEGMENTED_JUMPS >> 4) + hash;
    used.add(number);
    shared.set(LONG, slot(number), space(base) | rip);
    shared.set(LONG, slot(number) + 8, address);
  }

  /** Forgets all. */
  void forget() {
    for (int n = used.size() - 1; n >= 0; n--) {
      empty(used.get(n));
    }
    used.clear();
  }

  /** Lets an entry have what nobody looks for there. */
  private void empty(int number) {
    boolean first = (number & (1 << Context.SEGMENTED_JUMP_BITS) - 1) == 0;
    shared.set(LONG, slot(number), first ? 1 : 0);
  }

  private static long slot(int number) {
    return Context.SEGMENTED_JUMPS + ((long) number << 4);
  }
}
