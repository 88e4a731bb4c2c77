package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import sharevm.cpu.interpret.PageBits;
import sharevm.host.ExecutableMemory;
import sharevm.translator.BlockTranslator.Successors;
import sharevm.translator.Tuning.Means;

/**
 * The translated blocks of one processor and the machine code of them. When it is full everything
 * is thrown away: what is needed is soon back, and what is not no longer takes room.
 */
final class CodeCache {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  /** The most that one block can take; a translation begins only when so much is free. */
  private static final int ROOM = 64 << 10;

  /** Bytes of the memory that are made ready at a time. */
  private static final int PREPARED = 256 << 10;

  /** Bytes of a jump. */
  private static final int JUMP = 5;

  /** NOP of five bytes (Intel SDM Vol. 2B, NOP), as long as a call. */
  private static final byte[] NO_OPERATION = {0x0f, 0x1f, 0x44, 0, 0};

  private final ExecutableMemory memory;
  private final Tuning tuning;
  private final Stubs stubs;
  private final int begin;
  private int end;

  /** Where the memory that has been made ready ends. */
  private long ready;

  private final Map<Long, TranslatedBlock> byKey = new HashMap<>();
  private final Map<Integer, List<TranslatedBlock>> byPage = new HashMap<>();
  private final ExitSites sites = new ExitSites();

  /** Pages that {@link #byPage} has blocks of, also for other threads. */
  private final PageBits held;

  private final Assembler assembler = new Assembler();
  private final Successors successors;

  /** The supervisor modes in use, by the number of their jump caches. */
  private final List<Integer> supervisorModes = new ArrayList<>();

  /** The user modes in use, whose jump caches are counted from the last down. */
  private final List<Integer> userModes = new ArrayList<>();

  /** The modes in use where segments count, by the number of their jump caches. */
  private final List<Integer> segmentedModes = new ArrayList<>();

  /** Places of loads that have turned out to do better without mirrors. */
  private final Set<Long> withoutMirrors = new HashSet<>();

  private long blocksMade;
  private int timesFull;
  private long jumpsMade;
  private long jumpsChained;

  CodeCache(ExecutableMemory memory, long ramSize, Successors successors, Tuning tuning) {
    this.tuning = tuning;
    this.held = new PageBits(ramSize);
    this.memory = memory;
    this.successors = successors;
    this.stubs = new Stubs(tuning);
    byte[] code = stubs.bytes();
    write(code, 0);
    begin = code.length + 63 & -64;
    clear();
  }

  /** Throws everything away. */
  void clear() {
    end = begin;
    byKey.clear();
    byPage.keySet().forEach(held::clear);
    byPage.clear();
    sites.clear();
    supervisorModes.clear();
    userModes.clear();
    segmentedModes.clear();
    withoutMirrors.clear();
    sites.add(new ExitSite(ExitSite.Kind.LOOKUP, null, 0, 0, 0, -1, 0, false));
  }

  /** Returns whether there is room for one more block of a mode. */
  boolean hasRoom(int modeKey) {
    boolean isKnown = modes(modeKey).contains(modeKey);
    return (isKnown || hasTable(modeKey)) && end + ROOM <= memory.writable().byteSize();
  }

  /** Whether one more mode can have a jump cache. */
  private boolean hasTable(int modeKey) {
    return ModeKey.isFlat(modeKey)
        ? supervisorModes.size() + userModes.size() < Context.JUMP_TABLES
        : segmentedModes.size() < Context.SEGMENTED_TABLES;
  }

  /** Returns the distance of a mode's jump cache from the start of the context. */
  int jumps(int modeKey) {
    List<Integer> modes = modes(modeKey);
    if (!modes.contains(modeKey)) {
      modes.add(modeKey);
    }
    int index = modes.indexOf(modeKey);
    if (!ModeKey.isFlat(modeKey)) {
      return Context.SEGMENTED_JUMPS + (index << Context.SEGMENTED_JUMP_BITS + 4);
    }
    int table = ModeKey.isUser(modeKey) ? Context.JUMP_TABLES - 1 - index : index;
    return Context.JUMPS + (table << Context.JUMP_BITS + 4);
  }

