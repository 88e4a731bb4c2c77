package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.EQUAL;
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
 * REP MOVS and REP STOS by the host's own, where source and destination each stay in a page; longer
 * ones are left to Java, which works page by page. The mode key sees to it that the direction flag
 * is clear.
 */
final class Repeated {
  private static final int PAGE = 4096;

  private Repeated() {}

  static boolean fits(Instruction i) {
    boolean plainSource = i.segment == CpuState.FLAT;
    return i.repeat != Instruction.NO_REPEAT
        && i.codeSize == 8
        && i.addressSize == 8
        && plainSource;
  }

  static void emit(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean moves = i.opcode.mnemonic().startsWith("MOVS");
    int size = i.opcode.mnemonic().endsWith("B") ? 1 : i.operandSize;
    t.freeFlags();
    a.registers(Code.wide(0x85), RCX, RCX);
    int nothing = a.jumpIf(EQUAL);
    if (moves) {
      room(t, RSI, size);
      t.memory().probe(() -> a.move(ADDRESS, RSI), size, false);
      a.store(Context.at(Context.SOURCE), ADDRESS);
    }
    room(t, RDI, size);
    t.memory().probe(() -> a.move(ADDRESS, RDI), size, true);
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
    }
    a.patchToHere(nothing);
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
