package sharevm.translator;

import sharevm.translator.Assembler.Code;

/** Machine code that changes {@link Context#BUDGET} by numbers of instructions up to 127. */
final class Budget {
  /** Bytes of a change, its constant the last of them. */
  static final int CHANGE = 5;

  private static final int ADD = 0;
  private static final int SUB = 5;

  private Budget() {}

  /** Takes instructions off it; returns the position behind the jump when it is spent. */
  static int charge(Assembler a, int instructions) {
    change(a, SUB, instructions);
    return a.jumpIf(Assembler.SIGN);
  }

  /** Gives instructions back, if there are any. */
  static void giveBack(Assembler a, int instructions) {
    if (instructions > 0) {
      change(a, ADD, instructions);
    }
  }

  /** Emits arithmetic of group 1 with a constant. */
  private static void change(Assembler a, int digit, int instructions) {
    a.memory(new Code(0, false, true, 0, 0, 0x83), digit, Context.at(Context.BUDGET));
    a.byte1(instructions);
  }
}
