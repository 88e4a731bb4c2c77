package sharevm.translator;

import static sharevm.translator.Assembler.NOT_ABOVE;
import static sharevm.translator.Assembler.NOT_BELOW;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.STACK;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * What becomes of each guest instruction: most are copied with other operands ({@link Copy}), those
 * of stack and control flow are rewritten here, and what neither knows is left to Java.
 */
final class InstructionTranslator {
  private static final int CALL_SLOT = Context.RIP;

  /** Emits one instruction; may end the block. */
  @FunctionalInterface
  interface Emitter {
    void emit(BlockTranslator t, Instruction i);
  }

  private InstructionTranslator() {}

  /** Whether an instruction uses XMM registers or MXCSR. */
  static boolean isVector(Instruction i) {
    return i.opcode.is(Attribute.SSE);
  }

  /**
   * Returns what emits the translations of instructions in a mode; null stands for one that has
   * none.
   */
  static Emitter[] emitters(Instruction[] code, int modeKey) {
    Emitter[] emitters = new Emitter[code.length];
    for (int n = 0; n < code.length; n++) {
      emitters[n] = emitter(code[n], modeKey);
    }
    return emitters;
  }

  /** Whether an instruction is a jump on a condition, to a known place. */
  static boolean isConditionalJump(Instruction i) {
    return (isJcc(i) || Counting.isCounting(i)) && hasWholeTarget(i);
  }

  private static boolean isJcc(Instruction i) {
    int first = i.opcode.map() == 0 ? 0x70 : 0x80;
    return i.opcode.map() < 2 && (i.opcode.code() & ~15) == first;
  }

  /** Whether a near transfer's target is not cut to fewer bits than its code has. */
  private static boolean hasWholeTarget(Instruction i) {
    return i.size >= 4 || i.codeSize == 2;
  }

  /** Whether an instruction is a jump or call to a known place. */
  static boolean isDirectJump(Instruction i) {
    String mnemonic = i.opcode.mnemonic();
    boolean jumps = mnemonic.equals("JMP") || mnemonic.equals("CALL");
    return jumps && isNear(i) && i.destination == CpuState.ZERO;
  }

  /** Whether nothing that was decoded together with an instruction comes behind it. */
  static boolean ends(Instruction i) {
    return i.opcode.is(Attribute.END) && !SystemInstructions.goesOn(i) && !resumes(i);
  }

  /**
   * Whether code may go on behind an instruction that Java has executed: it is no transfer of
   * control, and nothing holds interrupts off behind it.
   */
  static boolean resumes(Instruction i) {
    return !i.opcode.is(Attribute.END)
        || switch (i.opcode.mnemonic()) {
          case "RDTSC", "RDTSCP", "CPUID", "IN", "OUT", "RDMSR", "WRMSR", "INVLPG", "POPF" -> true;
          case "LES", "LDS", "LSS", "LFS", "LGS" -> true;
          case "MOV", "POP" -> loadsSelector(i) && i.destination != CpuState.SS;
          default -> false;
        };
  }

  /** Whether an instruction that is neither copied nor of the stack leaves all registers alone. */
  static boolean leavesRegisters(Instruction i) {
    return isConditionalJump(i)
        || switch (i.opcode.mnemonic()) {
          case "JMP", "NOP", "PAUSE", "HINT", "PREFETCH", "ENDBR", "CLD" -> true;
          case "LFENCE", "MFENCE", "SFENCE" -> true;
          case "CLI", "STI", "CLAC", "STAC", "SWAPGS" -> true;
          default -> false;
        };
  }

  /** Whether there is a translation of an instruction in a mode. */
  static boolean translates(Instruction i, int modeKey) {
    return emitter(i, modeKey) != null;
  }

