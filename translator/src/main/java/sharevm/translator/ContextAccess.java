package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.Memory;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.event.Breakpoints;
import sharevm.cpu.instruction.SystemCalls;
import sharevm.translator.Tuning.Means;

/** Java's side of the {@link Context}: the processor's state in and out, the TLBs. */
final class ContextAccess implements Memory.Listener {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  /** The bits of an entry of a page table that are an address, reserved ones among them. */
  private static final long FRAME = (1L << 52) - 4096;

  private static final int CLEARED_BY_SYSCALL =
      Flags.STATUS | Flags.IF | Flags.TF | Flags.DF | Flags.NT | Flags.AC;

  /** U/S of an entry of a page table. */
  private static final int USER = 4;

  private static final long FOUR_GIB = 1L << 32;
  private static final int DESCRIPTOR_SIZE = 8;

  /** TLBs: user, supervisor, supervisor with SMAP suspended. */
  static final int TLBS = 3;

  private static final long TLB_STRIDE = 1L << Context.TLB_ENTRY_SHIFT;

  /** Binary logarithms of the sizes of large pages. */
  static final int LARGE_PAGE = 21;

  static final int HUGE_PAGE = 30;

  private final Cpu cpu;
  private final CpuState s;
  private final MemorySegment shared;
  private final Mirrors mirrors;
  private final long ramAddress;
  private final boolean walks;
  private final int slice;
  private int mappings;

  private final JumpCache jumps;
  private final FloatingState floating;
  private final TimestampCounter timestamp;

  /**
   * Lays the context out.
   *
   * @param tuning whether machine code may walk page tables, and what a slice of the budget is
   */
  ContextAccess(Cpu cpu, CodePages codePages, Tuning tuning) {
    this.walks = tuning.has(Means.WALKS);
    this.slice = tuning.slice();
    this.cpu = cpu;
    this.s = cpu.state;
    this.shared = s.shared;
    this.mirrors = new Mirrors(shared, tuning);
    this.ramAddress = cpu.memory.ram().address();
    shared.set(INT, Context.HOST_MXCSR, CpuState.MXCSR_DEFAULT);
    shared.set(LONG, Context.RAM_HOST, ramAddress);
    shared.set(LONG, Context.FRAME_MASK, FRAME);
    shared.set(LONG, Context.CODE_MARKS, codePages.marks().address());
    for (int n = 0; n < TLBS; n++) {
      for (long entry = start(n); entry < end(n); entry += TLB_STRIDE) {
        clear(entry);
      }
    }
    this.jumps = new JumpCache(shared);
    this.floating = new FloatingState(s);
    this.timestamp = new TimestampCounter(cpu, tuning);
  }

  /** Returns what code does x87 arithmetic on. */
  FloatingState floating() {
    return floating;
  }

  /** Returns where code finds blocks. */
  JumpCache jumps() {
    return jumps;
  }

  /** Returns the address that translated code has in R15. */
  long base() {
    return shared.address() + Context.BIAS;
  }

  /** Lays out the processor's state for translated code of a mode. */
  void enter(long budget, int modeKey) {
    for (int n = 0; n < 16; n++) {
      shared.set(LONG, Context.GPR + 8L * n, s.gpr[n]);
    }
    int overflow = Flags.of(s) ? 1 : 0;
    int low = Flags.status(s) & 0xff | Flags.FIXED;
    shared.set(ValueLayout.JAVA_SHORT, Context.FLAGS, (short) (low << 8 | overflow));
    long first = Math.min(budget, slice);
    shared.set(LONG, Context.BUDGET, first);
    shared.set(LONG, Context.BUDGET_REST, budget - first);
    shared.set(LONG, Context.FS_BASE, s.segmentBase[CpuState.FS]);
    shared.set(LONG, Context.GS_BASE, s.segmentBase[CpuState.GS]);
    shared.set(BYTE, Context.XMM_LIVE, (byte) 0);
    shared.set(BYTE, Context.X87_LIVE, (byte) 0);
    floating.enter();
    timestamp.enter();
    enterSystem();
    if (!ModeKey.isFlat(modeKey)) {
      Segments.enter(s, shared);
    }
    prepareWalk();
  }

