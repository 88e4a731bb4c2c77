package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.Memory;

/**
 * Java's side of the {@link Context}: the processor's state in and out, the TLBs, the jump cache.
 */
final class ContextAccess implements Memory.Listener {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final int TLBS = 3;
  private static final long TLB_STRIDE = 1L << Context.TLB_ENTRY_SHIFT;
  private static final long NO_JUMP = 1L << 62;
  private static final int PAGE_SETS = 1 << 16;
  private static final int SMALL_PAGE = 12;
  private static final int LARGE_PAGE = 22;
  private static final int HUGE_PAGE = 30;

  private final Cpu cpu;
  private final CpuState s;
  private final MemorySegment shared;
  private final long ramAddress;
  private int tlb;

  /** Entries of the TLBs and of the jump cache that have been filled and not emptied since. */
  private final UsedEntries usedTlb = new UsedEntries(TLBS << Context.TLB_BITS);

  /** Those among the TLBs' that came from large pages, and, by hash, the large pages. */
  private final UsedEntries usedLarge = new UsedEntries(TLBS << Context.TLB_BITS);

  private final BitSet largeRegions = new BitSet(PAGE_SETS);

  private final UsedEntries usedJumps = new UsedEntries(1 << Context.JUMP_BITS);
  private final UsedEntries usedGlobalJumps = new UsedEntries(1 << Context.JUMP_BITS);

  /** Pages, by their low bits, to which the jump cache leads. */
  private final BitSet jumpPages = new BitSet(PAGE_SETS);

  ContextAccess(Cpu cpu) {
    this.cpu = cpu;
    this.s = cpu.state;
    this.shared = s.shared;
    this.ramAddress = cpu.memory.ram().address();
    shared.set(INT, Context.HOST_MXCSR, CpuState.MXCSR_DEFAULT);
    for (long entry = start(0); entry < start(TLBS); entry += TLB_STRIDE) {
      clear(entry);
    }
    for (int slot = 0; slot < 1 << Context.JUMP_BITS; slot++) {
      shared.set(LONG, jumpSlot(slot), NO_JUMP);
    }
  }

  /** Returns the address that translated code has in R15. */
  long base() {
    return shared.address() + Context.BIAS;
  }

  /** Lays out the processor's state for translated code. */
  void enter(int modeKey, long budget) {
    tlb = (modeKey & ModeKey.TLB_MASK) >> ModeKey.TLB_SHIFT;
    for (int n = 0; n < 16; n++) {
      shared.set(LONG, Context.GPR + 8L * n, s.gpr[n]);
    }
    int overflow = Flags.of(s) ? 1 : 0;
    int low = Flags.status(s) & 0xff | Flags.FIXED;
    shared.set(ValueLayout.JAVA_SHORT, Context.FLAGS, (short) (low << 8 | overflow));
    shared.set(LONG, Context.BUDGET, budget);
    shared.set(LONG, Context.MODE_KEY, (long) modeKey << 48);
    shared.set(LONG, Context.FS_BASE, s.segmentBase[CpuState.FS]);
    shared.set(LONG, Context.GS_BASE, s.segmentBase[CpuState.GS]);
    shared.set(INT, Context.XMM_LIVE, 0);
  }