  private static Emitter emitter(Instruction i, int modeKey) {
    if (i.memory && !reachable(i, modeKey)) {
      return null;
    }
    Opcode row = i.opcode;
    String mnemonic = row.mnemonic();
    if (isConditionalJump(i)) {
      return isJcc(i) ? InstructionTranslator::branch : Counting.emitter(i);
    }
    return switch (mnemonic) {
      case "JMP" ->
          isNear(i) ? InstructionTranslator::jump : RealSegments.transferEmitter(i, modeKey);
      case "CALL" ->
          isNear(i) ? InstructionTranslator::call : RealSegments.transferEmitter(i, modeKey);
      case "RET" -> hasWholeTarget(i) ? InstructionTranslator::ret : null;
      case "PUSH" ->
          pushes(i)
              ? InstructionTranslator::push
              : pushesSelector(i) ? SystemInstructions::pushSelector : null;
      case "POP" ->
          pops(i)
              ? InstructionTranslator::pop
              : isSegment(i) ? SegmentInstructions.loadEmitter(i, modeKey) : null;
      case "PUSHA" -> InstructionTranslator::pushAll;
      case "POPA" -> InstructionTranslator::popAll;
      case "LEAVE" -> InstructionTranslator::leave;
      case "LEA" -> InstructionTranslator::lea;
      case "MOV" -> move(i, modeKey);
      case "NOP", "PAUSE", "HINT", "PREFETCH", "ENDBR", "CLD" -> (b, n) -> {};
      case "LFENCE", "MFENCE", "SFENCE" -> InstructionTranslator::fence;
      case "MOVSB", "MOVS", "STOSB", "STOS", "LODSB", "LODS", "SCASB", "SCAS", "CMPSB", "CMPS" ->
          StringInstructions.emitter(i, modeKey);
      case "MOVBE" ->
          i.repeat == Instruction.NO_REPEAT && Copy.fits(i, modeKey) ? Copy::emit : null;
      case "XLATB" -> reachable(i, modeKey) ? InstructionTranslator::translateByte : null;
      case "DIV" -> i.size >= 2 && Copy.fits(i, modeKey) ? InstructionTranslator::div : null;
      case "IDIV" -> i.size >= 4 && Copy.fits(i, modeKey) ? InstructionTranslator::idiv : null;
      case "BT", "BTS", "BTR", "BTC" -> bitTest(i, modeKey);
      default ->
          row.is(Attribute.X87)
              ? FloatingPoint.emitter(i, modeKey)
              : Copy.fits(i, modeKey) ? Copy::emit : SystemInstructions.emitter(i, modeKey);
    };
  }

  private static Emitter move(Instruction i, int modeKey) {
    if (isConstant(i)) {
      return InstructionTranslator::constant;
    }
    if (readsSelector(i)) {
      return SystemInstructions::readSelector;
    }
    if (loadsSelector(i)) {
      return SegmentInstructions.loadEmitter(i, modeKey);
    }
    if (SystemInstructions.readsControl(i)) {
      return ModeKey.isUser(modeKey) ? null : SystemInstructions::readControl;
    }
    return Copy.fits(i, modeKey) ? Copy::emit : null;
  }

  /**
   * Whether a memory operand needs no check of its segment, and no wrapping that the address's size
   * does not do: a 32-bit address in 64-bit mode does not wrap the sum with the base of FS or GS.
   */
  private static boolean reachable(Instruction i, int modeKey) {
    if (!ModeKey.isFlat(modeKey)) {
      return true;
    }
    boolean based = i.segment == CpuState.FS || i.segment == CpuState.GS;
    if (i.codeSize == 8) {
      return !based || i.addressSize == 8;
    }
    int wanted = i.segment == CpuState.FS ? ModeKey.FS_FLAT : ModeKey.GS_FLAT;
    return based ? (modeKey & wanted) != 0 : i.segment != CpuState.CS;
  }

  private static boolean isNear(Instruction i) {
    return hasWholeTarget(i) && !i.opcode.operandNames().getFirst().contains("16:");
  }

  /** Whether an instruction is a MOV from a segment register. */
  private static boolean readsSelector(Instruction i) {
    return i.opcode.code() == 0x8c && i.opcode.map() == 0;
  }