  private List<Integer> modes(int modeKey) {
    if (!ModeKey.isFlat(modeKey)) {
      return segmentedModes;
    }
    return ModeKey.isUser(modeKey) ? userModes : supervisorModes;
  }

  /** Counts a clearing because of lack of room. */
  void wasFull() {
    timesFull++;
    clear();
  }

  Stubs stubs() {
    return stubs;
  }

  ExitSite site(int number) {
    return sites.get(number);
  }

  /** Returns the address at which the host executes an offset. */
  long address(int offset) {
    return memory.codeAddress() + offset;
  }

  /** Runs code at an offset; see {@link ExecutableMemory#call}. */
  long call(int offset, long first, long second) {
    return memory.call(offset, first, second);
  }

  /** Returns the first block for a RIP and mode, others behind it. */
  TranslatedBlock find(long rip, int modeKey) {
    return byKey.get(key(rip, modeKey));
  }

  static long key(long rip, int modeKey) {
    return rip ^ (long) modeKey << 48;
  }

  /** Translates a block and keeps it where it is found by its RIP. */
  void add(TranslatedBlock block) {
    translate(block);
    block.next = byKey.put(key(block.rip, block.modeKey), block);
  }

  /** Translates a block that only exits lead to. */
  void translate(TranslatedBlock block) {
    block.entry = end;
    if (!withoutMirrors.isEmpty()) {
      block.doWithoutMirrors(withoutMirrors::contains);
    }
    int sitesBefore = sites.size();
    BlockTranslator translator =
        new BlockTranslator(assembler, stubs, end, block, sites, this::jumps, successors, tuning);
    translator.translate();
    byte[] code = assembler.bytes();
    long address = address(end);
    tuning.listener().ifPresent(of -> of.accept(translator.translation(code, address)));
    countJumps(sitesBefore);
    write(code, end);
    end += code.length + 15 & -16;
    addTo(block.place, block);
    if (block.secondPage >= 0) {
      addTo(block.secondPage, block);
    }
    blocksMade++;
  }

  private void countJumps(int firstSite) {
    for (int n = firstSite; n < sites.size(); n++) {
      jumpsMade += sites.kind(n) == ExitSite.Kind.CHAIN ? 1 : 0;
    }
  }

  private void addTo(long place, TranslatedBlock block) {
    int page = (int) (place >>> 12);
    held.set(page);
    byPage.computeIfAbsent(page, _ -> new ArrayList<>()).add(block);
  }

  /**
   * Makes the jump of a chain exit lead to a block. What was given back to the budget before the
   * jump pays for that block then, whose first instruction need not take it off again.
   */
  void chain(ExitSite site, TranslatedBlock to) {
    if (!tuning.has(Means.CHAINS)) {
      return;
    }
    int given = site.kind() == ExitSite.Kind.CHAIN ? site.size() : 0;
    int entry = to.entry;
    if (given > 0) {
      int constant = site.patch() - JUMP - 1;
      memory.writable().set(ValueLayout.JAVA_BYTE, constant, (byte) (given - to.code.length));
      entry += Budget.CHANGE;
    }
    jumpsChained += site.kind() == ExitSite.Kind.CHAIN ? 1 : 0;
    memory.writable().set(INT, site.patch() - 4L, entry - site.patch());
  }

  /**
   * Makes the jump of a chain exit look for its target each time: a block that depends on another
   * page too.
   */
  void chainToLookup(ExitSite site) {
    if (!tuning.has(Means.CHAINS) || !hasRoom(site.modeKey())) {
      return;
    }
    assembler.clear();
    Stubs.jumpThroughCache(assembler, site.modeKey(), jumps(site.modeKey()), site.target());
    int jump = assembler.jump();
    assembler.patch(jump, stubs.lookupMissOffset(site.modeKey()) - end);
    memory.writable().set(INT, site.patch() - 4L, end - site.patch());
    byte[] code = assembler.bytes();
    write(code, end);
    end += code.length + 15 & -16;
  }

