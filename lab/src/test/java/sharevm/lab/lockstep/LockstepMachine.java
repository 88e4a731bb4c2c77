package sharevm.lab.lockstep;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Segment;
import sharevm.cpu.Timestamp;
import sharevm.lab.SharedMemory;
import sharevm.lab.processor.NoInterrupts;

/**
 * A processor with a little RAM below and above 4 GiB, in one of the modes, whose every exception
 * ends in a handler that halts: what the exception was is then read from the frame, and the program
 * resumed as a kernel would.
 */
final class LockstepMachine implements QuietDevices {
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** Selectors: those of Linux where it matters that SS and CS follow one another. */
  static final int KERNEL_CODE_32 = 0x08;

  static final int KERNEL_CODE_64 = 0x10;
  static final int KERNEL_DATA = 0x18;
  static final int USER_CODE_32 = 0x23;
  static final int USER_DATA = 0x2b;
  static final int USER_CODE_64 = 0x33;
  private static final int TASK = 0x40;

  private static final long[] GDT = {
    0,
    0x00cf_9b00_0000_ffffL,
    0x00af_9b00_0000_ffffL,
    0x00cf_9300_0000_ffffL,
    0x00cf_fb00_0000_ffffL,
    0x00cf_f300_0000_ffffL,
    0x00af_fb00_0000_ffffL
  };

  /**
   * Vectors that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC (Intel SDM Vol. 3A 6.13).
   */
  private static final int WITH_ERROR_CODE = 1 << 8 | 0x1f << 10 | 1 << 17;

  /** A run into a handler may have a few instructions more than it was to have. */
  private static final int INTO_HALT = 3;

  final GuestMode mode;
  final Cpu cpu;
  final GuestPages pages;
  private final MemorySegment ram = SharedMemory.allocate(GuestLayout.RAM_SIZE);
  private final CodePages codePages = new CodePages(GuestLayout.RAM_SIZE);

  /** An exception that has reached its handler. */
  record Fault(int vector, int error, long address) {}

  LockstepMachine(GuestMode mode, Cpu.EngineFactory engine) {
    this(mode, engine, () -> 0L);
  }

  LockstepMachine(GuestMode mode, Cpu.EngineFactory engine, Timestamp timestamp) {
    this.mode = mode;
    cpu =
        new Cpu(
            CpuModel.standard(),
            new Cpu.Environment(this, new NoInterrupts(), timestamp, codePages),
            new CpuState(),
            engine);
    pages = new GuestPages(ram, mode.paging, GuestLayout.TABLES_RAM);
    mapAll();
    fillSystem();
  }

  // Building.

  private void mapAll() {
    long rights = GuestPages.PRESENT | GuestPages.WRITABLE;
    long supervisor = rights | GuestPages.ACCESSED | GuestPages.DIRTY;
    map(GuestLayout.SYSTEM, GuestLayout.SYSTEM_RAM, GuestLayout.SYSTEM_PAGES, supervisor);
    long own = mode.user ? supervisor | GuestPages.USER : supervisor;
    map(GuestLayout.CODE, GuestLayout.CODE_RAM, GuestLayout.CODE_PAGES, own);
    map(GuestLayout.COUNTERS, GuestLayout.COUNTERS_RAM, 1, own);
    map(GuestLayout.STACK, GuestLayout.STACK_RAM, GuestLayout.STACK_PAGES, own);
    long table = pages.entryPlace(GuestLayout.DATA) & -4096;
    pages.map(GuestLayout.TABLE_ALIAS, table, supervisor);
  }

  private void map(long linear, long physical, int count, long rights) {
    for (int n = 0; n < count; n++) {
      pages.map(linear + 4096L * n, physical + 4096L * n, rights);
    }
  }