  private void enterSystem() {
    int flags = s.flagsSystem;
    boolean enabled = (flags & Flags.IF) != 0;
    shared.set(INT, Context.INTERRUPT_FLAG, flags & Flags.IF);
    shared.set(INT, Context.AC_FLAG, flags & Flags.AC);
    shared.set(INT, Context.SYSTEM_FLAGS, flags & ~(Flags.IF | Flags.AC));
    shared.set(INT, Context.KEPT_FLAGS, (int) ~s.msr.sfmask);
    shared.set(INT, Context.INTERRUPT_WAITS, !enabled && cpu.interrupts.pending() ? 1 : 0);
    boolean plain =
        (s.efer & Control.EFER_SCE) != 0
            && (s.msr.sfmask & CLEARED_BY_SYSCALL) == CLEARED_BY_SYSCALL;
    shared.set(INT, Context.SYSCALL_IS_PLAIN, plain ? 1 : 0);
    shared.set(INT, Context.BASES_ALLOWED, (s.cr4 & Control.CR4_FSGSBASE) != 0 ? 1 : 0);
    shared.set(LONG, Context.KERNEL_GS_BASE, s.msr.kernelGsBase);
    shared.set(LONG, Context.LSTAR, s.msr.lstar);
    shared.set(LONG, Context.CONTROLS, s.cr0);
    shared.set(LONG, Context.CONTROLS + 2 * 8, s.cr2);
    shared.set(LONG, Context.CONTROLS + 3 * 8, s.cr3);
    shared.set(LONG, Context.CONTROLS + 4 * 8, s.cr4);
    enterSegments();
  }

