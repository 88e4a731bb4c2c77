package sharevm.lab.segmented;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.address.SegmentLoader;
import sharevm.lab.SharedMemory;
import sharevm.lab.lockstep.GuestMode.Paging;
import sharevm.lab.lockstep.GuestPages;
import sharevm.lab.lockstep.QuietDevices;

/**
 * A processor with a little RAM whose every exception ends in a handler that halts: what the
 * exception was is then read from the frame, and the program resumed as a kernel would.
 */
final class SegmentedMachine implements QuietDevices {
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private static final int HALT = 0xf4;
  private static final int VECTORS = 256;

  /**
   * Vectors that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC (Intel SDM Vol. 3A 6.13).
   */
  private static final int WITH_ERROR_CODE = 1 << 8 | 0x1f << 10 | 1 << 17;

  /** A run into a handler may have a few instructions more than it was to have. */
  private static final int INTO_HALT = 3;

  /** Interrupt gates of 16 and 32 bits that everyone may use. */
  private static final long NARROW_GATE = 0xe6L << 40;

  private static final long WIDE_GATE = 0xeeL << 40;

  /**
   * Pages that follow one another are in frames that do not. It has no divisor in common with the
   * numbers of frames, so that no two pages share one, 64 KiB apart for instance.
   */
  private static final int STRIDE = 5;

  final Cpu cpu;
  private final PendingInterrupt interrupts = new PendingInterrupt();
  private final MemorySegment ram = SharedMemory.allocate(Layout.RAM_SIZE);
  private final CodePages codePages = new CodePages(Layout.RAM_SIZE);
  private Setting setting;
  private GuestPages pages;

  /** An exception that has reached its handler. */
  record Fault(int vector, int error, long address) {}

  SegmentedMachine(Cpu.EngineFactory engine) {
    cpu =
        new Cpu(
            CpuModel.standard(),
            new Cpu.Environment(this, interrupts, () -> 0L, codePages),
            new CpuState(),
            engine);
  }

  /** Returns the page tables, or null where there is no paging. */
  GuestPages pages() {
    return pages;
  }

  // Building.

  /** Makes the world of a program; the contents of RAM but for what a processor needs stay. */
  void start(SegmentedProgram program, boolean writeProtect) {
    setting = program.setting();
    ram.asSlice(0, Layout.SCRATCH).fill((byte) 0);
    ram.asSlice(Layout.TABLES, Layout.TABLES_END - Layout.TABLES).fill((byte) 0);
    pages = null;
    if (setting.paging() != null) {
      pages = new GuestPages(ram, setting.paging(), Layout.TABLES);
      mapAll();
    }
    tables(program.handlers(), program.wideHandlers());
    control(writeProtect);
    segments();
    codePages.written(0, Layout.RAM_SIZE);
    cpu.contextChanged();
    cpu.flushTranslations(true);
  }

  private void mapAll() {
    long supervisor =
        GuestPages.PRESENT | GuestPages.WRITABLE | GuestPages.ACCESSED | GuestPages.DIRTY;
    long own = setting.mode().user ? supervisor | GuestPages.USER : supervisor;
    for (long at = 0; at < Layout.SCRATCH; at += 4096) {
      pages.map(at, at, supervisor);
    }
    int count = (Layout.DATA - Layout.SCRATCH) / 4096;
    for (int n = 0; n < count; n++) {
      int frame = n * STRIDE % count;
      pages.map(Layout.SCRATCH + 4096L * n, Layout.SCRATCH + 4096L * frame, own);
    }
    for (int n = 0; n < (Layout.DATA_END - Layout.DATA) / 4096; n++) {
      pages.map(Layout.DATA + 4096L * n, frame(n), own);
    }
  }

  /** Returns the physical address of one of the frames for data: below and above 1 MiB. */
  static long frame(int number) {
    int low = (Layout.DATA_END - Layout.DATA) / 4096;
    int n = number * STRIDE % (low + (Layout.RAM_SIZE - Layout.MORE_FRAMES) / 4096);
    return n < low ? Layout.DATA + 4096L * n : Layout.MORE_FRAMES + 4096L * (n - low);
  }

