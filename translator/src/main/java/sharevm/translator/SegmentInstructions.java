package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_BELOW;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.STACK;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * Instructions of supervisors, and SYSENTER, that load segment registers, in code as long as the
 * segments are those of flat systems (Intel SDM Vol. 3A 3.2.1): CS and SS without base and limit,
 * and ES, DS, FS and GS in 32-bit code, of which FS and GS may have a base. Descriptors are read in
 * the GDT each time, as a processor does, and what is not such a one is left to Java.
 *
 * <p>Code notes what it has loaded; {@link ContextAccess} puts it into the processor's state.
 */
final class SegmentInstructions {
  /** Values of {@link Context#SEGMENTS}. */
  static final int AS_BEFORE = 0;

  static final int OF_SYSCALL = 1;
  static final int OF_SYSRET = 2;
  static final int OF_SYSENTER = 3;
  static final int OF_SYSEXIT = 4;

  /** RFLAGS that IRET loads without ado. */
  private static final int IRET_LOADS =
      Flags.STATUS | Flags.FIXED | Flags.IF | Flags.RF | SystemInstructions.HARMLESS;

  /** Words that IRET pops. */
  private static final int RIP = 0;

  private static final int CODE = 1;
  private static final int FLAGS = 2;
  private static final int RSP = 3;
  private static final int STACK_SEGMENT = 4;
  private static final int WORDS = 5;

  /**
   * What the upper halves of descriptors must be at level 0 (Intel SDM Vol. 3A 3.4.5), and where
   * they may differ: present, accessed, readable or writable, 4 GiB; 64-bit code has no limit.
   */
  private static final int CODE_32 = 0x00cf_9b00;

  private static final int CODE_64 = 0x0020_9b00;
  private static final int CODE_64_BITS = 0x0060_ff00;
  private static final int DATA = 0x00cf_9300;
  private static final int FLAT_BITS = 0xffef_ffff;
  private static final int DATA_64 = 0x0000_9300;
  private static final int DATA_64_BITS = 0x0000_ff00;

  /** Base and AVL may be any. */
  private static final int BASED_BITS = 0x00ef_ff00;

  /** Where the upper half has DPL. */
  private static final int DPL_SHIFT = 13;

  /** The lower half of a segment from address 0 on. */
  private static final int FLAT_LOW = 0x0000_ffff;

  private static final int TABLE_INDICATOR = 4;
  private static final int CODE_AND_STACK = 1 << CpuState.CS | 1 << CpuState.SS;

  private SegmentInstructions() {}

  /** Returns what emits an instruction in a mode, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i, int modeKey) {
    boolean supervisor = ModeKey.tlb(modeKey) == ModeKey.SUPERVISOR_TLB;
    boolean code32 = i.codeSize == 4;
    if (!ModeKey.isFlat(modeKey)) {
      return RealSegments.emitter(i, modeKey);
    }
    return switch (i.opcode.mnemonic()) {
      case "IRET" -> supervisor && i.size == i.codeSize ? SegmentInstructions::iret : null;
      case "SYSENTER" -> code32 ? SegmentInstructions::sysenter : null;
      case "SYSEXIT" -> supervisor && code32 && !i.rexW ? SegmentInstructions::sysexit : null;
      default -> null;
    };
  }

  /** Returns what emits a MOV or POP to a segment register in a mode, or null. */
  static InstructionTranslator.Emitter loadEmitter(Instruction i, int modeKey) {
    if (!ModeKey.isFlat(modeKey)) {
      return RealSegments.loadEmitter(i, modeKey);
    }
    boolean supervisor = ModeKey.tlb(modeKey) == ModeKey.SUPERVISOR_TLB;
    boolean data = i.destination != CpuState.CS && i.destination != CpuState.SS;
    boolean pops = i.opcode.mnemonic().equals("POP");
    boolean whole = !pops || i.size == 4;
    return supervisor && i.codeSize == 4 && data && whole ? SegmentInstructions::load : null;
  }

  /** Emits a jump to Java unless x87 instructions have noted nothing that depends on CS. */
  static void leaveIfX87Live(BlockTranslator t) {
    t.assembler().compareByteWithZero(Context.at(Context.X87_LIVE));
    t.leaveToJavaIf(NOT_EQUAL);
  }

  // IRET.

