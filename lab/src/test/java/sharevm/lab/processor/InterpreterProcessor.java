package sharevm.lab.processor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SortedMap;
import java.util.TreeMap;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Segment;

/**
 * Our processor as a user program of a small system that looks like the host's: the same pages at
 * the same addresses, Linux's GDT, and an IDT whose handlers halt, so that a case ends in the same
 * ways as it does natively and is read from the frame that the processor pushed.
 */
final class InterpreterProcessor {
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /**
   * Page table entry bits (Intel SDM Vol. 3A table 4-20): present, writable, user, accessed, dirty.
   */
  private static final long TABLE = 0x67;

  private static final long USER_DATA = 0x67 | 1L << 63;
  private static final long USER_CODE = 0x65;
  private static final long SYSTEM = 0x63;

  /** Physical addresses. */
  private static final int TABLES = 0x1000;

  private static final int CODE_RAM = 0x2_0000;
  private static final int IMAGE_RAM = 0x3_0000;
  private static final int SYSTEM_RAM = 0x4_0000;
  private static final int RAM_SIZE = 0x8_0000;

  /**
   * Linear address of GDT, IDT, TSS, handlers and stack: in the half that user programs have no
   * part in.
   */
  private static final long SYSTEM_ADDRESS = 0xffff_ffff_8000_0000L;

  private static final int SYSTEM_SIZE = 0x8000;
  private static final int GDT = 0;
  private static final int TSS = 0x400;
  private static final int IDT = 0x1000;
  private static final int HANDLERS = 0x2000;
  private static final int STACK_TOP = 0x7000;

  /**
   * Linux's GDT from entry 1 on: kernel code 32 and 64 and data, user code 32, data, code 64,
   * others.
   */
  private static final long[] LINUX_GDT = {
    0x00cf_9b00_0000_ffffL,
    0x00af_9b00_0000_ffffL,
    0x00cf_9300_0000_ffffL,
    0x00cf_fb00_0000_ffffL,
    0x00cf_f300_0000_ffffL,
    0x00af_fb00_0000_ffffL,
    0, // the task state segment, filled in later
    0,
    0, // the local descriptor table, which there is none of
    0,
    0, // three descriptors for threads, not in use
    0,
    0,
    0,
    0x0040_f500_0000_0000L // the processor's number, in the limit
  };

  /**
   * Vectors that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC (Intel SDM Vol. 3A 6.13).
   */
  private static final int WITH_ERROR_CODE = 1 << 8 | 0x1f << 10 | 1 << 17;

  private static final int VECTOR_CRASHED = 254;
  private static final long BUDGET = 20_000;

  private final MemorySegment ram;
  private final CodePages codePages = new CodePages(RAM_SIZE);
  private final Cpu cpu;
  private final byte[] base = CpuCase.baseImage();
  private int nextTable = TABLES + 0x1000;

  InterpreterProcessor() {
    this(Cpu.EngineFactory.INTERPRETER);
  }

  InterpreterProcessor(Cpu.EngineFactory engine) {
    this(CpuModel.standard(), engine);
  }

  InterpreterProcessor(CpuModel model, Cpu.EngineFactory engine) {
    SmallBus bus = new SmallBus(RAM_SIZE);
    ram = bus.ram();
    cpu =
        new Cpu(
            model,
            new Cpu.Environment(bus, new NoInterrupts(), () -> 0L, codePages),
            new CpuState(),
            engine);
    map(HostLayout.CODE_ADDRESS, CODE_RAM, HostLayout.CODE_SIZE, USER_CODE);
    map(HostLayout.DATA_ADDRESS, IMAGE_RAM, HostLayout.DATA_SIZE, USER_DATA);
    map(
        HostLayout.STACK_ADDRESS,
        IMAGE_RAM + HostLayout.DATA_SIZE,
        HostLayout.STACK_SIZE,
        USER_DATA);
    map(SYSTEM_ADDRESS, SYSTEM_RAM, SYSTEM_SIZE, SYSTEM);
    ram.asSlice(CODE_RAM, HostLayout.CODE_SIZE).fill((byte) 0xcc);
    MemorySegment.copy(base, 0, ram, BYTE, IMAGE_RAM, base.length);
    fillSystem();
    initialise();
  }

