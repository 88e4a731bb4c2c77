package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.BELOW;
import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * Instructions that load segment registers in real-address and virtual-8086 mode, where the base is
 * 16 times the selector (Intel SDM Vol. 3B 20.1.1): MOV, POP and LES, far transfers; and, where
 * nobody looks after interrupts, INT and IRET through the interrupt vector table (20.1.4).
 */
final class RealSegments {
  /**
   * Selector that is about to be loaded, then the offset beside it, and flags: eight bytes each.
   */
  private static final int SELECTOR = Context.POPPED;

  private static final int OFFSET = Context.POPPED + 8;
  private static final int FLAGS = Context.POPPED + 16;

  private RealSegments() {}

  /** Returns what emits a MOV or POP to a segment register, or null. */
  static InstructionTranslator.Emitter loadEmitter(Instruction i, int modeKey) {
    boolean loads = (modeKey & ModeKey.REAL) != 0 && i.destination != CpuState.CS;
    return loads ? RealSegments::load : null;
  }

  /** Returns what emits a far JMP or CALL, or null. */
  static InstructionTranslator.Emitter transferEmitter(Instruction i, int modeKey) {
    boolean far = i.opcode.operandNames().getFirst().contains("16:");
    if (!far || (modeKey & ModeKey.REAL) == 0) {
      return null;
    }
    boolean calls = i.opcode.mnemonic().equals("CALL");
    return (t, n) -> transfer(t, n, calls);
  }

  /** Returns what emits another instruction, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i, int modeKey) {
    if ((modeKey & ModeKey.REAL) == 0) {
      return null;
    }
    boolean real = ModeKey.tlb(modeKey) == ModeKey.SUPERVISOR_TLB;
    return switch (i.opcode.mnemonic()) {
      case "LES" -> (t, n) -> loadPointer(t, n, CpuState.ES);
      case "LDS" -> (t, n) -> loadPointer(t, n, CpuState.DS);
      case "LSS" -> (t, n) -> loadPointer(t, n, CpuState.SS);
      case "LFS" -> (t, n) -> loadPointer(t, n, CpuState.FS);
      case "LGS" -> (t, n) -> loadPointer(t, n, CpuState.GS);
      case "RETF" -> RealSegments::retf;
      case "INT" -> real ? RealSegments::interrupt : null;
      case "IRET" -> real ? RealSegments::iret : null;
      default -> null;
    };
  }

  /** SS holds interrupts off as STI does, so that the next instruction must be in the block. */
  private static void load(BlockTranslator t, Instruction i) {
    if (i.destination == CpuState.SS && t.isLast()) {
      t.leaveToJava();
      return;
    }
    boolean pops = i.opcode.mnemonic().equals("POP");
    SegmentInstructions.selector(t, i, pops);
    SegmentInstructions.leaveIfX87Live(t);
    if (pops) {
      t.memory().moveStack(i.size);
    }
    loaded(t, i.destination);
  }

  private static void loadPointer(BlockTranslator t, Instruction i, int segment) {
    Assembler a = t.assembler();
    Place pointer = t.memory().probePointer(i);
    a.memory(Code.LOAD_WORD, TEMP, behind(pointer, i.size));
    a.store(Context.at(SELECTOR), TEMP);
    SegmentInstructions.leaveIfX87Live(t);
    Code load = InstructionTranslator.sized(i.size, 0x8b);
    a.memory(load, Registers.host(i.destination), pointer);
    loaded(t, segment);
  }

  private static Place behind(Place place, int distance) {
    return Place.at(place.base(), place.displacement() + distance);
  }

  /** Makes the selector in the context that of a segment register; destroys the host's flags. */
  private static void loaded(BlockTranslator t, int segment) {
    Assembler a = t.assembler();
    a.load32(TEMP, Context.at(SELECTOR));
    a.memory(Code.of(0x89), TEMP, Context.at(Context.SELECTORS + 4 * segment));
    a.registers(Code.of(0xc1), 4, TEMP);
    a.byte1(4);
    a.store(Context.at(Segments.base(segment)), TEMP);
    SegmentInstructions.bits(a, 1, Context.SEGMENTS_LOADED, 1 << segment);
    if (segment == CpuState.CS) {
      a.registers(Code.wide(0xc1), 4, TEMP);
      a.byte1(32);
      a.store(Context.at(Context.CODE_SPACE), TEMP);
    }
  }

  // Far transfers.

