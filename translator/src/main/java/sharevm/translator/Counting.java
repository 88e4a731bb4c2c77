package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;

/** LOOP, LOOPE, LOOPNE and JRCXZ: jumps on what is in the counter register. */
final class Counting {
  /** Their opcodes: LOOPNE, LOOPE, LOOP, JRCXZ. */
  private static final int FIRST = 0xe0;

  private static final int LAST = 0xe3;

  /** ZF in what LAHF gives. */
  private static final int ZF = 1 << 6;

  private Counting() {}

  /** Whether an instruction is one of them. */
  static boolean isCounting(Instruction i) {
    return i.opcode.map() == 0 && i.opcode.code() >= FIRST && i.opcode.code() <= LAST;
  }

  /** Returns what emits one. */
  static InstructionTranslator.Emitter emitter(Instruction i) {
    return switch (i.opcode.mnemonic()) {
      case "LOOP" -> Counting::loop;
      case "LOOPE" -> (t, n) -> loopWhile(t, n, EQUAL);
      case "LOOPNE" -> (t, n) -> loopWhile(t, n, NOT_EQUAL);
      default -> Counting::jumpIfZero;
    };
  }

  private static void loop(BlockTranslator t, Instruction i) {
    t.freeFlags();
    count(t, i);
    branchOnCount(t, i, Assembler.RCX, NOT_EQUAL);
  }

  private static void jumpIfZero(BlockTranslator t, Instruction i) {
    t.freeFlags();
    branchOnCount(t, i, Assembler.RCX, EQUAL);
  }

  private static void count(BlockTranslator t, Instruction i) {
    t.memory().move(Assembler.RCX, -1, i.addressSize);
  }

  /**
   * Loops as long as ZF is set, or clear, as well: a count that is not to be looked at is taken to
   * be zero.
   *
   * @param when EQUAL for ZF set
   */
  private static void loopWhile(BlockTranslator t, Instruction i, int when) {
    Assembler a = t.assembler();
    t.freeFlags();
    count(t, i);
    a.constant(ADDRESS, 0);
    a.move(TEMP, Assembler.RCX);
    a.memory(new Code(0, false, false, 0, 0, 0xf6), 0, Context.at(Context.FLAGS + 1));
    a.byte1(ZF);
    a.registers(new Code(0, false, true, 0, 1, 0x40 | when), TEMP, ADDRESS);
    branchOnCount(t, i, TEMP, NOT_EQUAL);
  }

  private static void branchOnCount(BlockTranslator t, Instruction i, int count, int condition) {
    t.assembler().registers(InstructionTranslator.sized(i.addressSize, 0x85), count, count);
    t.branchOn(condition, Trace.target(i, t.start()), Trace.behind(i, t.start()));
  }
}