  /** Whether a load is one that has been told to do without mirrors, in this block or another. */
  boolean doesWithoutMirror(ExitSite site) {
    return withoutMirrors.contains(place(site));
  }

  /**
   * Lets a load do without mirrors from now on. Its block goes on with a jump to the other way and
   * back, and is made anew when it is next entered.
   */
  void withoutMirror(ExitSite site) {
    int plain = (int) site.target();
    int behindCall = (int) (site.target() >>> 32);
    jump(site.patch(), plain);
    write(NO_OPERATION, behindCall - NO_OPERATION.length);
    withoutMirrors.add(place(site));
    if (site.block().valid) {
      invalidate(site.block());
    }
  }

  private static long place(ExitSite site) {
    return site.block().place(site.block().rip(site.index()));
  }

  /** Drops the blocks of a page that overlap a range of it. */
  void drop(int page, int from, int to) {
    List<TranslatedBlock> blocks = byPage.get(page);
    if (blocks == null) {
      return;
    }
    blocks.removeIf(
        block -> {
          boolean hit = block.secondPage >= 0 || block.touches(from, to);
          if (hit && block.valid) {
            invalidate(block);
          }
          return hit;
        });
    if (blocks.isEmpty()) {
      byPage.remove(page);
      held.clear(page);
    }
  }

  /** Returns whether there are blocks of a page; any thread may ask. */
  boolean mayHold(int page) {
    return held.get(page);
  }

  /**
   * Lets whoever still jumps to a block leave translated code there: at once, or when its
   * instructions have been given back to the budget, which others have paid already.
   */
  private void invalidate(TranslatedBlock block) {
    block.valid = false;
    unlink(block);
    sites.add(new ExitSite(ExitSite.Kind.INVALID, block, block.modeKey, 0, 0, -1, 0, false));
    assembler.clear();
    assembler.constant(Registers.TEMP, sites.size() - 1);
    assembler.patch(assembler.jump(), stubs.exitOffset() - block.exit);
    write(assembler.bytes(), block.exit);
    jump(block.entry, block.exit);
    jump(block.entry + Budget.CHANGE, block.spent);
    jump(block.spent + Budget.CHANGE, block.entry);
  }

  /**
   * Lets whoever still jumps to a block that is no longer valid go to the one that took its place.
   */
  void forward(TranslatedBlock from, TranslatedBlock to) {
    jump(from.entry, to.entry);
  }

  private void jump(int from, int to) {
    assembler.clear();
    assembler.patch(assembler.jump(), to - from);
    write(assembler.bytes(), from);
  }

  private void write(byte[] code, int offset) {
    if (offset + code.length > ready) {
      long more = Math.min(PREPARED, memory.writable().byteSize() - ready);
      memory.prepare(ready, more);
      ready += more;
    }
    MemorySegment.copy(code, 0, memory.writable(), ValueLayout.JAVA_BYTE, offset, code.length);
  }

  private void unlink(TranslatedBlock block) {
    long key = key(block.rip, block.modeKey);
    TranslatedBlock first = byKey.get(key);
    if (first == block) {
      if (block.next == null) {
        byKey.remove(key);
      } else {
        byKey.put(key, block.next);
      }
      return;
    }
    for (TranslatedBlock b = first; b != null; b = b.next) {
      if (b.next == block) {
        b.next = block.next;
      }
    }
  }

  /** Returns one line of counts. */
  String statistics() {
    return String.format(
        Locale.ROOT,
        "%,d blocks now, %,d translations, %,d KiB of code (full %,d times),"
            + " %,d of %,d jumps to known places chained",
        byKey.size(),
        blocksMade,
        end >> 10,
        timesFull,
        jumpsChained,
        jumpsMade);
  }
}
