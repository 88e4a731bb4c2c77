package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;
import static sharevm.translator.Assembler.RDI;
import static sharevm.translator.Assembler.RSI;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * String instructions. With REP the host's own does MOVS and STOS where code and addresses are
 * flat, as far as source and destination each stay in a page, and again behind that. The mode key
 * sees to it that the direction flag is clear.
 */
final class StringInstructions {
  private static final int PAGE = 4096;

  /** What no probe comes between. */
  private static final int DESTINATION = Context.SCRATCH;

  private static final int LEFT = Context.SCRATCH + 8;

  private StringInstructions() {}

  /** Returns what emits an instruction, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i, int modeKey) {
    boolean flat = ModeKey.isFlat(modeKey);
    if (flat && (i.addressSize != i.codeSize || !isFlat(i))) {
      return null;
    }
    boolean once = i.repeat == Instruction.NO_REPEAT;
    InstructionTranslator.Emitter repeat = flat ? StringInstructions::repeat : null;
    return switch (i.opcode.mnemonic()) {
      case "MOVSB", "MOVS" -> once ? StringInstructions::moveOne : repeat;
      case "STOSB", "STOS" -> once ? StringInstructions::storeOne : repeat;
      case "LODSB", "LODS" -> once ? StringInstructions::loadOne : null;
      case "SCASB", "SCAS" -> once ? StringInstructions::scanOne : null;
      case "CMPSB", "CMPS" -> once ? StringInstructions::compareOne : null;
      default -> null;
    };
  }

  private static boolean isFlat(Instruction i) {
    boolean ownBase = i.segment == CpuState.FS || i.segment == CpuState.GS;
    return i.codeSize == 8 ? i.segment == CpuState.FLAT : !ownBase && i.segment != CpuState.CS;
  }

  private static int size(Instruction i) {
    return i.opcode.mnemonic().endsWith("B") ? 1 : i.operandSize;
  }

  private static void moveOne(BlockTranslator t, Instruction i) {
    fromSource(t, i, 0x88, true);
  }

  private static void compareOne(BlockTranslator t, Instruction i) {
    fromSource(t, i, 0x3a, false);
    t.flagsWritten();
  }

  /** Does something with what RSI points at in a register and what RDI points at in memory. */
  private static void fromSource(BlockTranslator t, Instruction i, int opcode, boolean write) {
    Assembler a = t.assembler();
    int size = size(i);
    probe(t, i, RSI, false);
    a.memory(access(size, 0x8a), TEMP, Place.at(ADDRESS, 0));
    a.store(Context.at(Context.SOURCE), TEMP);
    probe(t, i, RDI, write);
    a.load(TEMP, Context.at(Context.SOURCE));
    a.memory(access(size, opcode), TEMP, Place.at(ADDRESS, 0));
    advance(t, i, RSI);
    advance(t, i, RDI);
  }

  private static void storeOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, i, RDI, 0x88, true);
  }

  private static void loadOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, i, RSI, 0x8a, false);
  }

  private static void scanOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, i, RDI, 0x3a, false);
    t.flagsWritten();
  }

  /** Does something with rAX and what a register points at in memory. */
  private static void withAccumulator(
      BlockTranslator t, Instruction i, int pointer, int opcode, boolean write) {
    probe(t, i, pointer, write);
    t.assembler().memory(access(size(i), opcode), RAX, Place.at(ADDRESS, 0));
    advance(t, i, pointer);
  }

  /** A MOV or CMP of some bytes; the opcode given is the one for a single byte. */
  private static Code access(int size, int opcode) {
    return size == 1 ? Code.of(opcode) : InstructionTranslator.sized(size, opcode + 1);
  }

  private static void probe(BlockTranslator t, Instruction i, int pointer, boolean write) {
    int size = size(i);
    int segment = pointer == RDI ? CpuState.ES : i.segment;
    t.memory()
        .probe(
            () -> {
              t.memory().offsetIn(pointer, i.addressSize);
              t.memory().linear(segment, size, write);
            },
            size,
            write);
  }

  private static void advance(BlockTranslator t, Instruction i, int pointer) {
    t.memory().move(pointer, size(i), i.addressSize);
  }

  /** Page by page: each time as many as stay in the pages of source and destination. */
  private static void repeat(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean moves = i.opcode.mnemonic().startsWith("MOVS");
    int size = size(i);
    t.freeFlags();
    int again = a.position();
    a.registers(t.code64() ? Code.wide(0x85) : Code.of(0x85), RCX, RCX);
    int done = a.jumpIf(EQUAL);
    if (moves) {
      probe(t, i, RSI, false);
      a.store(Context.at(Context.SOURCE), ADDRESS);
    }
    probe(t, i, RDI, true);
    a.store(Context.at(DESTINATION), ADDRESS);
    takeWhatFits(a, moves, size);
    a.move(TEMP, RDI);
    a.load(RDI, Context.at(DESTINATION));
    a.registers(Code.wide(0x29), RDI, TEMP);
    if (moves) {
      a.move(ADDRESS, RSI);
      a.load(RSI, Context.at(Context.SOURCE));
      a.registers(Code.wide(0x29), RSI, ADDRESS);
    }
    repeat(a, i.opcode.code(), size);
    a.registers(Code.wide(0x01), TEMP, RDI);
    wrap(t, RDI);
    if (moves) {
      a.registers(Code.wide(0x01), ADDRESS, RSI);
      wrap(t, RSI);
    }
    a.load(RCX, Context.at(LEFT));
    a.memory(Code.of(0x83), 7, Context.at((int) CpuState.ATTENTION));
    a.byte1(0);
    a.patch(a.jumpIf(EQUAL), again);
    a.registers(t.code64() ? Code.wide(0x85) : Code.of(0x85), RCX, RCX);
    t.leaveToJavaIf(NOT_EQUAL);
    a.patchToHere(done);
  }

  /** Lets RCX be the count of what is done at once, and keeps what is left of it then. */
  private static void takeWhatFits(Assembler a, boolean moves, int size) {
    a.registers(Code.of(0x89), RDI, ADDRESS);
    a.arithmetic(false, 4, ADDRESS, PAGE - 1);
    if (moves) {
      a.registers(Code.of(0x89), RSI, TEMP);
      a.arithmetic(false, 4, TEMP, PAGE - 1);
      a.registers(Code.of(0x39), ADDRESS, TEMP);
      a.registers(new Code(0, false, false, 0, 1, 0x47), ADDRESS, TEMP);
    }
    a.constant(TEMP, PAGE);
    a.registers(Code.of(0x29), ADDRESS, TEMP);
    if (size > 1) {
      a.registers(Code.of(0xc1), 5, TEMP);
      a.byte1(Integer.numberOfTrailingZeros(size));
    }
    a.move(ADDRESS, RCX);
    a.registers(Code.wide(0x39), TEMP, RCX);
    a.registers(new Code(0, false, true, 0, 1, 0x47), RCX, TEMP);
    a.registers(Code.wide(0x29), RCX, ADDRESS);
    a.store(Context.at(LEFT), ADDRESS);
  }

  private static void repeat(Assembler a, int opcode, int size) {
    if (size == 2) {
      a.byte1(0x66);
    }
    a.byte1(0xf3);
    if (size == 8) {
      a.byte1(0x48);
    }
    a.byte1(opcode);
  }

  /** A pointer of 32-bit code may have come to the end of the address space. */
  private static void wrap(BlockTranslator t, int pointer) {
    if (!t.code64()) {
      t.assembler().registers(Code.of(0x89), pointer, pointer);
    }
  }
}