  private static void transfer(BlockTranslator t, Instruction i, boolean calls) {
    Assembler a = t.assembler();
    t.freeFlags();
    if (i.memory) {
      Place pointer = t.memory().probePointer(i);
      a.memory(Code.LOAD_WORD, TEMP, behind(pointer, i.size));
      a.store(Context.at(SELECTOR), TEMP);
      a.memory(InstructionTranslator.loading(i.size), TEMP, pointer);
      a.store(Context.at(OFFSET), TEMP);
    } else {
      a.storeConstant(Context.at(SELECTOR), i.immediate2 & 0xffff);
      a.constant(TEMP, i.immediate & (i.size == 2 ? 0xffff : 0xffff_ffffL));
      a.store(Context.at(OFFSET), TEMP);
    }
    leaveUnlessInCode(t);
    if (calls) {
      Place frame = t.memory().probeStackWords(-2 * i.size, 2 * i.size, true);
      Code store = InstructionTranslator.sized(i.size, 0x89);
      a.load32(TEMP, Context.at(Context.SELECTORS + 4 * CpuState.CS));
      a.memory(store, TEMP, behind(frame, i.size));
      a.constant(TEMP, Trace.behind(i, t.start()));
      a.memory(store, TEMP, frame);
      t.memory().moveStack(-2 * i.size);
    }
    goThere(t);
  }

  private static void retf(BlockTranslator t, Instruction i) {
    popPointer(t, i.size, t.memory().probeStackWords(0, 2 * i.size, false));
    t.memory().moveStack(2 * i.size + (int) (i.immediate & 0xffff));
    goThere(t);
  }

  private static void popPointer(BlockTranslator t, int size, Place frame) {
    Assembler a = t.assembler();
    a.memory(Code.LOAD_WORD, TEMP, behind(frame, size));
    a.store(Context.at(SELECTOR), TEMP);
    a.memory(InstructionTranslator.loading(size), TEMP, frame);
    a.store(Context.at(OFFSET), TEMP);
    leaveUnlessInCode(t);
  }

  /**
   * Leaves to Java unless the offset in the scratch register is in the code segment, whose limit
   * stays, and x87 instructions have noted nothing that depends on CS; the flags must be free.
   */
  private static void leaveUnlessInCode(BlockTranslator t) {
    t.assembler().memory(Code.of(0x3b), TEMP, Context.at(Context.CODE_LIMIT));
    t.leaveToJavaIf(ABOVE);
    SegmentInstructions.leaveIfX87Live(t);
  }

  /** Ends the block with a jump to the pointer in the context. */
  private static void goThere(BlockTranslator t) {
    loaded(t, CpuState.CS);
    t.assembler().load(ADDRESS, Context.at(OFFSET));
    t.goToCanonicalAddress();
  }

  // Interrupts.

  private static void interrupt(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    int at = (int) (i.immediate & 0xff) * 4;
    t.saveFlags(Flags.STATUS);
    t.freeFlags();
    a.memory(Code.of(0x81), 7, Context.at(Context.IDT_LIMIT));
    a.byte4(at + 3);
    t.leaveToJavaIf(BELOW);
    t.memory()
        .probe(
            () -> {
              a.constant(ADDRESS, at);
              a.memory(Code.of(0x03), ADDRESS, Context.at(Context.IDT_BASE));
            },
            4,
            false);
    popPointer(t, 2, Place.at(ADDRESS, 0));
    flags(t);
    Place frame = t.memory().probeStackWords(-6, 6, true);
    store(t, Context.at(FLAGS), behind(frame, 4));
    store(t, Context.at(Context.SELECTORS + 4 * CpuState.CS), behind(frame, 2));
    a.constant(TEMP, Trace.behind(i, t.start()));
    a.memory(Code.STORE_WORD, TEMP, frame);
    t.memory().moveStack(-6);
    SystemInstructions.set(a, Context.INTERRUPT_FLAG, 0);
    SystemInstructions.set(a, Context.AC_FLAG, 0);
    goThere(t);
  }

  /** Brings the flags into the context; which cannot be done while a host address is in use. */
  private static void flags(BlockTranslator t) {
    SystemInstructions.flags(t);
    t.assembler().store(Context.at(FLAGS), TEMP);
  }

  private static void store(BlockTranslator t, Place from, Place to) {
    t.assembler().load32(TEMP, from);
    t.assembler().memory(Code.STORE_WORD, TEMP, to);
  }

  /** IRET as long as system flags stay, but for IF and what is harmless. */
  private static void iret(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place frame = t.memory().probeStackWords(0, 3 * i.size, false);
    popPointer(t, i.size, frame);
    a.memory(InstructionTranslator.loading(i.size), TEMP, behind(frame, 2 * i.size));
    a.store(Context.at(FLAGS), TEMP);
    SystemInstructions.compare(a, Context.IRET_IS_PLAIN, 0);
    t.leaveToJavaIf(EQUAL);
    SystemInstructions.leaveIfInterruptWaits(t);
    SystemInstructions.loadPopped(a, i.size, Context.at(FLAGS));
    SystemInstructions.leaveIfOthersChange(
        t, Flags.STATUS | Flags.FIXED | Flags.IF | SystemInstructions.HARMLESS);
    a.registers(Code.of(0x89), TEMP, ADDRESS);
    SystemInstructions.loadFlags(a, ADDRESS);
    t.memory().moveStack(3 * i.size);
    goThere(t);
  }
}