  private void fillSystem() {
    int at = GuestLayout.SYSTEM_RAM;
    for (int n = 0; n < GDT.length; n++) {
      ram.set(LONG, at + 8L * n, GDT[n]);
    }
    long stack = GuestLayout.SYSTEM + GuestLayout.STACK_TOP;
    if (mode.longMode()) {
      ram.set(LONG, at + GuestLayout.TSS + 4, stack);
      ram.set(LONG, at + GuestLayout.TSS + 0x24, stack);
    } else {
      ram.set(INT, at + GuestLayout.TSS + 4, (int) stack);
      ram.set(INT, at + GuestLayout.TSS + 8, KERNEL_DATA);
    }
    ram.set(SHORT, at + GuestLayout.TSS + 0x66, (short) 0x68);
    for (int vector = 0; vector < 256; vector++) {
      gate(at + GuestLayout.IDT, vector);
      ram.set(BYTE, at + GuestLayout.HANDLERS + vector, (byte) 0xf4);
    }
  }

  /** An interrupt gate; in long mode to the first stack of the interrupt stack table. */
  private void gate(long table, int vector) {
    long handler = GuestLayout.SYSTEM + GuestLayout.HANDLERS + vector;
    int code = mode.longMode() ? KERNEL_CODE_64 : KERNEL_CODE_32;
    long high = (handler >>> 16 & 0xffff) << 48;
    long low = handler & 0xffff | (long) code << 16 | 0xeeL << 40 | high;
    if (mode.longMode()) {
      ram.set(LONG, table + 16L * vector, low | 1L << 32);
      ram.set(LONG, table + 16L * vector + 8, handler >>> 32);
    } else {
      ram.set(LONG, table + 8L * vector, low);
    }
  }

  /** Control registers with some bits to choose, descriptor tables, and the program's mode. */
  void start(boolean smap, boolean globalPages, boolean writeProtect) {
    CpuState s = cpu.state;
    s.cr0 = Control.CR0_PE | Control.CR0_MP | Control.CR0_ET | Control.CR0_NE | Control.CR0_PG;
    s.cr0 |= writeProtect ? Control.CR0_WP : 0;
    s.cr4 = Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT;
    s.cr4 |= globalPages ? Control.CR4_PGE : 0;
    s.cr4 |= mode.paging == GuestMode.Paging.LEGACY ? 0 : Control.CR4_PAE;
    s.cr4 |= smap ? Control.CR4_SMAP : 0;
    s.efer = Control.EFER_NXE;
    if (mode.longMode()) {
      s.cr4 |= Control.CR4_FSGSBASE;
      s.efer |= Control.EFER_SCE | Control.EFER_LME | Control.EFER_LMA;
    }
    s.x87.initialize();
    s.cr3 = pages.root();
    if (mode.paging == GuestMode.Paging.PAE) {
      cpu.memory.pageWalk().loadPdptes(s.cr3);
    }
    s.gdtBase = GuestLayout.SYSTEM + GuestLayout.GDT;
    s.gdtLimit = 0x7f;
    s.idtBase = GuestLayout.SYSTEM + GuestLayout.IDT;
    s.idtLimit = 0xfff;
    int task = Segment.PRESENT | 11;
    segment(CpuState.TR, TASK, GuestLayout.SYSTEM + GuestLayout.TSS, 0x67, task);
    segment(CpuState.LDTR, 0, 0, 0, Segment.UNUSABLE);
    enterProgram();
    cpu.flushTranslations(true);
  }

  /** Loads the segments of the program. */
  private void enterProgram() {
    CpuState s = cpu.state;
    int code =
        mode.user
            ? mode.is64() ? USER_CODE_64 : USER_CODE_32
            : mode.is64() ? KERNEL_CODE_64 : KERNEL_CODE_32;
    for (int n = CpuState.ES; n <= CpuState.DS; n++) {
      int selector = n == CpuState.CS ? code : mode.user ? USER_DATA : KERNEL_DATA;
      segment(n, selector, 0, -1, attributes(selector));
    }
    s.cpl = mode.user ? 3 : 0;
    s.halted = false;
    cpu.contextChanged();
  }

