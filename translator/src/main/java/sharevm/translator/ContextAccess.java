package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.Memory;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.instruction.SystemCalls;

/** Java's side of the {@link Context}: the processor's state in and out, the TLBs. */
final class ContextAccess implements Memory.Listener {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  /** Words of eight bytes that are told and taken at once, and where those in them are. */
  private static final int NEAR_WORDS = (Context.NEAR_END - Context.GPR) / Long.BYTES;

  private static final int FLAGS = (Context.FLAGS - Context.GPR) / Long.BYTES;
  private static final int BUDGET = (Context.BUDGET - Context.GPR) / Long.BYTES;
  private static final int FS_BASE = (Context.FS_BASE - Context.GPR) / Long.BYTES;
  private static final int GS_BASE = (Context.GS_BASE - Context.GPR) / Long.BYTES;
  private static final int REGISTERS = 16;

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
  private final SystemWords system;
  private final long[] near = new long[NEAR_WORDS];
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
    this.system = new SystemWords(cpu, tuning);
    this.slice = tuning.slice();
    this.cpu = cpu;
    this.s = cpu.state;
    this.shared = s.shared;
    this.mirrors = new Mirrors(shared, tuning);
    this.ramAddress = cpu.memory.ram().address();
    shared.set(INT, Context.HOST_MXCSR, CpuState.MXCSR_DEFAULT);
    shared.set(LONG, Context.RAM_HOST, ramAddress);
    shared.set(LONG, Context.FRAME_MASK, SystemWords.FRAME);
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
    System.arraycopy(s.gpr, 0, near, 0, REGISTERS);
    int overflow = Flags.of(s) ? 1 : 0;
    int low = Flags.status(s) & 0xff | Flags.FIXED;
    // No registers of vectors or of the x87 unit are in the host's, as the bytes behind say.
    near[FLAGS] = low << 8 | overflow;
    near[BUDGET] = Math.min(budget, slice);
    near[FS_BASE] = s.segmentBase[CpuState.FS];
    near[GS_BASE] = s.segmentBase[CpuState.GS];
    MemorySegment.copy(near, 0, shared, LONG, Context.GPR, NEAR_WORDS);
    floating.enter();
    timestamp.enter();
    system.tell(budget - near[BUDGET]);
    if (!ModeKey.isFlat(modeKey)) {
      Segments.enter(s, shared);
    }
    mirrors.enter(s.cr3);
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
   * Brings the processor's state home; returns how many instructions have been executed.
   *
   * @param undone how many of those that were taken off the budget have not
   */
  long leave(long budget, int undone) {
    MemorySegment.copy(shared, LONG, Context.GPR, near, 0, NEAR_WORDS);
    System.arraycopy(near, 0, s.gpr, 0, REGISTERS);
    int flags = (int) near[FLAGS] & 0xffff;
    Flags.status(s, flags >> 8 & 0xff & Flags.STATUS | ((flags & 1) != 0 ? Flags.OF : 0));
    leaveSystem();
    floating.leave();
    long left = near[BUDGET] + shared.get(LONG, Context.BUDGET_REST) + undone;
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
    int site = shared.get(INT, Context.MIRROR_SITE);
    return mirrors.serve(shared.get(LONG, Context.MISS_ADDRESS), s.cr3, site);
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