  private void tables(Map<Integer, Long> handlers, boolean wide) {
    for (int n = 0; n < setting.descriptors().size(); n++) {
      ram.set(LONG, Layout.GDT + 8L * n, setting.descriptors().get(n));
    }
    ram.set(INT, Layout.TSS + 4, Layout.KERNEL_STACK);
    ram.set(SHORT, Layout.TSS + 8, (short) SettingMaker.KERNEL_DATA);
    ram.set(SHORT, Layout.TSS + 0x66, (short) 0x68);
    ram.asSlice(Layout.HANDLERS, VECTORS).fill((byte) HALT);
    for (int vector = 0; vector < VECTORS; vector++) {
      halting(vector);
    }
    handlers.forEach((vector, offset) -> own(vector, offset, wide));
  }

  private void halting(int vector) {
    if (setting.mode().protectedMode()) {
      gate(vector, WIDE_GATE, SettingMaker.KERNEL_CODE, Layout.HANDLERS + vector);
    } else {
      ram.set(INT, 4L * vector, Layout.HANDLERS >> 4 << 16 | vector);
    }
  }

  /** Lets a vector go to a handler of the program's own. */
  private void own(int vector, long offset, boolean wide) {
    int selector = setting.code().selector();
    if (setting.mode().protectedMode()) {
      gate(vector, wide ? WIDE_GATE : NARROW_GATE, selector, offset);
    } else {
      ram.set(INT, 4L * vector, (int) offset | selector << 16);
    }
  }

  private void gate(int vector, long kind, int selector, long offset) {
    long place = offset & 0xffff | (offset & 0xffff_0000L) << 32;
    ram.set(LONG, Layout.IDT + 8L * vector, place | (long) selector << 16 | kind);
  }

  private void control(boolean writeProtect) {
    CpuState s = cpu.state;
    boolean paged = setting.paging() != null;
    s.cr0 = Control.CR0_MP | Control.CR0_ET | Control.CR0_NE;
    s.cr0 |= setting.mode().protectedMode() ? Control.CR0_PE : 0;
    s.cr0 |= paged ? Control.CR0_PG : 0;
    s.cr0 |= writeProtect ? Control.CR0_WP : 0;
    s.cr4 = Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT;
    s.cr4 |= setting.paging() == Paging.PAE ? Control.CR4_PAE : 0;
    s.cr3 = paged ? pages.root() : 0;
    if (setting.paging() == Paging.PAE) {
      cpu.memory.pageWalk().loadPdptes(s.cr3);
    }
    s.gdtBase = Layout.GDT;
    s.gdtLimit = 8 * setting.descriptors().size() - 1;
    s.idtBase = setting.mode().protectedMode() ? Layout.IDT : 0;
    s.idtLimit = (setting.mode().protectedMode() ? 8 : 4) * VECTORS - 1;
    s.halted = false;
    interrupts.pending(false, s.attention);
  }

  /** Has an interrupt from outside from now on, until it is taken. */
  void interrupt() {
    interrupts.pending(true, cpu.state.attention);
  }

  boolean interruptPending() {
    return interrupts.pending();
  }