  private static void iret(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place frame = t.memory().probeStack(0, WORDS * i.size, false);
    for (int n = 0; n < WORDS; n++) {
      Place word = Place.at(frame.base(), frame.displacement() + n * i.size);
      a.memory(InstructionTranslator.sized(i.size, 0x8b), TEMP, word);
      a.store(popped(n), TEMP);
    }
    leaveIfX87Live(t);
    SystemInstructions.compare(a, Context.IRET_IS_PLAIN, 0);
    t.leaveToJavaIf(EQUAL);
    SystemInstructions.leaveIfInterruptWaits(t);
    a.test(popped(FLAGS), ~IRET_LOADS);
    t.leaveToJavaIf(NOT_EQUAL);
    a.load32(TEMP, popped(CODE));
    a.arithmetic(false, 4, TEMP, 3);
    t.laterIf(EQUAL, () -> toSameLevel(t, i));
    a.arithmetic(false, 7, TEMP, 3);
    t.leaveToJavaIf(NOT_EQUAL);
    toUser(t, i);
  }

  private static Place popped(int word) {
    return Context.at(Context.POPPED + 8 * word);
  }

  private static void toUser(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    SystemInstructions.compare(a, Context.SEGMENTS_PRIVILEGED, 0);
    t.leaveToJavaIf(NOT_EQUAL);
    findCode(t, 3);
    findStack(t, 3);
    loadPopped(t, i, true);
    t.changeMode(ModeKey.user(t.modeKey()));
    t.goToCanonicalAddress();
  }

  /** A return within level 0, where 64-bit code pops a stack too, perhaps without a segment. */
  private static void toSameLevel(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    findCode(t, 0);
    if (t.code64()) {
      a.storeConstant(Context.at(Context.POPPED_STACK), 0);
      a.memory(new Code(0x66, false, false, 0, 0, 0x83), 7, popped(STACK_SEGMENT));
      a.byte1(0);
      int none = a.jumpIf(EQUAL);
      findStack(t, 0);
      a.patchToHere(none);
    }
    loadPopped(t, i, t.code64());
    t.goToCanonicalAddress();
  }

  private static void findCode(BlockTranslator t, int level) {
    Assembler a = t.assembler();
    probeDescriptor(t, Context.POPPED + 8 * CODE);
    int wanted = (t.code64() ? CODE_64 : CODE_32) | level << DPL_SHIFT;
    leaveUnlessIs(t, t.code64() ? CODE_64_BITS : FLAT_BITS, wanted);
    a.load(TEMP, Place.at(ADDRESS, 0));
    a.store(Context.at(Context.POPPED_CODE), TEMP);
    if (t.code64()) {
      a.load(ADDRESS, popped(RIP));
      t.leaveUnlessCanonical(ADDRESS);
    } else {
      leaveUnlessFromZero(t);
    }
  }

  private static void findStack(BlockTranslator t, int level) {
    Assembler a = t.assembler();
    a.load32(TEMP, popped(STACK_SEGMENT));
    a.arithmetic(false, 4, TEMP, 3);
    a.arithmetic(false, 7, TEMP, level);
    t.leaveToJavaIf(NOT_EQUAL);
    probeDescriptor(t, Context.POPPED + 8 * STACK_SEGMENT);
    int wanted = (t.code64() ? DATA_64 : DATA) | level << DPL_SHIFT;
    leaveUnlessIs(t, t.code64() ? DATA_64_BITS : FLAT_BITS, wanted);
    a.load(TEMP, Place.at(ADDRESS, 0));
    a.store(Context.at(Context.POPPED_STACK), TEMP);
    if (!t.code64()) {
      leaveUnlessFromZero(t);
    }
  }

  /** Makes what has been popped and found the processor's; RIP gets into the address register. */
  private static void loadPopped(BlockTranslator t, Instruction i, boolean withStack) {
    Assembler a = t.assembler();
    a.load32(ADDRESS, popped(FLAGS));
    SystemInstructions.loadFlags(a, ADDRESS);
    SystemInstructions.set(a, Context.AC_FLAG, 0);
    noteResumption(a);
    loaded(a, CpuState.CS, popped(CODE), Context.at(Context.POPPED_CODE));
    if (withStack) {
      SystemInstructions.set(a, Context.SEGMENTS, AS_BEFORE);
      loaded(a, CpuState.SS, popped(STACK_SEGMENT), Context.at(Context.POPPED_STACK));
      a.load(STACK, popped(RSP));
    } else {
      t.memory().moveStack(3 * i.size);
    }
    a.load(ADDRESS, popped(RIP));
  }

  /**
   * RF stays until the next instruction is done, and nobody sees it before who does not stop right
   * here: the place is noted, by what is left of the budget.
   */
  private static void noteResumption(Assembler a) {
    a.test(ADDRESS, Flags.RF);
    int none = a.jumpIf(EQUAL);
    a.load(TEMP, Context.at(Context.BUDGET));
    a.memory(Code.wide(0x03), TEMP, Context.at(Context.BUDGET_REST));
    a.store(Context.at(Context.RESUMED_AT), TEMP);
    a.patchToHere(none);
  }