  private void enterSegments() {
    int privileged = 0;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      shared.set(INT, Context.SELECTORS + 4L * n, s.selector[n]);
      privileged |= SegmentLoader.isPrivileged(s, n, 3) ? 1 << n : 0;
    }
    shared.set(INT, Context.SEGMENTS, SegmentInstructions.AS_BEFORE);
    shared.set(INT, Context.SEGMENTS_LOADED, 0);
    shared.set(INT, Context.SEGMENTS_PRIVILEGED, privileged);
    shared.set(LONG, Context.GDT_BASE, s.gdtBase);
    shared.set(INT, Context.GDT_ROOM, Math.max(0, s.gdtLimit + 1 - 2 * DESCRIPTOR_SIZE + 1));
    shared.set(LONG, Context.RESUMED_AT, -1);
    boolean nested = s.protectedMode() && (s.flagsSystem & Flags.NT) != 0;
    shared.set(INT, Context.IRET_IS_PLAIN, nested || s.nmiBlocked ? 0 : 1);
    int code = (int) s.msr.sysenterCs & Descriptors.INDEX;
    boolean between32 = s.protectedMode() && !s.longMode() && code != 0;
    shared.set(INT, Context.SYSENTER_IS_PLAIN, between32 ? 1 : 0);
    shared.set(INT, Context.SYSENTER_CS, code);
    shared.set(INT, Context.SYSENTER_ESP, (int) s.msr.sysenterEsp);
    shared.set(INT, Context.SYSENTER_EIP, (int) s.msr.sysenterEip);
  }

  private void leaveSystem() {
    int flags =
        shared.get(INT, Context.SYSTEM_FLAGS)
            | shared.get(INT, Context.INTERRUPT_FLAG)
            | shared.get(INT, Context.AC_FLAG);
    int changed = s.flagsSystem ^ flags;
    s.flagsSystem = flags;
    s.segmentBase[CpuState.FS] = shared.get(LONG, Context.FS_BASE);
    s.segmentBase[CpuState.GS] = shared.get(LONG, Context.GS_BASE);
    s.msr.kernelGsBase = shared.get(LONG, Context.KERNEL_GS_BASE);
    if (leaveSegments() || (changed & Flags.AC) != 0) {
      cpu.contextChanged();
    }
    takeFlushes();
  }

  /** Lets Java forget the pages that code has flushed. */
  void takeFlushes() {
    PageFlush.take(shared, cpu);
  }

  /** Brings segment registers home; returns whether code has loaded any. */
  private boolean leaveSegments() {
    int way = shared.get(INT, Context.SEGMENTS);
    switch (way) {
      case SegmentInstructions.OF_SYSCALL -> SystemCalls.segmentsOfSyscall(s);
      case SegmentInstructions.OF_SYSRET -> SystemCalls.segmentsOfSysret(s, true);
      case SegmentInstructions.OF_SYSENTER -> SystemCalls.segmentsOfSysenter(s);
      case SegmentInstructions.OF_SYSEXIT -> SystemCalls.segmentsOfSysexit(s, false);
      default -> {}
    }
    int loaded = shared.get(INT, Context.SEGMENTS_LOADED);
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      if ((loaded >> n & 1) != 0) {
        leaveSegment(n);
      }
    }
    shared.set(INT, Context.SEGMENTS, SegmentInstructions.AS_BEFORE);
    shared.set(INT, Context.SEGMENTS_LOADED, 0);
    return way != SegmentInstructions.AS_BEFORE || loaded != 0;
  }

  private void leaveSegment(int n) {
    int selector = shared.get(INT, Context.SELECTORS + 4L * n);
    if (s.realSegments()) {
      SegmentLoader.loadReal(s, n, selector);
      return;
    }
    long descriptor = shared.get(LONG, Context.DESCRIPTORS + 8L * n);
    if (descriptor == 0) {
      SegmentLoader.setNull(s, n, selector);
    } else {
      SegmentLoader.set(s, n, selector, descriptor);
    }
    if (n == CpuState.CS) {
      s.cpl = selector & 3;
    }
  }

  /**
   * Lets machine code walk page tables, or not where it would not know how: only 4-level paging
   * with no execute-disable, write protection and global pages on, and no watched addresses.
   */
  private void prepareWalk() {
    boolean known =
        walks
            && s.longMode()
            && (s.efer & Control.EFER_NXE) != 0
            && (s.cr0 & Control.CR0_WP) != 0
            && (s.cr4 & Control.CR4_PGE) != 0
            && !Breakpoints.any(s);
    long lowTop = known ? cpu.bus.plainLowTop() : 0;
    long root = lowTop == 0 ? -1 : cpu.bus.readable(s.cr3 & FRAME);
    mirrors.enter(s.cr3);
    shared.set(LONG, Context.WALK_ROOT, root < 0 ? 0 : ramAddress + root);
    shared.set(LONG, Context.LOW_TOP, lowTop);
    long highTop = Math.max(cpu.bus.plainHighTop(), FOUR_GIB);
    shared.set(LONG, Context.HIGH_TOP, highTop);
    shared.set(LONG, Context.RAM_OFFSET_OF_HIGH, FOUR_GIB - lowTop);
    shared.set(INT, Context.SMAP_MASK, (s.cr4 & Control.CR4_SMAP) != 0 ? USER : 0);
  }

  /**
   * Brings the processor's state home; returns how many instructions have been executed.
   *
   * @param undone how many of those that were taken off the budget have not
   */
  long leave(long budget, int undone) {
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = shared.get(LONG, Context.GPR + 8L * n);
    }
    int flags = shared.get(ValueLayout.JAVA_SHORT, Context.FLAGS) & 0xffff;
    Flags.status(s, flags >> 8 & 0xff & Flags.STATUS | ((flags & 1) != 0 ? Flags.OF : 0));
    leaveSystem();
    floating.leave();
    long left = shared.get(LONG, Context.BUDGET) + shared.get(LONG, Context.BUDGET_REST) + undone;
    if (left == shared.get(LONG, Context.RESUMED_AT)) {
      s.flagsSystem |= Flags.RF;
    }
    return budget - left;
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
  boolean fill(int tlb, int size, boolean write) {
    leaveSystem();
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
    leaveMirror(entry);
    note(cpu.memory.lastIsGlobal() ? Context.GLOBAL_ENTRIES : Context.LOCAL_ENTRIES, entry);
    int shift = cpu.memory.lastPageShift();
    if (shift >= HUGE_PAGE) {
      shared.set(BYTE, huge(linear), (byte) 1);
    } else if (shift >= LARGE_PAGE) {
      shared.set(BYTE, large(linear), (byte) 1);
      shared.set(BYTE, large(linear ^ 1 << LARGE_PAGE), (byte) 1);
    }
    return true;
  }

  /**
   * Puts the page of a window into the TLB; returns false when its accesses must be done one by
   * one. A page that is yet to become dirty is none for a window with writes: they may not come to
   * pass.
   */
  boolean fillWindow(int tlb, int size, boolean write) {
    return fill(tlb, size, false)
        && (!write || cpu.memory.pageWritable(shared.get(LONG, Context.MISS_ADDRESS)));
  }

  /** Adds an entry to the list of those to be emptied when mappings change. */
  private void note(int list, long entry) {
    if (shared.get(INT, list) == Context.MOST_ENTRIES) {
      emptyTlbs();
    }
    int count = shared.get(INT, list);
    shared.set(INT, list + Context.LIST_START + 4L * count, (int) entry);
    shared.set(INT, list, count + 1);
  }

  /** Gives back instructions of the budget. */
  void giveBack(int instructions) {
    shared.set(LONG, Context.BUDGET, shared.get(LONG, Context.BUDGET) + instructions);
  }

  /** Returns a number that changes when any translation of addresses is forgotten. */
  int mappings() {
    return mappings;
  }

  @Override
  public void spaceEntered(boolean keeps) {
    mappings++;
    jumps.enter(s.cr3, keeps);
    empty(Context.LOCAL_ENTRIES);
  }

  @Override
  public void flushed(boolean globalToo) {
    mappings++;
    jumps.forget(globalToo, s.cr3);
    empty(Context.LOCAL_ENTRIES);
    if (globalToo) {
      empty(Context.GLOBAL_ENTRIES);
      shared.asSlice(Context.LARGE_REGIONS, 1L << Context.LARGE_REGION_BITS).fill((byte) 0);
      shared.asSlice(Context.HUGE_REGIONS, 1L << Context.HUGE_REGION_BITS).fill((byte) 0);
    }
  }

  /** Empties the TLBs of translated code alone. */
  void emptyTlbs() {
    empty(Context.LOCAL_ENTRIES);
    empty(Context.GLOBAL_ENTRIES);
  }

  private void empty(int list) {
    long first = list + Context.LIST_START;
    for (long at = first + 4L * (shared.get(INT, list) - 1); at >= first; at -= 4) {
      clear(shared.get(INT, at));
    }
    shared.set(INT, list, 0);
  }

  @Override
  public void pieceFlushed(long linear) {
    mappings++;
    for (int n = 0; n < TLBS; n++) {
      clear(entry(n, linear));
    }
  }

  @Override
  public void pageFlushed(long linear) {
    pieceFlushed(linear);
    if (shared.get(BYTE, large(linear)) != 0) {
      forgetRegion(linear, LARGE_PAGE + 1);
    }
    if (shared.get(BYTE, huge(linear)) != 0) {
      forgetRegion(linear, HUGE_PAGE);
    }
    jumps.forgetPage(linear, s.cr3);
  }

  /**
   * Forgets all that is near an address, where a large page may be: entries are pieces of 4 KiB of
   * it.
   */
  private void forgetRegion(long linear, int shift) {
    forgetRegion(Context.LOCAL_ENTRIES, linear, shift);
    forgetRegion(Context.GLOBAL_ENTRIES, linear, shift);
  }

  private void forgetRegion(int list, long linear, int shift) {
    long first = list + Context.LIST_START;
    for (long at = first + 4L * (shared.get(INT, list) - 1); at >= first; at -= 4) {
      int entry = shared.get(INT, at);
      if (shared.get(LONG, entry + Context.TLB_READ) >>> shift == linear >>> shift) {
        clear(entry);
      }
    }
  }

  private static long large(long linear) {
    return Context.LARGE_REGIONS + (linear >>> LARGE_PAGE & (1 << Context.LARGE_REGION_BITS) - 1);
  }

  private static long huge(long linear) {
    return Context.HUGE_REGIONS + (linear >>> HUGE_PAGE & (1 << Context.HUGE_REGION_BITS) - 1);
  }

  @Override
  public void codeAt(long ramOffset) {
    long host = ramAddress + ramOffset;
    for (int n = 0; n < TLBS; n++) {
      for (long entry = start(n); entry < end(n); entry += TLB_STRIDE) {
        if (shared.get(LONG, entry + Context.TLB_HOST) == host) {
          shared.set(LONG, entry + Context.TLB_WRITE, never(entry));
        }
      }
    }
  }

  private void clear(long entry) {
    shared.set(LONG, entry + Context.TLB_READ, never(entry));
    shared.set(LONG, entry + Context.TLB_WRITE, never(entry));
    leaveMirror(entry);
  }

  /** Says that the page of an entry is in no mirror, where it is one of the user TLB. */
  private void leaveMirror(long entry) {
    if (entry < end(0)) {
      mirrors.empty((int) (entry - Context.TLB >> Context.TLB_ENTRY_SHIFT));
    }
  }

  /** Gets the page that a load wants there into a mirror; false if it is to do without. */
  boolean mirror() {
    return mirrors.serve(shared.get(LONG, Context.MISS_ADDRESS), s.cr3);
  }

  /** Gives back what the host lent. */
  void close() {
    mirrors.close();
  }

  private static long start(int number) {
    return Context.TLB + (long) number * Context.TLB_SIZE;
  }

  private static long end(int number) {
    return start(number) + (TLB_STRIDE << Context.TLB_BITS);
  }

  private static long entry(int number, long linear) {
    return start(number)
        + ((linear >>> 12 & (1 << Context.TLB_BITS) - 1) << Context.TLB_ENTRY_SHIFT);
  }

  /** An empty entry names a page whose place is another entry, so that no address hits it. */
  private static long never(long entry) {
    return (entry - Context.TLB) % Context.TLB_SIZE == 0 ? 4096 : 0;
  }
}