  /**
   * Brings the processor's state home; returns how many instructions have been taken off the
   * budget.
   */
  long leave(long budget) {
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = shared.get(LONG, Context.GPR + 8L * n);
    }
    int flags = shared.get(ValueLayout.JAVA_SHORT, Context.FLAGS) & 0xffff;
    Flags.status(s, flags >> 8 & 0xff & Flags.STATUS | ((flags & 1) != 0 ? Flags.OF : 0));
    return budget - shared.get(LONG, Context.BUDGET);
  }

  long rip() {
    return shared.get(LONG, Context.RIP);
  }

  long missReturn() {
    return shared.get(LONG, Context.MISS_RETURN);
  }

  /**
   * Puts the page that an access missed into the TLB; returns false when Java must do the access.
   */
  boolean fill(int size, boolean write) {
    long linear = shared.get(LONG, Context.MISS_ADDRESS);
    long page = cpu.memory.pageFor(linear, size, write);
    if (page < 0) {
      return false;
    }
    long entry = entry(tlb, linear);
    long never = never(entry);
    long tag = linear & -4096;
    shared.set(LONG, entry + Context.TLB_READ, tag);
    boolean writable = write || cpu.memory.pageWritable(linear);
    shared.set(LONG, entry + Context.TLB_WRITE, writable ? tag : never);
    shared.set(LONG, entry + Context.TLB_HOST, ramAddress + page);
    int number = (int) (entry - Context.TLB >> Context.TLB_ENTRY_SHIFT);
    usedTlb.add(number);
    int shift = cpu.memory.lastPageShift();
    if (shift > SMALL_PAGE) {
      usedLarge.add(number);
      largeRegions.set(region(linear, shift));
    }
    return true;
  }

  /**
   * Lets the jump cache lead from a key to code.
   *
   * @param global whether the page that the code is in stays when CR3 changes
   */
  void jump(long rip, long key, long address, boolean global) {
    int number = ((int) key ^ (int) key >>> Context.JUMP_BITS) & (1 << Context.JUMP_BITS) - 1;
    long slot = jumpSlot(number);
    shared.set(LONG, slot, key);
    shared.set(LONG, slot + 8, address);
    (global ? usedGlobalJumps : usedJumps).add(number);
    jumpPages.set((int) (rip >>> 12) & PAGE_SETS - 1);
  }

  /** Empties the jump cache. */
  void forgetJumps() {
    forgetJumps(usedJumps);
    forgetJumps(usedGlobalJumps);
    jumpPages.clear();
  }

  private void forgetJumps(UsedEntries used) {
    for (int n = used.size() - 1; n >= 0; n--) {
      shared.set(LONG, jumpSlot(used.get(n)), NO_JUMP);
    }
    used.clear();
  }

  private static long jumpSlot(int number) {
    return Context.JUMPS + ((long) number << 4);
  }

  @Override
  public void flushed(boolean globalToo) {
    if (globalToo) {
      forgetJumps();
    } else {
      forgetJumps(usedJumps);
    }
    for (int n = usedTlb.size() - 1; n >= 0; n--) {
      clear(Context.TLB + (long) usedTlb.get(n) * TLB_STRIDE);
    }
    usedTlb.clear();
    usedLarge.clear();
    largeRegions.clear();
  }

  @Override
  public void pageFlushed(long linear) {
    for (int n = 0; n < TLBS; n++) {
      clear(entry(n, linear));
    }
    forgetLarge(linear, LARGE_PAGE);
    forgetLarge(linear, HUGE_PAGE);
    if (jumpPages.get((int) (linear >>> 12) & PAGE_SETS - 1)) {
      forgetJumps();
    }
  }

  /**
   * Forgets all that is near an address, where a large page may be: entries are pieces of 4 KiB of
   * it.
   */
  private void forgetLarge(long linear, int shift) {
    if (!largeRegions.get(region(linear, shift))) {
      return;
    }
    for (int n = usedLarge.size() - 1; n >= 0; n--) {
      long entry = Context.TLB + (long) usedLarge.get(n) * TLB_STRIDE;
      if (shared.get(LONG, entry + Context.TLB_READ) >>> shift == linear >>> shift) {
        clear(entry);
      }
    }
  }

  private static int region(long linear, int shift) {
    return (int) (linear >>> shift) + shift & PAGE_SETS - 1;
  }

  @Override
  public void codeAt(long ramOffset) {
    long host = ramAddress + ramOffset;
    for (long entry = start(0); entry < start(TLBS); entry += TLB_STRIDE) {
      if (shared.get(LONG, entry + Context.TLB_HOST) == host) {
        shared.set(LONG, entry + Context.TLB_WRITE, never(entry));
      }
    }
  }

  private void clear(long entry) {
    shared.set(LONG, entry + Context.TLB_READ, never(entry));
    shared.set(LONG, entry + Context.TLB_WRITE, never(entry));
  }

  private static long start(int number) {
    return Context.TLB + (long) number * Context.TLB_SIZE;
  }

  private static long entry(int number, long linear) {
    return start(number)
        + ((linear >>> 12 & (1 << Context.TLB_BITS) - 1) << Context.TLB_ENTRY_SHIFT);
  }

  /** An empty entry names a page whose place is another entry, so that no address hits it. */
  private static long never(long entry) {
    return (entry - Context.TLB & Context.TLB_SIZE - 1) == 0 ? 4096 : 0;
  }
}
