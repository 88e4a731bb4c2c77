package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.BELOW;
import static sharevm.translator.Assembler.NOT_BELOW;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.R13;
import static sharevm.translator.Assembler.R14;
import static sharevm.translator.Assembler.R15;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * Where translated code finds a block by its RIP: a table for each mode in use, looked into by
 * every jump to a place that is not known, and behind them a larger one for all modes, with another
 * hash, for what two blocks of a mode would push each other out of.
 *
 * <p>The tables of user modes are for one address space, and emptied when another comes into force;
 * the larger one tells spaces apart by their {@link SpaceNumbers}, so that jumps find their way
 * back into the tables from there.
 */
final class JumpCache {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private static final int FIRST_LEVEL = Context.JUMP_TABLES << Context.JUMP_BITS;
  private static final int ENTRIES = FIRST_LEVEL + (1 << Context.MORE_JUMP_BITS);

  /** How many sets of pages are told apart. */
  static final int PAGE_SETS = 1 << 16;

  /** The golden ratio times 2 to the 32nd, which spreads products evenly. */
  private static final int SPREAD = 0x9e37_79b1;

  /**
   * Brings what tells a mode's table from the others to the top four bits of a tag, below which it
   * is a canonical RIP.
   */
  private static final int TAG_SHIFT = 44;

  /** Where the number of an address space changes a tag: bits 58 to 47, like bit 59 in a RIP. */
  private static final int SPACE_SHIFT = 47;

  /** An odd number, which keeps entries of spaces far from each other. */
  private static final int SPACE_SPREAD = 0x2c1b_3c6d;

  /** No tag: its bit 59 is as in no RIP with bits 58 to 47 clear, and no number is all bits. */
  private static final long NO_TAG = 1L << 59;

  private final MemorySegment shared;
  private final SpaceNumbers spaces = new SpaceNumbers();
  private final SegmentedJumps segmented;

  /** Entries of supervisor modes that have been filled and not emptied since. */
  private final UsedEntries used = new UsedEntries(ENTRIES);

  private final UsedEntries usedGlobal = new UsedEntries(ENTRIES);

  /** Whether the address space in force has entries of when it was last. */
  private boolean kept;

  JumpCache(MemorySegment shared) {
    this.shared = shared;
    this.segmented = new SegmentedJumps(shared);
    for (int number = 0; number < FIRST_LEVEL; number++) {
      empty(number);
    }
    emptyMore();
    forget(true, 0);
  }

  /** Returns the tables of modes where segments count. */
  SegmentedJumps segmented() {
    return segmented;
  }