  private void map(long linear, long physical, int size, long bits) {
    for (int at = 0; at < size; at += 4096) {
      long table = TABLES;
      for (int shift = 39; shift > 12; shift -= 9) {
        long entry = table + 8 * (linear + at >>> shift & 511);
        if (ram.get(LONG, entry) == 0) {
          ram.set(LONG, entry, nextTable | TABLE);
          nextTable += 0x1000;
        }
        table = ram.get(LONG, entry) & 0xf_ffff_f000L;
      }
      ram.set(LONG, table + 8 * (linear + at >>> 12 & 511), physical + at | bits);
    }
  }

  private void fillSystem() {
    for (int n = 0; n < LINUX_GDT.length; n++) {
      ram.set(LONG, SYSTEM_RAM + GDT + 8L * (n + 1), LINUX_GDT[n]);
    }
    long tss = SYSTEM_ADDRESS + TSS;
    long low = 0x67 | (tss & 0xff_ffff) << 16 | 0x8bL << 40 | (tss >>> 24 & 0xff) << 56;
    ram.set(LONG, SYSTEM_RAM + GDT + 0x40, low);
    ram.set(LONG, SYSTEM_RAM + GDT + 0x48, tss >>> 32);
    ram.set(LONG, SYSTEM_RAM + TSS + 4, SYSTEM_ADDRESS + STACK_TOP);
    ram.set(ValueLayout.JAVA_SHORT_UNALIGNED, SYSTEM_RAM + TSS + 0x66, (short) 0x68);
    for (int vector = 0; vector < 256; vector++) {
      long handler = SYSTEM_ADDRESS + HANDLERS + vector;
      long dpl = vector == 3 || vector == 4 ? 3 : 0;
      long gate = handler & 0xffff | 0x10L << 16 | (0x8e | dpl << 5) << 40;
      ram.set(LONG, SYSTEM_RAM + IDT + 16L * vector, gate | (handler >>> 16 & 0xffff) << 48);
      ram.set(LONG, SYSTEM_RAM + IDT + 16L * vector + 8, handler >>> 32);
      ram.set(BYTE, SYSTEM_RAM + HANDLERS + vector, (byte) 0xf4); // HLT
    }
  }

  /** Takes out of the GDT what the kernel of a host does not have there. */
  void lookLike(HostKind kind) {
    if (!kind.runs32BitCode()) {
      ram.set(LONG, SYSTEM_RAM + GDT + (Mode.COMPATIBILITY.codeSelector & ~7), 0);
    }
  }

  /** Sets what Linux sets once, control registers above all. */
  private void initialise() {
    CpuState s = cpu.state;
    s.cr0 =
        Control.CR0_PE
            | Control.CR0_MP
            | Control.CR0_ET
            | Control.CR0_NE
            | Control.CR0_WP
            | Control.CR0_AM
            | Control.CR0_PG;
    s.cr3 = TABLES;
    s.cr4 =
        Control.CR4_PAE
            | Control.CR4_PGE
            | Control.CR4_OSFXSR
            | Control.CR4_OSXMMEXCPT
            | Control.CR4_FSGSBASE
            | Control.CR4_OSXSAVE
            | Control.CR4_UMIP
            | Control.CR4_SMEP
            | Control.CR4_SMAP;
    s.efer = Control.EFER_SCE | Control.EFER_LME | Control.EFER_LMA | Control.EFER_NXE;
    s.xcr0 = 3;
    s.gdtBase = SYSTEM_ADDRESS + GDT;
    s.gdtLimit = 0x7f;
    s.idtBase = SYSTEM_ADDRESS + IDT;
    s.idtLimit = 0xfff;
    segment(CpuState.TR, 0x40, SYSTEM_ADDRESS + TSS, 0x67, Segment.PRESENT | 11);
    segment(CpuState.LDTR, 0, 0, 0, Segment.UNUSABLE);
    cpu.contextChanged();
    cpu.flushTranslations(true);
  }

  private void segment(int n, int selector, long start, int limit, int attributes) {
    CpuState s = cpu.state;
    s.selector[n] = selector;
    s.segmentBase[n] = start;
    s.segmentLimit[n] = limit;
    s.segmentAttributes[n] = attributes;
  }

