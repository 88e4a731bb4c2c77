package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * System instructions that a kernel executes all the time, in code as long as nothing unusual must
 * be done; else they are left to Java. Code sees the system's state in the {@link Context}, where
 * {@link ContextAccess} puts it and takes it from.
 */
final class SystemInstructions {
  /** The status flags in RFLAGS' low byte. */
  private static final int LOW_STATUS = Flags.STATUS & 0xff;

  /** What SYSRET, IRET and POPF may bring back without ado beside status flags and IF. */
  static final int HARMLESS = Flags.IOPL | Flags.ID;

  private SystemInstructions() {}

  /** Returns what emits an instruction in a mode, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i, int modeKey) {
    boolean supervisor = ModeKey.tlb(modeKey) != 0;
    boolean code64 = i.codeSize == 8;
    boolean whole = i.size == i.codeSize || !code64;
    boolean plainFlags = whole && !ModeKey.isVirtual(modeKey);
    return switch (i.opcode.mnemonic()) {
      case "CLI" -> supervisor ? SystemInstructions::cli : null;
      case "STI" -> supervisor ? SystemInstructions::sti : null;
      case "CLAC" -> supervisor ? (t, n) -> alignmentCheck(t, false) : null;
      case "STAC" -> supervisor ? (t, n) -> alignmentCheck(t, true) : null;
      case "PUSHF" -> plainFlags ? SystemInstructions::pushf : null;
      case "POPF" -> plainFlags ? SystemInstructions::popf : null;
      case "INVLPG" -> supervisor && ModeKey.isFlat(modeKey) ? PageFlush::emit : null;
      case "RDTSC", "RDTSCP" -> TimestampCounter::emit;
      case "SYSCALL" -> code64 ? SystemInstructions::syscall : null;
      case "SYSRET" -> supervisor && code64 && i.rexW ? SystemInstructions::sysret : null;
      case "SWAPGS" -> supervisor && code64 ? SystemInstructions::swapgs : null;
      case "RDFSBASE" -> (t, n) -> readBase(t, n, Context.FS_BASE);
      case "RDGSBASE" -> (t, n) -> readBase(t, n, Context.GS_BASE);
      case "WRFSBASE" -> (t, n) -> writeBase(t, n, Context.FS_BASE);
      case "WRGSBASE" -> (t, n) -> writeBase(t, n, Context.GS_BASE);
      default -> SegmentInstructions.emitter(i, modeKey);
    };
  }

  /**
   * Whether what follows an instruction that ends decoded blocks may be in the same translation.
   */
  static boolean goesOn(Instruction i) {
    return switch (i.opcode.mnemonic()) {
      case "STI", "CLAC", "STAC", "SWAPGS", "WRFSBASE", "WRGSBASE" -> true;
      case "MOV", "POP" -> readsControl(i) || InstructionTranslator.loadsSelector(i);
      default -> false;
    };
  }

  /**
   * Whether no interrupt is taken between an instruction and the next, so that both should be in
   * one translation.
   */
  static boolean holdsInterruptsOff(Instruction i) {
    boolean stack = InstructionTranslator.loadsSelector(i) && i.destination == CpuState.SS;
    return stack || i.opcode.mnemonic().equals("STI");
  }

  /** Whether an instruction is a MOV from CR0, CR2, CR3 or CR4. */
  static boolean readsControl(Instruction i) {
    boolean reads = i.opcode.code() == 0x20 && i.opcode.map() == 1;
    return reads && !i.lock && i.source <= 4;
  }

  /** MOV from a control register. */
  static void readControl(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place control = Context.at(Context.CONTROLS + 8 * i.source);
    boolean mapped = Registers.mapped(i.destination);
    int into = mapped ? Registers.host(i.destination) : TEMP;
    a.memory(t.code64() ? Code.wide(0x8b) : Code.of(0x8b), into, control);
    if (!mapped) {
      a.store(Context.register(i.destination), TEMP);
    }
  }

  private static void cli(BlockTranslator t, Instruction i) {
    set(t.assembler(), Context.INTERRUPT_FLAG, 0);
  }

  /**
   * STI holds interrupts off until the next instruction is done: that must be in the same block,
   * since they are taken between blocks only. One that waits already is Java's.
   */
  private static void sti(BlockTranslator t, Instruction i) {
    if (t.isLast()) {
      t.leaveToJava();
      return;
    }
    t.freeFlags();
    leaveIfInterruptWaits(t);
    set(t.assembler(), Context.INTERRUPT_FLAG, Flags.IF);
  }