  /** Whether an instruction is a MOV or POP to a segment register. */
  static boolean loadsSelector(Instruction i) {
    boolean moves = i.opcode.code() == 0x8e && i.opcode.map() == 0;
    return moves || i.opcode.mnemonic().equals("POP") && isSegment(i);
  }

  private static Emitter bitTest(Instruction i, int modeKey) {
    if (Copy.fits(i, modeKey)) {
      return Copy::emit;
    }
    boolean whole = i.size >= 4 && i.addressSize >= 4 && i.addressSize == i.codeSize;
    return Copy.isBitString(i) && whole ? Copy::emitBitString : null;
  }

  private static boolean isConstant(Instruction i) {
    return i.source == CpuState.ZERO && i.destination != Instruction.MEMORY && i.size >= 4;
  }

  private static long next(BlockTranslator t, Instruction i) {
    return Trace.behind(i, t.start());
  }

  private static long target(BlockTranslator t, Instruction i) {
    return Trace.target(i, t.start());
  }

  private static void branch(BlockTranslator t, Instruction i) {
    t.branch(i.opcode.code() & 15, target(t, i), next(t, i));
  }

  private static void fence(BlockTranslator t, Instruction i) {
    t.assembler().byte1(0x0f);
    t.assembler().byte1(0xae);
    t.assembler().byte1(i.modrm);
  }

  private static void jump(BlockTranslator t, Instruction i) {
    if (i.destination == CpuState.ZERO) {
      t.goTo(target(t, i));
      return;
    }
    indirectTarget(t, i);
    t.goToAddress();
  }

  /** Emits an indirect target into the address register. */
  private static void indirectTarget(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    if (i.destination == Instruction.MEMORY) {
      Place place = t.memory().probe(i, i.size, false, false);
      a.memory(loading(i.size), ADDRESS, place);
    } else if (Registers.mapped(i.destination)) {
      a.registers(loading(i.size), ADDRESS, Registers.host(i.destination));
    } else {
      a.memory(loading(i.size), ADDRESS, Context.register(i.destination));
    }
  }

  private static void call(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean direct = i.destination == CpuState.ZERO;
    if (!direct) {
      indirectTarget(t, i);
      a.store(Context.at(CALL_SLOT), ADDRESS);
    }
    Place place = t.memory().probeStack(-i.size, i.size, true);
    if (direct) {
      pushReturn(t, i, place);
      t.goTo(target(t, i));
      return;
    }
    a.lea(TEMP, place);
    a.store(Context.at(Context.SOURCE), TEMP);
    a.load(ADDRESS, Context.at(CALL_SLOT));
    t.goToAddressAfter(
        () -> {
          a.store(Context.at(CALL_SLOT), ADDRESS);
          a.load(ADDRESS, Context.at(Context.SOURCE));
          pushReturn(t, i, Place.at(ADDRESS, 0));
          a.load(ADDRESS, Context.at(CALL_SLOT));
        });
  }

  private static void pushReturn(BlockTranslator t, Instruction i, Place place) {
    long next = next(t, i);
    if (i.size == 8 && next == (int) next) {
      t.assembler().storeConstant(place, (int) next);
    } else {
      t.assembler().constant(TEMP, next);
      t.assembler().memory(sized(i.size, 0x89), TEMP, place);
    }
    t.memory().moveStack(-i.size);
  }

  private static void ret(BlockTranslator t, Instruction i) {
    Place place = t.memory().probeStack(0, i.size, false);
    t.assembler().memory(loading(i.size), ADDRESS, place);
    t.goToAddressAfter(() -> t.memory().moveStack(i.size + (int) (i.immediate & 0xffff)));
  }

  private static boolean pushes(Instruction i) {
    return i.source == CpuState.ZERO && !isSegment(i) && i.destination <= CpuState.ZERO;
  }

  private static boolean pushesSelector(Instruction i) {
    return isSegment(i) && i.codeSize < 8;
  }

  private static boolean pops(Instruction i) {
    return i.destination != Instruction.MEMORY && !isSegment(i);
  }