  private void segment(int n, int selector, long start) {
    if (selector < 4) {
      segment(n, selector, start, 0, Segment.UNUSABLE);
      return;
    }
    long descriptor = LINUX_GDT[(selector >> 3) - 1];
    segment(n, selector, start, -1, (int) (descriptor >>> 40) & 0xf0ff);
  }

  /** Executes a case and returns what became of it. */
  CpuOutcome run(CpuCase input) {
    int at = CODE_RAM + (int) (input.state().rip - HostLayout.CODE_ADDRESS);
    MemorySegment.copy(input.code(), 0, ram, BYTE, at, input.code().length);
    codePages.written(at, input.code().length);
    for (CpuCase.Patch patch : input.patches()) {
      MemorySegment.copy(
          patch.bytes(), 0, ram, BYTE, IMAGE_RAM + patch.offset(), patch.bytes().length);
    }
    load(input.state());
    Exit exit = cpu.run(BUDGET);
    CpuOutcome outcome = outcome(input, exit);
    ram.asSlice(at, input.code().length).fill((byte) 0xcc);
    codePages.written(at, input.code().length);
    MemorySegment.copy(base, 0, ram, BYTE, IMAGE_RAM, base.length);
    return outcome;
  }

  private void load(ProcessorState from) {
    CpuState s = cpu.state;
    System.arraycopy(from.gpr, 0, s.gpr, 0, 16);
    s.rip = from.rip;
    s.halted = false;
    s.interruptShadow = false;
    for (int n = 0; n < 6; n++) {
      long start = n == CpuState.FS ? from.fsBase : n == CpuState.GS ? from.gsBase : 0;
      segment(n, from.selectors[n], start);
    }
    s.cpl = 3;
    s.rflags(from.rflags);
    s.cr2 = 0;
    FloatingState.load(cpu, from);
    cpu.contextChanged();
  }

  /** Returns what the engine has done so far, in its words. */
  String counts() {
    return cpu.engine().counts();
  }

  private CpuOutcome outcome(CpuCase input, Exit exit) {
    CpuState s = cpu.state;
    ProcessorState state = new ProcessorState();
    System.arraycopy(s.gpr, 0, state.gpr, 0, 16);
    for (int n : new int[] {CpuState.ES, CpuState.DS, CpuState.FS, CpuState.GS}) {
      state.selectors[n] = s.selector[n];
    }
    state.fsBase = s.segmentBase[CpuState.FS];
    state.gsBase = s.segmentBase[CpuState.GS];
    FloatingState.save(cpu, state);
    if (!(exit instanceof Exit.Halted)) {
      int vector = exit instanceof Exit.BudgetSpent ? HostLayout.VECTOR_HANG : VECTOR_CRASHED;
      state.rip = s.rip;
      state.rflags = s.rflags();
      return new CpuOutcome(state, vector, 0, 0, changes(input));
    }
    int vector = (int) (s.rip - 1 - SYSTEM_ADDRESS - HANDLERS);
    long frame = SYSTEM_RAM + (s.gpr[CpuState.RSP] - SYSTEM_ADDRESS);
    int errorCode = 0;
    if ((WITH_ERROR_CODE >> vector & 1) != 0 && vector < 32) {
      errorCode = (int) ram.get(LONG, frame);
      frame += 8;
    }
    state.rip = ram.get(LONG, frame);
    state.selectors[CpuState.CS] = (int) ram.get(LONG, frame + 8);
    state.rflags = ram.get(LONG, frame + 16);
    state.gpr[CpuState.RSP] = ram.get(LONG, frame + 24);
    state.selectors[CpuState.SS] = (int) ram.get(LONG, frame + 32);
    return CpuOutcome.of(input, state, vector, errorCode, s.cr2, changes(input));
  }

  private SortedMap<Integer, Byte> changes(CpuCase input) {
    SortedMap<Integer, Byte> changes = new TreeMap<>();
    byte[] before = input.patches().isEmpty() ? base : input.image();
    MemorySegment expected = MemorySegment.ofArray(before);
    MemorySegment actual = ram.asSlice(IMAGE_RAM, before.length);
    long at = 0;
    while (at < before.length) {
      long step = MemorySegment.mismatch(expected, at, before.length, actual, at, before.length);
      if (step < 0) {
        break;
      }
      at += step;
      changes.put((int) at, actual.get(BYTE, at));
      at++;
    }
    return changes;
  }
}