  static void leaveIfInterruptWaits(BlockTranslator t) {
    compare(t.assembler(), Context.INTERRUPT_WAITS, 0);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  /** EFLAGS.AC suspends SMAP: from here on another TLB answers. */
  private static void alignmentCheck(BlockTranslator t, boolean on) {
    set(t.assembler(), Context.AC_FLAG, on ? Flags.AC : 0);
    t.changeMode(ModeKey.supervisor(t.modeKey(), on));
  }

  /** Stores a constant to four bytes. */
  static void set(Assembler a, int at, int value) {
    a.memory(Code.of(0xc7), 0, Context.at(at));
    a.byte4(value);
  }

  /** Compares four bytes with a constant. */
  static void compare(Assembler a, int at, int value) {
    a.memory(Code.of(0x83), 7, Context.at(at));
    a.byte1(value);
  }

  /** Puts RFLAGS into the scratch register; the status flags are in the context then. */
  static void flags(BlockTranslator t) {
    Assembler a = t.assembler();
    t.saveFlags(Flags.STATUS);
    t.freeFlags();
    a.memory(new Code(0, false, false, 0, 1, 0xb6), TEMP, Context.at(Context.FLAGS));
    a.registers(Code.of(0xc1), 4, TEMP);
    a.byte1(11);
    a.memory(new Code(0, false, false, 0, 0, 0x0a), TEMP, Context.at(Context.FLAGS + 1));
    a.memory(Code.of(0x0b), TEMP, Context.at(Context.SYSTEM_FLAGS));
    a.memory(Code.of(0x0b), TEMP, Context.at(Context.INTERRUPT_FLAG));
    a.memory(Code.of(0x0b), TEMP, Context.at(Context.AC_FLAG));
  }

  private static void pushf(BlockTranslator t, Instruction i) {
    Place place = t.memory().probeStack(-i.size, i.size, true);
    flags(t);
    t.assembler().memory(InstructionTranslator.sized(i.size, 0x89), TEMP, place);
    t.memory().moveStack(-i.size);
  }

  /** What x87 instructions have noted of themselves is only right until CS is another. */
  private static void leaveUnlessPlain(BlockTranslator t) {
    Assembler a = t.assembler();
    compare(a, Context.SYSCALL_IS_PLAIN, 0);
    t.leaveToJavaIf(EQUAL);
    SegmentInstructions.leaveIfX87Live(t);
  }

  private static void syscall(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    t.saveFlags(Flags.STATUS);
    t.freeFlags();
    leaveUnlessPlain(t);
    flags(t);
    a.move(Assembler.R11, TEMP);
    a.constant(Assembler.RCX, Trace.behind(i, t.start()));
    a.memory(new Code(0x66, false, false, 0, 0, 0xc7), 0, Context.at(Context.FLAGS));
    a.byte1(0);
    a.byte1(Flags.FIXED);
    a.load32(TEMP, Context.at(Context.KEPT_FLAGS));
    a.memory(Code.of(0x21), TEMP, Context.at(Context.SYSTEM_FLAGS));
    set(a, Context.INTERRUPT_FLAG, 0);
    set(a, Context.AC_FLAG, 0);
    set(a, Context.SEGMENTS, SegmentInstructions.OF_SYSCALL);
    set(a, Context.SEGMENTS_LOADED, 0);
    a.load(ADDRESS, Context.at(Context.LSTAR));
    t.changeMode(ModeKey.supervisor(t.modeKey(), false));
    t.goToCanonicalAddress();
  }

  private static void sysret(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    t.freeFlags();
    leaveUnlessPlain(t);
    a.test(Assembler.R11, ~(Flags.STATUS | Flags.FIXED | Flags.IF | HARMLESS));
    t.leaveToJavaIf(NOT_EQUAL);
    leaveIfInterruptWaits(t);
    t.leaveUnlessCanonical(Assembler.RCX);
    loadFlags(a, Assembler.R11);
    set(a, Context.AC_FLAG, 0);
    set(a, Context.SEGMENTS, SegmentInstructions.OF_SYSRET);
    set(a, Context.SEGMENTS_LOADED, 0);
    a.move(ADDRESS, Assembler.RCX);
    t.changeMode(ModeKey.user(t.modeKey()));
    t.goToCanonicalAddress();
  }

  /** Loads all flags from a register but AC, which stays, and RF, which is clear. */
  static void loadFlags(Assembler a, int from) {
    part(a, from, ~(Flags.STATUS | Flags.IF | Flags.AC | Flags.RF));
    a.arithmetic(false, 1, TEMP, Flags.FIXED);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.SYSTEM_FLAGS));
    part(a, from, Flags.IF);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.INTERRUPT_FLAG));
    part(a, from, LOW_STATUS);
    a.arithmetic(false, 1, TEMP, Flags.FIXED);
    a.memory(new Code(0, false, false, 0, 0, 0x88), TEMP, Context.at(Context.FLAGS + 1));
    part(a, from, Flags.OF);
    a.registers(Code.of(0xc1), 5, TEMP);
    a.byte1(11);
    a.memory(new Code(0, false, false, 0, 0, 0x88), TEMP, Context.at(Context.FLAGS));
  }

  /** Puts some bits of a register into the scratch register. */
  private static void part(Assembler a, int from, int mask) {
    a.registers(Code.of(0x89), from, TEMP);
    a.arithmetic(false, 4, TEMP, mask);
  }

  /**
   * POPF as long as of system flags only those change that are harmless, or IF where the level may
   * change it.
   */
  private static void popf(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean supervisor = !ModeKey.isUser(t.modeKey());
    Place place = t.memory().probeStack(0, i.size, false);
    t.freeFlags();
    loadPopped(a, i.size, place);
    int free = Flags.STATUS | Flags.FIXED | Flags.ID | (supervisor ? Flags.IF | Flags.IOPL : 0);
    leaveIfOthersChange(t, free);
    if (supervisor) {
      leaveIfInterruptWaits(t);
    }
    a.registers(Code.of(0x89), TEMP, ADDRESS);
    loadFlags(a, ADDRESS);
    t.memory().moveStack(i.size);
  }

  /**
   * Loads what flags are to be into the scratch register; of two bytes, system flags that are not
   * in them stay as they are.
   */
  static void loadPopped(Assembler a, int size, Place place) {
    a.memory(InstructionTranslator.loading(Math.min(size, 4)), TEMP, place);
    if (size == 2) {
      a.load32(ADDRESS, Context.at(Context.SYSTEM_FLAGS));
      a.memory(Code.of(0x0b), ADDRESS, Context.at(Context.AC_FLAG));
      a.arithmetic(false, 4, ADDRESS, ~0xffff);
      a.registers(Code.of(0x09), ADDRESS, TEMP);
    }
  }

  /**
   * Leaves to Java when others than some flags differ between those in the scratch register and
   * those in force; uses the address register.
   */
  static void leaveIfOthersChange(BlockTranslator t, int free) {
    Assembler a = t.assembler();
    a.registers(Code.of(0x89), TEMP, ADDRESS);
    a.memory(Code.of(0x33), ADDRESS, Context.at(Context.SYSTEM_FLAGS));
    a.memory(Code.of(0x33), ADDRESS, Context.at(Context.INTERRUPT_FLAG));
    a.memory(Code.of(0x33), ADDRESS, Context.at(Context.AC_FLAG));
    a.test(ADDRESS, ~free);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  private static void swapgs(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    a.load(ADDRESS, Context.at(Context.GS_BASE));
    a.load(TEMP, Context.at(Context.KERNEL_GS_BASE));
    a.store(Context.at(Context.GS_BASE), TEMP);
    a.store(Context.at(Context.KERNEL_GS_BASE), ADDRESS);
  }

  private static void checkBases(BlockTranslator t) {
    t.freeFlags();
    compare(t.assembler(), Context.BASES_ALLOWED, 0);
    t.leaveToJavaIf(EQUAL);
  }

  private static void readBase(BlockTranslator t, Instruction i, int base) {
    Assembler a = t.assembler();
    checkBases(t);
    boolean mapped = Registers.mapped(i.destination);
    int into = mapped ? Registers.host(i.destination) : TEMP;
    a.memory(InstructionTranslator.sized(i.size, 0x8b), into, Context.at(base));
    if (!mapped) {
      a.store(Context.register(i.destination), TEMP);
    }
  }

  private static void writeBase(BlockTranslator t, Instruction i, int base) {
    Assembler a = t.assembler();
    checkBases(t);
    Code load = InstructionTranslator.sized(i.size, 0x8b);
    if (Registers.mapped(i.destination)) {
      a.registers(load, ADDRESS, Registers.host(i.destination));
    } else {
      a.memory(load, ADDRESS, Context.register(i.destination));
    }
    t.leaveUnlessCanonical(ADDRESS);
    a.store(Context.at(base), ADDRESS);
  }

  /**
   * MOV of a selector to a register of any size, or to two bytes of memory. In 64-bit code those of
   * CS and SS may have to be worked out by Java: SYSCALL and SYSRET do not.
   */
  static void readSelector(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    if (t.code64() && (i.source == CpuState.CS || i.source == CpuState.SS)) {
      t.freeFlags();
      compare(a, Context.SEGMENTS, SegmentInstructions.AS_BEFORE);
      t.leaveToJavaIf(NOT_EQUAL);
    }
    Place selector = Context.at(Context.SELECTORS + 4 * i.source);
    if (i.destination == Instruction.MEMORY) {
      Place place = t.memory().probe(i, 2, true, false);
      a.memory(Code.LOAD_WORD, TEMP, selector);
      a.memory(Code.STORE_WORD, TEMP, place);
    } else if (Registers.mapped(i.destination) && i.size > 2) {
      a.memory(Code.LOAD_WORD, Registers.host(i.destination), selector);
    } else {
      a.memory(Code.LOAD_WORD, TEMP, selector);
      if (Registers.mapped(i.destination)) {
        a.registers(Code.STORE_WORD, TEMP, Registers.host(i.destination));
      } else {
        a.memory(
            i.size > 2 ? Code.wide(0x89) : Code.STORE_WORD, TEMP, Context.register(i.destination));
      }
    }
  }

  /**
   * PUSH of a selector outside 64-bit code; one of four bytes leaves the word behind the selector
   * alone, and looks at the segment for the selector only.
   */
  static void pushSelector(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place place = t.memory().probeStack(-i.size, 2, true);
    a.memory(Code.LOAD_WORD, TEMP, Context.at(Context.SELECTORS + 4 * i.destination));
    a.memory(Code.STORE_WORD, TEMP, place);
    t.memory().moveStack(-i.size);
  }
}