  // Descriptors.

  /**
   * Finds the host's place of the descriptor that a selector in the context names, or leaves to
   * Java where the selector is null, or of the LDT, or beyond the table.
   */
  private static void probeDescriptor(BlockTranslator t, int selector) {
    Assembler a = t.assembler();
    t.freeFlags();
    a.test(Context.at(selector), TABLE_INDICATOR);
    t.leaveToJavaIf(NOT_EQUAL);
    emitIndex(a, TEMP, selector);
    a.arithmetic(false, 5, TEMP, 8);
    a.memory(Code.of(0x3b), TEMP, Context.at(Context.GDT_ROOM));
    t.leaveToJavaIf(NOT_BELOW);
    Code add = t.code64() ? Code.wide(0x03) : Code.of(0x03);
    t.memory()
        .probe(
            () -> {
              emitIndex(a, ADDRESS, selector);
              a.memory(add, ADDRESS, Context.at(Context.GDT_BASE));
            },
            8,
            false);
  }

  private static void emitIndex(Assembler a, int register, int selector) {
    a.memory(Code.LOAD_WORD, register, Context.at(selector));
    a.arithmetic(false, 4, register, 0xfff8);
  }

  /** Leaves to Java unless some bits of the upper half of a descriptor are what is wanted. */
  private static void leaveUnlessIs(BlockTranslator t, int bits, int wanted) {
    Assembler a = t.assembler();
    a.load32(TEMP, Place.at(ADDRESS, 4));
    a.arithmetic(false, 4, TEMP, bits);
    a.arithmetic(false, 7, TEMP, wanted);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  /** Leaves to Java unless the descriptor in the scratch register has base 0 and limit FFFFH. */
  private static void leaveUnlessFromZero(BlockTranslator t) {
    t.assembler().arithmetic(false, 7, TEMP, FLAT_LOW);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  /** Notes a selector and a descriptor as those of a register. */
  private static void loaded(Assembler a, int segment, Place selector, Place descriptor) {
    noteSelector(a, segment, selector);
    a.load(TEMP, descriptor);
    a.store(Context.at(Context.DESCRIPTORS + 8 * segment), TEMP);
  }

  private static void noteSelector(Assembler a, int segment, Place selector) {
    a.memory(Code.LOAD_WORD, TEMP, selector);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.SELECTORS + 4 * segment));
    bits(a, 1, Context.SEGMENTS_LOADED, 1 << segment);
  }

  /** Group 1 arithmetic (OR /1, AND /4) of four bytes with a constant. */
  static void bits(Assembler a, int digit, int at, int value) {
    a.memory(Code.of(0x83), digit, Context.at(at));
    a.byte1(value);
  }

  // MOV and POP.

  private static void load(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean pops = i.opcode.mnemonic().equals("POP");
    selector(t, i, pops);
    leaveIfX87Live(t);
    int segment = i.destination;
    boolean based = segment == CpuState.FS || segment == CpuState.GS;
    a.test(Context.at(Context.POPPED), 0xfffc);
    int flag = segment == CpuState.FS ? ModeKey.FS_FLAT : ModeKey.GS_FLAT;
    if (!based) {
      t.leaveToJavaIf(EQUAL);
      loadFound(t, segment, false);
    } else if ((t.modeKey() & flag) != 0) {
      t.laterIf(
          EQUAL,
          () -> {
            loadNull(a, segment);
            end(t, pops, t.modeKey() & ~flag);
          });
      loadFound(t, segment, true);
    } else {
      t.laterIf(
          NOT_EQUAL,
          () -> {
            loadFound(t, segment, true);
            end(t, pops, t.modeKey() | flag);
          });
      loadNull(a, segment);
    }
    moveStack(t, pops);
  }

  private static void moveStack(BlockTranslator t, boolean pops) {
    if (pops) {
      t.memory().moveStack(4);
    }
  }

  /** Goes on behind the instruction in another mode. */
  private static void end(BlockTranslator t, boolean pops, int modeKey) {
    moveStack(t, pops);
    t.leaveInMode(modeKey);
  }

  /** Brings the selector into the context, with the flags free. */
  static void selector(BlockTranslator t, Instruction i, boolean pops) {
    Assembler a = t.assembler();
    t.freeFlags();
    if (pops || i.memory) {
      Place place =
          pops ? t.memory().probeStack(0, i.size, false) : t.memory().probe(i, 2, false, false);
      a.memory(Code.LOAD_WORD, TEMP, place);
    } else if (Registers.mapped(i.source)) {
      a.registers(Code.LOAD_WORD, TEMP, Registers.host(i.source));
    } else {
      a.memory(Code.LOAD_WORD, TEMP, Context.register(i.source));
    }
    a.store(Context.at(Context.POPPED), TEMP);
  }