  private void segments() {
    CpuState s = cpu.state;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      set(n, setting.initial().get(n));
    }
    int busy = Segment.PRESENT | 11;
    set(CpuState.TR, new GuestSegment(SettingMaker.TASK, Layout.TSS, 0x67, busy, null, null));
    set(CpuState.LDTR, GuestSegment.NULL);
    s.cpl = setting.mode().user ? 3 : 0;
  }

  private void set(int n, GuestSegment segment) {
    CpuState s = cpu.state;
    s.selector[n] = segment.selector();
    s.segmentBase[n] = segment.base();
    s.segmentLimit[n] = segment.limit();
    s.segmentAttributes[n] = segment.attributes();
  }

  // Running.

  /** Runs for some instructions, or into a handler that halts. */
  Exit run(long budget) {
    Exit exit = cpu.run(budget);
    return exit instanceof Exit.BudgetSpent && inHandler() ? cpu.run(INTO_HALT) : exit;
  }

  private long linearRip() {
    return cpu.state.segmentBase[CpuState.CS] + cpu.state.rip & 0xffff_ffffL;
  }

  private boolean inHandler() {
    return linearRip() >= Layout.HANDLERS && linearRip() <= Layout.HANDLERS + VECTORS;
  }

  /**
   * Undoes the delivery of the exception whose handler has halted: the processor is again as it was
   * before the instruction that faulted, and the frame is gone.
   */
  Fault takeFault() {
    CpuState s = cpu.state;
    boolean real = !s.protectedMode();
    if (!inHandler()) {
      throw new IllegalStateException("halted at %x".formatted(linearRip()));
    }
    int vector = (int) linearRip() - 1 - Layout.HANDLERS;
    int word = real ? 2 : 4;
    boolean hasError = !real && vector < 32 && (WITH_ERROR_CODE >> vector & 1) != 0;
    int error = hasError ? (int) pop(word) : 0;
    long rip = pop(word);
    int code = (int) pop(word) & 0xffff;
    long flags = pop(word) | (real ? s.flagsSystem & ~0xffffL : 0);
    if (setting.mode().user) {
      userStack(flags);
    }
    s.rflags(flags);
    load(CpuState.CS, code);
    s.cpl = setting.mode().user ? 3 : 0;
    s.rip = rip;
    s.halted = false;
    cpu.contextChanged();
    return new Fault(vector, error, s.cr2);
  }

  /** Takes from the frame what there is only when user code was interrupted. */
  private void userStack(long flags) {
    CpuState s = cpu.state;
    long pointer = pop(4);
    int stack = (int) pop(4) & 0xffff;
    if ((flags & Flags.VM) != 0) {
      int[] selectors = {(int) pop(4), (int) pop(4), (int) pop(4), (int) pop(4)};
      s.rflags(flags);
      int[] registers = {CpuState.ES, CpuState.DS, CpuState.FS, CpuState.GS};
      for (int n = 0; n < registers.length; n++) {
        load(registers[n], selectors[n] & 0xffff);
      }
    }
    load(CpuState.SS, stack);
    s.gpr[CpuState.RSP] = pointer;
  }

  /** Loads a segment register with what has been in it already. */
  private void load(int n, int selector) {
    if (setting.mode().realSegments()) {
      SegmentLoader.loadReal(cpu.state, n, selector);
    } else {
      long descriptor = ram.get(LONG, Layout.GDT + (selector & ~7));
      SegmentLoader.set(cpu.state, n, selector, descriptor);
    }
  }

  private long pop(int size) {
    CpuState s = cpu.state;
    long value = 0;
    for (int n = 0; n < size; n++) {
      long offset = s.gpr[CpuState.RSP] & s.stackMask;
      long at = place(s.segmentBase[CpuState.SS] + offset + n & 0xffff_ffffL);
      value |= (ram.get(BYTE, at) & 0xffL) << 8 * n;
      ram.set(BYTE, at, (byte) 0);
    }
    long next = s.gpr[CpuState.RSP] + size & s.stackMask;
    s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~s.stackMask | next;
    return value;
  }

  /** Lets the program go on at one of its offsets. */
  void jump(long offset) {
    set(CpuState.CS, setting.code());
    cpu.state.rip = offset;
    cpu.contextChanged();
  }

  /** Returns up to some bytes of the instruction at RIP, as far as they can be fetched. */
  byte[] instruction(int most) {
    CpuState s = cpu.state;
    long room = (s.segmentLimit[CpuState.CS] & 0xffff_ffffL) - s.rip + 1;
    byte[] bytes = new byte[Math.clamp(room, 0, most)];
    for (int n = 0; n < bytes.length; n++) {
      bytes[n] = ram.get(BYTE, place(linearRip() + n));
    }
    return bytes;
  }

  /** Returns the offset in RAM of a linear address. */
  long place(long linear) {
    return pages == null
        ? linear
        : readable(pages.entry(linear) & 0xff_ffff_f000L) + (linear & 0xfff);
  }

  /** Writes bytes to linear memory as a device would. */
  void write(long linear, byte[] bytes, int from, int count) {
    for (int n = 0; n < count; n++) {
      long at = place(linear + n);
      ram.set(BYTE, at, bytes[from + n]);
      codePages.written(at, 1);
    }
  }

  // The machine around the processor.

  @Override
  public MemorySegment ram() {
    return ram;
  }

  @Override
  public long readable(long physicalAddress) {
    long page = physicalAddress & -4096;
    boolean low = page >= 0 && page < Layout.DATA_END;
    return low || page >= Layout.TABLES && page < Layout.RAM_SIZE ? page : -1;
  }

  @Override
  public long plainLowTop() {
    return Layout.RAM_SIZE;
  }
}