  /** Sets what FS and GS are; a limit other than -1 makes every access be checked. */
  void based(int segment, long start, int limit) {
    int selector = mode.user ? USER_DATA : KERNEL_DATA;
    segment(segment, selector, start, limit, attributes(selector));
    cpu.contextChanged();
  }

  private static int attributes(int selector) {
    return (int) (GDT[selector >> 3] >>> 40) & 0xf0ff;
  }

  private void segment(int n, int selector, long start, int limit, int attributes) {
    CpuState s = cpu.state;
    s.selector[n] = selector;
    s.segmentBase[n] = start;
    s.segmentLimit[n] = limit;
    s.segmentAttributes[n] = attributes;
  }

  // Running.

  /** Runs for some instructions, or into a handler. */
  Exit run(long budget) {
    Exit exit = cpu.run(budget);
    return exit instanceof Exit.BudgetSpent && inHandler() ? cpu.run(INTO_HALT) : exit;
  }

  private boolean inHandler() {
    long from = GuestLayout.SYSTEM + GuestLayout.HANDLERS;
    return cpu.state.rip >= from && cpu.state.rip <= from + 256;
  }

  /**
   * Undoes the delivery of the exception whose handler has halted: the processor is again as it was
   * before the instruction that faulted, and the frame is gone.
   */
  Fault takeFault() {
    CpuState s = cpu.state;
    int vector = (int) (s.rip - 1 - GuestLayout.SYSTEM - GuestLayout.HANDLERS);
    int word = mode.longMode() ? 8 : 4;
    long at = place(s.gpr[CpuState.RSP]);
    int error = 0;
    long frame = at;
    if (vector < 32 && (WITH_ERROR_CODE >> vector & 1) != 0) {
      error = ram.get(INT, frame);
      frame += word;
    }
    s.rip = word(frame, word);
    boolean withStack = mode.longMode() || mode.user;
    long flags = word(frame + 2L * word, word);
    long stack = s.gpr[CpuState.RSP] + (frame - at) + 3L * word;
    s.gpr[CpuState.RSP] = withStack ? word(frame + 3L * word, word) : stack;
    ram.asSlice(at, frame - at + (withStack ? 5L : 3L) * word).fill((byte) 0);
    enterProgram();
    s.rflags(flags);
    cpu.contextChanged();
    return new Fault(vector, error, s.cr2);
  }

  private long word(long at, int size) {
    return size == 8 ? ram.get(LONG, at) : ram.get(INT, at) & 0xffff_ffffL;
  }

  /** Returns the offset in RAM of a linear address that is mapped. */
  long place(long linear) {
    return readable(pages.entry(linear) & 0xff_ffff_f000L) + (linear & 0xfff);
  }

  /** Writes bytes as a device would. */
  void write(long linear, byte[] bytes) {
    for (int n = 0; n < bytes.length; n++) {
      long at = place(linear + n);
      ram.set(BYTE, at, bytes[n]);
      codePages.written(at, 1);
    }
  }

  /** Says that RAM has been written from outside. */
  void written(long from, long size) {
    codePages.written(from, size);
  }

  /** Copies a page from one frame to another. */
  void copyPage(long from, long to) {
    MemorySegment.copy(ram, readable(from), ram, readable(to), 4096);
    codePages.written(readable(to), 4096);
  }

  // The machine around the processor.

  @Override
  public MemorySegment ram() {
    return ram;
  }

  @Override
  public long readable(long physicalAddress) {
    long page = physicalAddress & -4096;
    if (page >= GuestLayout.HIGH) {
      long high = page - GuestLayout.HIGH;
      return high < GuestLayout.HIGH_SIZE ? GuestLayout.LOW_TOP + high : -1;
    }
    return page >= 0 && page < GuestLayout.LOW_TOP ? page : -1;
  }

  @Override
  public long plainLowTop() {
    return GuestLayout.LOW_TOP;
  }

  @Override
  public long plainHighTop() {
    return GuestLayout.HIGH + GuestLayout.HIGH_SIZE;
  }
}