  private static boolean isSegment(Instruction i) {
    return i.opcode.operandNames().getFirst().length() == 2
        && i.opcode.operandNames().getFirst().charAt(1) == 'S';
  }

  private static void push(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    if (i.destination == Instruction.MEMORY) {
      Place place = t.memory().probe(i, i.size, false, false);
      a.memory(loading(i.size), ADDRESS, place);
      a.store(Context.at(CALL_SLOT), ADDRESS);
    }
    Place place = t.memory().probeStack(-i.size, i.size, true);
    int source = TEMP;
    if (i.destination == Instruction.MEMORY) {
      a.load(TEMP, Context.at(CALL_SLOT));
    } else if (i.destination == CpuState.ZERO) {
      a.constant(TEMP, i.immediate);
    } else if (Registers.mapped(i.destination)) {
      source = Registers.host(i.destination);
    } else {
      a.load(TEMP, Context.register(i.destination));
    }
    a.memory(sized(i.size, 0x89), source, place);
    t.memory().moveStack(-i.size);
  }

  private static void pop(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place place = t.memory().probeStack(0, i.size, false);
    if (i.destination == CpuState.RSP) {
      popStackPointer(t, i.size, place);
      return;
    }
    boolean mapped = Registers.mapped(i.destination);
    int into = mapped ? Registers.host(i.destination) : TEMP;
    a.memory(sized(i.size, 0x8b), into, place);
    if (!mapped) {
      a.memory(
          i.size == 2 ? Code.STORE_WORD : Code.wide(0x89), TEMP, Context.register(i.destination));
    }
    t.memory().moveStack(i.size);
  }

  /** POP of the stack pointer itself: what is popped, in the place of as much of what it was. */
  private static void popStackPointer(BlockTranslator t, int size, Place place) {
    if (size == 2) {
      t.assembler().memory(loading(2), ADDRESS, place);
      t.memory().moveStack(2);
      t.assembler().registers(Code.STORE_WORD, ADDRESS, STACK);
    } else {
      t.assembler().memory(sized(size, 0x8b), STACK, place);
    }
  }

  private static void leave(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    int frame = Registers.host(CpuState.RBP);
    int stackSize = t.memory().stackSize();
    t.memory()
        .probe(
            () -> {
              t.memory().offsetIn(frame, stackSize);
              t.memory().linear(CpuState.SS, i.size, false);
            },
            i.size,
            false);
    a.registers(sized(stackSize, 0x8b), STACK, frame);
    a.memory(sized(i.size, 0x8b), frame, Place.at(ADDRESS, 0));
    t.memory().moveStack(i.size);
  }

  private static void pushAll(BlockTranslator t, Instruction i) {
    Place place = t.memory().probeStackWords(-8 * i.size, 8 * i.size, true);
    for (int n = 0; n < 8; n++) {
      Place word = Place.at(place.base(), (7 - n) * i.size);
      t.assembler().memory(sized(i.size, 0x89), Registers.host(n), word);
    }
    t.memory().moveStack(-8 * i.size);
  }

  private static void popAll(BlockTranslator t, Instruction i) {
    Place place = t.memory().probeStackWords(0, 8 * i.size, false);
    for (int n = 0; n < 8; n++) {
      if (n != CpuState.RSP) {
        Place word = Place.at(place.base(), (7 - n) * i.size);
        t.assembler().memory(sized(i.size, 0x8b), Registers.host(n), word);
      }
    }
    t.memory().moveStack(8 * i.size);
  }

  /** XLATB: AL becomes the byte that is AL bytes behind rBX. */
  private static void translateByte(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    t.memory()
        .probe(
            () -> {
              a.registers(Code.of0f(0xb6), TEMP, Assembler.RAX);
              Place sum = new Place(Assembler.RBX, TEMP, 0, 0, false);
              t.memory().sum(i.addressSize, sum);
              t.memory().linear(i.segment, 1, false);
            },
            1,
            false);
    a.memory(Code.of(0x8a), Assembler.RAX, Place.at(ADDRESS, 0));
  }

