package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.EQUAL;
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
 * String instructions, where code and addresses are flat. With REP the host's own does MOVS and
 * STOS while source and destination each stay in a page; longer ones are left to Java, which works
 * page by page. The mode key sees to it that the direction flag is clear.
 */
final class StringInstructions {
  private static final int PAGE = 4096;

  private StringInstructions() {}

  /** Returns what emits an instruction, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i) {
    if (i.addressSize != i.codeSize || !flat(i)) {
      return null;
    }
    boolean once = i.repeat == Instruction.NO_REPEAT;
    return switch (i.opcode.mnemonic()) {
      case "MOVSB", "MOVS" -> once ? StringInstructions::moveOne : StringInstructions::repeat;
      case "STOSB", "STOS" -> once ? StringInstructions::storeOne : StringInstructions::repeat;
      case "LODSB", "LODS" -> once ? StringInstructions::loadOne : null;
      case "SCASB", "SCAS" -> once ? StringInstructions::scanOne : null;
      case "CMPSB", "CMPS" -> once ? StringInstructions::compareOne : null;
      default -> null;
    };
  }

  private static boolean flat(Instruction i) {
    boolean ownBase = i.segment == CpuState.FS || i.segment == CpuState.GS;
    return i.codeSize == 8 ? i.segment == CpuState.FLAT : !ownBase && i.segment != CpuState.CS;
  }

  private static int size(Instruction i) {
    return i.opcode.mnemonic().endsWith("B") ? 1 : i.operandSize;
  }

  private static void moveOne(BlockTranslator t, Instruction i) {
    fromSource(t, size(i), 0x88, true);
  }

  private static void compareOne(BlockTranslator t, Instruction i) {
    fromSource(t, size(i), 0x3a, false);
    t.flagsWritten();
  }

  /** Does something with what RSI points at in a register and what RDI points at in memory. */
  private static void fromSource(BlockTranslator t, int size, int opcode, boolean write) {
    Assembler a = t.assembler();
    probe(t, RSI, size, false);
    a.memory(access(size, 0x8a), TEMP, Place.at(ADDRESS, 0));
    a.store(Context.at(Context.SOURCE), TEMP);
    probe(t, RDI, size, write);
    a.load(TEMP, Context.at(Context.SOURCE));
    a.memory(access(size, opcode), TEMP, Place.at(ADDRESS, 0));
    advance(t, RSI, size);
    advance(t, RDI, size);
  }

  private static void storeOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, RDI, size(i), 0x88, true);
  }

  private static void loadOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, RSI, size(i), 0x8a, false);
  }

  private static void scanOne(BlockTranslator t, Instruction i) {
    withAccumulator(t, RDI, size(i), 0x3a, false);
    t.flagsWritten();
  }

  /** Does something with rAX and what a register points at in memory. */
  private static void withAccumulator(
      BlockTranslator t, int pointer, int size, int opcode, boolean write) {
    probe(t, pointer, size, write);
    t.assembler().memory(access(size, opcode), RAX, Place.at(ADDRESS, 0));
    advance(t, pointer, size);
  }

  /** A MOV or CMP of some bytes; the opcode given is the one for a single byte. */
  private static Code access(int size, int opcode) {
    return switch (size) {
      case 1 -> Code.of(opcode);
      case 2 -> new Code(0x66, false, false, 0, 0, opcode + 1);
      default -> InstructionTranslator.sized(size, opcode + 1);
    };
  }

  private static void probe(BlockTranslator t, int pointer, int size, boolean write) {
    t.memory().probe(() -> t.memory().lea(ADDRESS, Place.at(pointer, 0)), size, write);
  }

  private static void advance(BlockTranslator t, int pointer, int size) {
    t.memory().lea(pointer, Place.at(pointer, size));
  }

  private static void repeat(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean moves = i.opcode.mnemonic().startsWith("MOVS");
    int size = size(i);
    t.freeFlags();
    a.registers(t.code64() ? Code.wide(0x85) : Code.of(0x85), RCX, RCX);
    int nothing = a.jumpIf(EQUAL);
    if (moves) {
      room(t, RSI, size);
      probe(t, RSI, size, false);
      a.store(Context.at(Context.SOURCE), ADDRESS);
    }
    room(t, RDI, size);
    probe(t, RDI, size, true);
    if (moves) {
      a.move(TEMP, RSI);
      a.memory(Code.wide(0x2b), TEMP, Context.at(Context.SOURCE));
      a.load(RSI, Context.at(Context.SOURCE));
      a.store(Context.at(Context.SOURCE), TEMP);
    }
    a.move(TEMP, RDI);
    a.registers(Code.wide(0x2b), TEMP, ADDRESS);
    a.move(RDI, ADDRESS);
    boolean word = size == 2;
    int opcode = i.opcode.code();
    if (word) {
      a.byte1(0x66);
    }
    a.byte1(0xf3);
    if (size == 8) {
      a.byte1(0x48);
    }
    a.byte1(opcode);
    a.registers(Code.wide(0x03), RDI, TEMP);
    if (moves) {
      a.memory(Code.wide(0x03), RSI, Context.at(Context.SOURCE));
      wrap(t, RSI);
    }
    wrap(t, RDI);
    a.patchToHere(nothing);
  }

  /** A pointer of 32-bit code may have come to the end of the address space. */
  private static void wrap(BlockTranslator t, int pointer) {
    if (!t.code64()) {
      t.assembler().registers(Code.of(0x89), pointer, pointer);
    }
  }

  /**
   * Leaves to Java when more is to be done than the page has room for from where a register points.
   * The count is checked by itself first, so that the sum cannot wrap.
   */
  private static void room(BlockTranslator t, int pointer, int size) {
    Assembler a = t.assembler();
    a.arithmetic(true, 7, RCX, PAGE);
    t.leaveToJavaIf(ABOVE);
    a.registers(Code.of(0x89), pointer, TEMP);
    a.arithmetic(false, 4, TEMP, PAGE - 1);
    a.lea(TEMP, new Place(TEMP, RCX, Integer.numberOfTrailingZeros(size), 0, false));
    a.arithmetic(true, 7, TEMP, PAGE);
    t.leaveToJavaIf(ABOVE);
  }
}