  private static void loadNull(Assembler a, int segment) {
    noteSelector(a, segment, popped(0));
    a.storeConstant(Context.at(Context.DESCRIPTORS + 8 * segment), 0);
    bits(a, 4, Context.SEGMENTS_PRIVILEGED, ~(1 << segment));
    a.storeConstant(base(segment), 0);
  }

  private static Place base(int segment) {
    return Context.at(Segments.base(segment));
  }

  /** Loads a segment that level 3 may use, or a selector of level 0 that it may not. */
  private static void loadFound(BlockTranslator t, int segment, boolean based) {
    Assembler a = t.assembler();
    probeDescriptor(t, Context.POPPED);
    a.load32(TEMP, Place.at(ADDRESS, 0));
    if (based) {
      a.registers(Code.LOAD_WORD, TEMP, TEMP);
    }
    leaveUnlessFromZero(t);
    a.load32(TEMP, Place.at(ADDRESS, 4));
    a.arithmetic(false, 4, TEMP, based ? BASED_BITS : FLAT_BITS);
    a.arithmetic(false, 7, TEMP, DATA | 3 << DPL_SHIFT);
    int ofUser = a.jumpIf(EQUAL);
    a.arithmetic(false, 7, TEMP, DATA);
    t.leaveToJavaIf(NOT_EQUAL);
    a.test(Context.at(Context.POPPED), 3);
    t.leaveToJavaIf(NOT_EQUAL);
    bits(a, 1, Context.SEGMENTS_PRIVILEGED, 1 << segment);
    int known = a.jump();
    a.patchToHere(ofUser);
    bits(a, 4, Context.SEGMENTS_PRIVILEGED, ~(1 << segment));
    a.patchToHere(known);
    if (based) {
      loadBase(a, segment);
    }
    loaded(a, segment, popped(0), Place.at(ADDRESS, 0));
  }

  /** Puts together the base of the descriptor that the address register points to. */
  private static void loadBase(Assembler a, int segment) {
    a.load32(TEMP, Place.at(ADDRESS, 2));
    a.arithmetic(false, 4, TEMP, 0xff_ffff);
    a.store(base(segment), TEMP);
    a.load32(TEMP, Place.at(ADDRESS, 4));
    a.arithmetic(false, 4, TEMP, 0xff00_0000);
    a.memory(Code.of(0x09), TEMP, base(segment));
  }

  // SYSENTER and SYSEXIT.

  /** Leaves to Java unless it is between two levels of 32-bit code, with EFLAGS.AC clear. */
  private static void leaveUnlessPlain(BlockTranslator t) {
    Assembler a = t.assembler();
    t.saveFlags(Flags.STATUS);
    t.freeFlags();
    leaveIfX87Live(t);
    SystemInstructions.compare(a, Context.SYSENTER_IS_PLAIN, 0);
    t.leaveToJavaIf(EQUAL);
    SystemInstructions.compare(a, Context.AC_FLAG, 0);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  private static void sysenter(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    leaveUnlessPlain(t);
    SystemInstructions.set(a, Context.INTERRUPT_FLAG, 0);
    enter(a, OF_SYSENTER, 0, 0);
    a.load32(STACK, Context.at(Context.SYSENTER_ESP));
    a.load32(ADDRESS, Context.at(Context.SYSENTER_EIP));
    t.changeMode(ModeKey.supervisor(t.modeKey(), false));
    t.goToCanonicalAddress();
  }

  private static void sysexit(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    leaveUnlessPlain(t);
    enter(a, OF_SYSEXIT, 16, 3);
    a.registers(Code.of(0x8b), STACK, Assembler.RCX);
    a.registers(Code.of(0x8b), ADDRESS, Assembler.RDX);
    t.changeMode(ModeKey.user(t.modeKey()));
    t.goToCanonicalAddress();
  }

  /** Notes CS and SS, whose selectors are at a distance from IA32_SYSENTER_CS. */
  private static void enter(Assembler a, int way, int distance, int level) {
    SystemInstructions.set(a, Context.SEGMENTS, way);
    bits(a, 4, Context.SEGMENTS_LOADED, ~CODE_AND_STACK);
    a.load32(TEMP, Context.at(Context.SYSENTER_CS));
    a.arithmetic(false, 0, TEMP, distance | level);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.SELECTORS + 4 * CpuState.CS));
    a.arithmetic(false, 0, TEMP, 8);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.SELECTORS + 4 * CpuState.SS));
  }
}