  private static void lea(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean direct = i.size == 8 && Registers.mapped(i.destination);
    int into = direct ? Registers.host(i.destination) : ADDRESS;
    t.memory().offset(i, into);
    if (direct) {
      return;
    }
    if (i.size == 2) {
      moveWord(a, i.destination);
    } else if (i.size == 4 && Registers.mapped(i.destination)) {
      a.registers(Code.of(0x8b), Registers.host(i.destination), ADDRESS);
    } else {
      if (i.size == 4) {
        a.registers(Code.of(0x8b), ADDRESS, ADDRESS);
      }
      a.store(Context.register(i.destination), ADDRESS);
    }
  }

  /** Moves the address register's low 16 bits to a guest register. */
  private static void moveWord(Assembler a, int guest) {
    if (Registers.mapped(guest)) {
      a.registers(Code.STORE_WORD, ADDRESS, Registers.host(guest));
    } else {
      a.memory(Code.STORE_WORD, ADDRESS, Context.register(guest));
    }
  }

  private static void constant(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    long value = i.size == 4 ? i.immediate & 0xffff_ffffL : i.immediate;
    if (Registers.mapped(i.destination)) {
      a.constant(Registers.host(i.destination), value);
    } else if (value == (int) value) {
      a.storeConstant(Context.register(i.destination), (int) value);
    } else {
      a.constant(TEMP, value);
      a.store(Context.register(i.destination), TEMP);
    }
  }

  /**
   * DIV: what would be a divide error is left to Java, which is when the upper half is not below
   * the divisor.
   */
  private static void div(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    int divisor = divisor(t, i);
    a.registers(sized(i.size, 0x3b), Assembler.RDX, divisor);
    t.leaveToJavaIf(NOT_BELOW);
    a.registers(sized(i.size, 0xf7), 6, divisor);
    t.flagsWritten();
  }

  /** Emits a divisor into a register, with the flags free; returns which. */
  private static int divisor(BlockTranslator t, Instruction i) {
    if (i.destination == Instruction.MEMORY) {
      Place place = t.memory().probe(i, i.size, false, false);
      t.freeFlags();
      t.assembler().memory(sized(i.size, 0x8b), TEMP, place);
      return TEMP;
    }
    t.freeFlags();
    if (Registers.mapped(i.destination)) {
      return Registers.host(i.destination);
    }
    t.assembler().load(TEMP, Context.register(i.destination));
    return TEMP;
  }

  /**
   * IDIV: left to Java unless the upper half is the sign of the lower one, and the divisor neither
   * 0 nor -1, so that the quotient is in range.
   */
  private static void idiv(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean wide = i.size == 8;
    int divisor = divisor(t, i);
    a.memory(sized(i.size, 0x8d), ADDRESS, Place.at(divisor, 1));
    a.arithmetic(wide, 7, ADDRESS, 1);
    t.leaveToJavaIf(NOT_ABOVE);
    a.registers(sized(i.size, 0x89), Assembler.RAX, ADDRESS);
    a.registers(sized(i.size, 0xc1), 7, ADDRESS);
    a.byte1(wide ? 63 : 31);
    a.registers(sized(i.size, 0x39), ADDRESS, Assembler.RDX);
    t.leaveToJavaIf(NOT_EQUAL);
    a.registers(sized(i.size, 0xf7), 7, divisor);
    t.flagsWritten();
  }

  /** Returns an instruction with an operand of 2, 4 or 8 bytes. */
  static Code sized(int size, int opcode) {
    return switch (size) {
      case 2 -> new Code(0x66, false, false, 0, 0, opcode);
      case 8 -> Code.wide(opcode);
      default -> Code.of(opcode);
    };
  }

  /** Returns a load of 2, 4 or 8 bytes that clears the rest of its register. */
  static Code loading(int size) {
    return size == 2 ? Code.LOAD_WORD : sized(size, 0x8b);
  }
}
