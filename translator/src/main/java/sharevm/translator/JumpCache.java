package sharevm.translator;

import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.R13;
import static sharevm.translator.Assembler.R14;
import static sharevm.translator.Assembler.R15;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * Where translated code finds a block by its RIP: a table for each mode in use, looked into by
 * every jump to a place that is not known, and behind them a larger one for all modes, with another
 * hash, for what two blocks of a mode would push each other out of.
 */
final class JumpCache {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private static final int FIRST_LEVEL = Context.JUMP_TABLES << Context.JUMP_BITS;
  private static final int ENTRIES = FIRST_LEVEL + (1 << Context.MORE_JUMP_BITS);
  private static final int PAGE_SETS = 1 << 16;

  /** The golden ratio times 2 to the 32nd, which spreads products evenly. */
  private static final int SPREAD = 0x9e37_79b1;

  /**
   * Brings what tells a mode's table from the others to the top four bits of a tag, below which it
   * is a canonical RIP.
   */
  private static final int TAG_SHIFT = 44;

  /** No tag: its bits 59 to 47 are neither all set nor all clear. */
  private static final long NO_TAG = 1L << 52;

  private final MemorySegment shared;

  /** Entries that have been filled and not emptied since. */
  private final UsedEntries used = new UsedEntries(ENTRIES);

  private final UsedEntries usedGlobal = new UsedEntries(ENTRIES);

  /** Pages, by their low bits, to which entries lead. */
  private final BitSet pages = new BitSet(PAGE_SETS);

  JumpCache(MemorySegment shared) {
    this.shared = shared;
    for (int number = 0; number < ENTRIES; number++) {
      empty(number);
    }
  }

  /**
   * Empties an entry: lets it have what nobody looks for there, even a RIP that is not canonical,
   * of which only the larger table hears nothing.
   */
  private void empty(int number) {
    boolean first = (number & (1 << Context.JUMP_BITS) - 1) == 0;
    long nobodys = number >= FIRST_LEVEL ? NO_TAG : first ? 1 : 0;
    shared.set(LONG, slot(number), nobodys);
  }

  /**
   * Lets the tables of a block's mode lead to the block's code.
   *
   * @param jumps distance of the mode's table from the start of the context
   * @param global whether the page that the code is in stays when CR3 changes
   */
  void add(TranslatedBlock block, int jumps, long address, boolean global) {
    UsedEntries list = global ? usedGlobal : used;
    fill(list, (jumps - Context.JUMPS >> 4) + Context.jumpNumber(block.rip), block.rip, address);
    long tag = block.rip ^ (long) jumps << TAG_SHIFT;
    fill(list, FIRST_LEVEL + moreNumber(block.rip, jumps), tag, address);
    pages.set((int) (block.rip >>> 12) & PAGE_SETS - 1);
    if (block.secondPage >= 0) {
      pages.set((int) (block.rip >>> 12) + 1 & PAGE_SETS - 1);
    }
  }

  private void fill(UsedEntries list, int number, long tag, long address) {
    long slot = slot(number);
    shared.set(LONG, slot, tag);
    shared.set(LONG, slot + 8, address);
    list.add(number);
  }

  /** Forgets all, or all but what is on global pages. */
  void forget(boolean globalToo) {
    forget(used);
    if (globalToo) {
      forget(usedGlobal);
      pages.clear();
    }
  }

  /** Forgets a page, and the others with it, since that is seldom. */
  void forgetPage(long linear) {
    if (pages.get((int) (linear >>> 12) & PAGE_SETS - 1)) {
      forget(true);
    }
  }

  private void forget(UsedEntries list) {
    for (int n = list.size() - 1; n >= 0; n--) {
      empty(list.get(n));
    }
    list.clear();
  }

  private static long slot(int number) {
    return number < FIRST_LEVEL
        ? Context.JUMPS + ((long) number << 4)
        : Context.MORE_JUMPS + ((long) (number - FIRST_LEVEL) << 4);
  }

  private static int moreNumber(long rip, int jumps) {
    return ((int) rip + jumps) * SPREAD >>> 32 - Context.MORE_JUMP_BITS;
  }

  /**
   * Emits the look into the table behind the others: jumps to what it has for the RIP in R13 and
   * the mode whose table's distance is in R14, and enters that there too. What is emitted next is
   * executed when it has nothing.
   *
   * <p>The entry filled here is in the right list already, since Java filled it when it filled the
   * one that is copied, and both are emptied together.
   */
  static void emitLook(Assembler a) {
    a.store(Context.at(Context.SCRATCH), RAX);
    a.store(Context.at(Context.SCRATCH + 8), RCX);
    a.lea32(RAX, new Place(R13, R14, 0, 0, false));
    a.registers(Code.of(0x69), RAX, RAX);
    a.byte4(SPREAD);
    shift(a, Code.of(0xc1), 5, RAX, 32 - Context.MORE_JUMP_BITS - 4);
    a.arithmetic(false, 4, RAX, (1 << Context.MORE_JUMP_BITS) - 1 << 4);
    a.move(RCX, R14);
    shift(a, Code.wide(0xc1), 4, RCX, TAG_SHIFT);
    a.registers(Code.wide(0x31), R13, RCX);
    int more = Context.MORE_JUMPS - Context.BIAS;
    a.memory(Code.wide(0x3b), RCX, new Place(R15, RAX, 0, more, false));
    int missed = a.jumpIf(NOT_EQUAL);
    a.memory(Code.wide(0x8b), RCX, new Place(R15, RAX, 0, more + 8, false));
    a.registers(Code.of(0x89), R13, RAX);
    shift(a, Code.of(0xc1), 5, RAX, Context.JUMP_BITS);
    a.registers(Code.of(0x31), R13, RAX);
    a.arithmetic(false, 4, RAX, (1 << Context.JUMP_BITS) - 1);
    shift(a, Code.of(0xc1), 4, RAX, 4);
    a.registers(Code.of(0x01), R14, RAX);
    a.store(new Place(R15, RAX, 0, -Context.BIAS, false), R13);
    a.store(new Place(R15, RAX, 0, 8 - Context.BIAS, false), RCX);
    a.move(R14, RCX);
    restore(a);
    a.registers(Code.of(0xff), 4, R14);
    a.patchToHere(missed);
    restore(a);
  }

  private static void restore(Assembler a) {
    a.load(RAX, Context.at(Context.SCRATCH));
    a.load(RCX, Context.at(Context.SCRATCH + 8));
  }

  private static void shift(Assembler a, Code code, int digit, int register, int count) {
    a.registers(code, digit, register);
    a.byte1(count);
  }
}