  private void emptyMore() {
    for (int number = FIRST_LEVEL; number < ENTRIES; number++) {
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
   * @param stays whether the page that the code is in stays when CR3 changes
   */
  void add(TranslatedBlock block, int jumps, long address, boolean stays) {
    int number = (jumps - Context.JUMPS >> 4) + Context.jumpNumber(block.rip, Context.JUMP_BITS);
    if (ModeKey.isUser(block.modeKey)) {
      addUser(block, number, jumps, address);
    } else {
      UsedEntries list = stays ? usedGlobal : used;
      list.add(number);
      fill(number, block.rip, address);
      int more = FIRST_LEVEL + moreNumber(block.rip, jumps, 0);
      list.add(more);
      fill(more, tag(block.rip, jumps), address);
    }
    notePage(block.rip >>> 12);
    if (block.secondPage >= 0) {
      notePage((block.rip >>> 12) + 1);
    }
  }

  private void notePage(long page) {
    long at = pageByte(page);
    shared.set(BYTE, at, (byte) (shared.get(BYTE, at) | 1 << (page & 7)));
  }

  private static long pageByte(long page) {
    return Context.JUMP_PAGES + ((page & PAGE_SETS - 1) >>> 3);
  }

  private void addUser(TranslatedBlock block, int number, int jumps, long address) {
    if (jumps < shared.get(INT, Context.FIRST_USER_JUMPS)) {
      firstUser(jumps);
    }
    if (noteUser(number)) {
      fill(number, block.rip, address);
    }
    int more = moreNumber(block.rip, jumps, shared.get(INT, Context.JUMP_SPACE_SPREAD));
    long tag = tag(block.rip, jumps) ^ shared.get(LONG, Context.JUMP_SPACE);
    fill(FIRST_LEVEL + more, tag, address);
  }

  private static long tag(long rip, int jumps) {
    return rip ^ (long) jumps << TAG_SHIFT;
  }

  /**
   * Enters what will not be empty into the list of such entries of user modes; false where there is
   * no room.
   */
  private boolean noteUser(int number) {
    int count = shared.get(INT, Context.USER_JUMPS);
    boolean isNoted = Long.compareUnsigned(shared.get(LONG, slot(number)), 1) > 0;
    if (!isNoted && count < Context.MOST_USER_JUMPS) {
      shared.set(INT, Context.USER_JUMPS + Context.LIST_START + 4L * count, (int) slot(number));
      shared.set(INT, Context.USER_JUMPS, count + 1);
    }
    return isNoted || count < Context.MOST_USER_JUMPS;
  }

  private void fill(int number, long tag, long address) {
    long slot = slot(number);
    shared.set(LONG, slot, tag);
    shared.set(LONG, slot + 8, address);
  }

  /**
   * Forgets all, or all but what is on global pages.
   *
   * @param cr3 the address space in force
   */
  void forget(boolean globalToo, long cr3) {
    spaces.forget();
    enter(cr3, false);
    if (globalToo) {
      forget(usedGlobal);
      shared.asSlice(Context.JUMP_PAGES, PAGE_SETS / 8).fill((byte) 0);
      firstUser(slot(FIRST_LEVEL - 1));
    }
  }

  /** Says where the table begins that is the first with entries of a user mode. */
  private void firstUser(long jumps) {
    shared.set(INT, Context.FIRST_USER_JUMPS, (int) jumps);
  }

  /**
   * Forgets all but what is on global pages, and what it had in user modes for the address space
   * that comes into force.
   *
   * @param cr3 with the PCID
   * @param keeps whether that is still right
   */
  void enter(long cr3, boolean keeps) {
    segmented.forget();
    forget(used);
    emptyUser();
    kept = keeps && spaces.knows(cr3);
    if (!kept && spaces.areUsedUp()) {
      emptyMore();
      spaces.clear();
    }
    int number = spaces.enter(cr3, kept);
    shared.set(LONG, Context.JUMP_SPACE, (long) number << SPACE_SHIFT);
    shared.set(INT, Context.JUMP_SPACE_SPREAD, number * SPACE_SPREAD);
  }

  /** Returns whether the address space in force has entries of when it was last. */
  boolean hasKept() {
    return kept;
  }

  private void emptyUser() {
    int first = Context.USER_JUMPS + Context.LIST_START;
    for (int n = shared.get(INT, Context.USER_JUMPS) - 1; n >= 0; n--) {
      empty(shared.get(INT, first + 4L * n) - Context.JUMPS >> 4);
    }
    shared.set(INT, Context.USER_JUMPS, 0);
  }

  /** Forgets a page, and the others with it, since that is seldom. */
  void forgetPage(long linear, long cr3) {
    segmented.forget();
    long page = linear >>> 12;
    if ((shared.get(BYTE, pageByte(page)) >> (page & 7) & 1) != 0) {
      forget(true, cr3);
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

  /** The same RIPs of two spaces are to be in different entries. */
  private static int moreNumber(long rip, int jumps, int space) {
    return ((int) rip + jumps + space) * SPREAD >>> 32 - Context.MORE_JUMP_BITS;
  }

  /**
   * Emits the look into the table behind the others: jumps to what it has for the RIP in R13 and
   * the mode whose table's distance is in R14, and enters that there too. What is emitted next is
   * executed when it has nothing.
   *
   * <p>Of a supervisor mode the entry filled here is in the right list already, since Java filled
   * it when it filled the one that is copied, and both are emptied together. Of a user mode it may
   * have to be put there.
   */
  static void emitLook(Assembler a) {
    a.store(Context.at(Context.SCRATCH), RAX);
    a.store(Context.at(Context.SCRATCH + 8), RCX);
    a.lea32(RAX, new Place(R13, R14, 0, 0, false));
    a.move(RCX, R14);
    shift(a, Code.wide(0xc1), 4, RCX, TAG_SHIFT);
    a.registers(Code.wide(0x31), R13, RCX);
    a.memory(Code.of(0x3b), R14, Context.at(Context.FIRST_USER_JUMPS));
    int supervisor = a.jumpIf(BELOW);
    a.memory(Code.wide(0x33), RCX, Context.at(Context.JUMP_SPACE));
    a.memory(Code.of(0x03), RAX, Context.at(Context.JUMP_SPACE_SPREAD));
    a.patchToHere(supervisor);
    a.registers(Code.of(0x69), RAX, RAX);
    a.byte4(SPREAD);
    shift(a, Code.of(0xc1), 5, RAX, 32 - Context.MORE_JUMP_BITS - 4);
    a.arithmetic(false, 4, RAX, (1 << Context.MORE_JUMP_BITS) - 1 << 4);
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
    int full = emitNoteUser(a);
    a.store(new Place(R15, RAX, 0, -Context.BIAS, false), R13);
    a.store(new Place(R15, RAX, 0, 8 - Context.BIAS, false), RCX);
    a.patchToHere(full);
    a.move(R14, RCX);
    restore(a);
    a.registers(Code.of(0xff), 4, R14);
    a.patchToHere(missed);
    restore(a);
  }

  /**
   * Emits what {@link #noteUser} does for the entry whose distance is in RAX, if it is one of a
   * user mode; uses R14. Returns the position behind the jump that is taken when there is no room.
   */
  private static int emitNoteUser(Assembler a) {
    a.memory(Code.of(0x3b), RAX, Context.at(Context.FIRST_USER_JUMPS));
    int supervisor = a.jumpIf(BELOW);
    a.memory(Code.wide(0x83), 7, new Place(R15, RAX, 0, -Context.BIAS, false));
    a.byte1(1);
    int isNoted = a.jumpIf(ABOVE);
    a.load32(R14, Context.at(Context.USER_JUMPS));
    a.arithmetic(false, 7, R14, Context.MOST_USER_JUMPS);
    int full = a.jumpIf(NOT_BELOW);
    int list = Context.USER_JUMPS + Context.LIST_START - Context.BIAS;
    a.memory(Code.of(0x89), RAX, new Place(R15, R14, 2, list, false));
    a.memory(Code.of(0xff), 0, Context.at(Context.USER_JUMPS));
    a.patchToHere(supervisor);
    a.patchToHere(isNoted);
    return full;
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
