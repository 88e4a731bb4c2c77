package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.event.Breakpoints;
import sharevm.translator.Tuning.Means;

/**
 * What translated code is told of the system at each entry. The words are gathered in an array and
 * go to the {@link Context} at once: an array's element is written by code of any kind, but one
 * access to memory outside the heap is dozens of calls until the JVM's compilers have made one of
 * them, and while a guest boots they have not.
 */
final class SystemWords {
  /** The bits of an entry of a page table that are an address, reserved ones among them. */
  static final long FRAME = (1L << 52) - 4096;

  private static final int CLEARED_BY_SYSCALL =
      Flags.STATUS | Flags.IF | Flags.TF | Flags.DF | Flags.NT | Flags.AC;

  /** U/S of an entry of a page table. */
  private static final int USER = 4;

  private static final long FOUR_GIB = 1L << 32;
  private static final int DESCRIPTOR_SIZE = 8;

  private final Cpu cpu;
  private final CpuState s;
  private final boolean walks;
  private final int[] words = new int[(Context.SYSTEM_END - Context.SYSTEM) / Integer.BYTES];

  SystemWords(Cpu cpu, Tuning tuning) {
    this.cpu = cpu;
    this.s = cpu.state;
    this.walks = tuning.has(Means.WALKS);
  }

  /**
   * Tells all.
   *
   * @param budgetRest what code may execute when its budget is spent
   */
  void tell(long budgetRest) {
    putLong(Context.BUDGET_REST, budgetRest);
    flags();
    controls();
    segments();
    sysenter();
    walk();
    MemorySegment.copy(words, 0, s.shared, ValueLayout.JAVA_INT, Context.SYSTEM, words.length);
  }

  private void put(int at, int value) {
    words[at - Context.SYSTEM >> 2] = value;
  }

  private void putLong(int at, long value) {
    put(at, (int) value);
    put(at + Integer.BYTES, (int) (value >>> 32));
  }

  private void put(int at, boolean value) {
    put(at, value ? 1 : 0);
  }

  private void flags() {
    int flags = s.flagsSystem;
    boolean enabled = (flags & Flags.IF) != 0;
    put(Context.INTERRUPT_FLAG, flags & Flags.IF);
    put(Context.AC_FLAG, flags & Flags.AC);
    put(Context.SYSTEM_FLAGS, flags & ~(Flags.IF | Flags.AC));
    put(Context.KEPT_FLAGS, (int) ~s.msr.sfmask);
    put(Context.INTERRUPT_WAITS, !enabled && cpu.interrupts.pending());
    boolean nested = s.protectedMode() && (flags & Flags.NT) != 0;
    put(Context.IRET_IS_PLAIN, !nested && !s.nmiBlocked);
    putLong(Context.RESUMED_AT, -1);
  }

  private void controls() {
    boolean plain =
        (s.efer & Control.EFER_SCE) != 0
            && (s.msr.sfmask & CLEARED_BY_SYSCALL) == CLEARED_BY_SYSCALL;
    put(Context.SYSCALL_IS_PLAIN, plain);
    put(Context.BASES_ALLOWED, (s.cr4 & Control.CR4_FSGSBASE) != 0);
    putLong(Context.KERNEL_GS_BASE, s.msr.kernelGsBase);
    putLong(Context.LSTAR, s.msr.lstar);
    putLong(Context.CONTROLS, s.cr0);
    putLong(Context.CONTROLS + 2 * 8, s.cr2);
    putLong(Context.CONTROLS + 3 * 8, s.cr3);
    putLong(Context.CONTROLS + 4 * 8, s.cr4);
  }

  private void segments() {
    int privileged = 0;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      put(Context.SELECTORS + 4 * n, s.selector[n]);
      privileged |= SegmentLoader.isPrivileged(s, n, 3) ? 1 << n : 0;
    }
    put(Context.SEGMENTS, SegmentInstructions.AS_BEFORE);
    put(Context.SEGMENTS_LOADED, 0);
    put(Context.SEGMENTS_PRIVILEGED, privileged);
    putLong(Context.GDT_BASE, s.gdtBase);
    put(Context.GDT_ROOM, Math.max(0, s.gdtLimit + 1 - 2 * DESCRIPTOR_SIZE + 1));
  }

  private void sysenter() {
    int code = (int) s.msr.sysenterCs & Descriptors.INDEX;
    put(Context.SYSENTER_IS_PLAIN, s.protectedMode() && !s.longMode() && code != 0);
    put(Context.SYSENTER_CS, code);
    put(Context.SYSENTER_ESP, (int) s.msr.sysenterEsp);
    put(Context.SYSENTER_EIP, (int) s.msr.sysenterEip);
  }

  /**
   * Lets machine code walk page tables, or not where it would not know how: only 4-level paging
   * with no execute-disable, write protection and global pages on, and no watched addresses.
   */
  private void walk() {
    boolean known =
        walks
            && s.longMode()
            && (s.efer & Control.EFER_NXE) != 0
            && (s.cr0 & Control.CR0_WP) != 0
            && (s.cr4 & Control.CR4_PGE) != 0
            && !Breakpoints.any(s);
    long lowTop = known ? cpu.bus.plainLowTop() : 0;
    long root = lowTop == 0 ? -1 : cpu.bus.readable(s.cr3 & FRAME);
    putLong(Context.WALK_ROOT, root < 0 ? 0 : cpu.memory.ram().address() + root);
    putLong(Context.LOW_TOP, lowTop);
    putLong(Context.HIGH_TOP, Math.max(cpu.bus.plainHighTop(), FOUR_GIB));
    putLong(Context.RAM_OFFSET_OF_HIGH, FOUR_GIB - lowTop);
    put(Context.SMAP_MASK, (s.cr4 & Control.CR4_SMAP) != 0 ? USER : 0);
  }
}
