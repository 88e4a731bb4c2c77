package sharevm.translator;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;

/** Which status flags someone will read, worked out backwards over a block. */
final class Liveness {
  private Liveness() {}

  /**
   * Returns for each instruction the flags that are read behind it before they are written.
   *
   * @param out flags that are read behind the block
   */
  static int[] after(Instruction[] code, int out) {
    int[] live = new int[code.length];
    int now = out;
    for (int n = code.length - 1; n >= 0; n--) {
      live[n] = now;
      now = before(code[n], now);
    }
    return live;
  }

  /** Returns the flags that are live before an instruction, from those live behind it. */
  static int before(Instruction i, int after) {
    int killed = keepsSome(i) ? 0 : i.opcode.flagsWritten();
    return (after & ~killed | i.opcode.flagsRead()) & Flags.STATUS;
  }

  /**
   * Whether an instruction may leave flags as they were that its row says it writes: a shift by
   * nothing.
   */
  static boolean keepsSome(Instruction i) {
    return switch (i.opcode.mnemonic()) {
      case "SHL", "SHR", "SAR", "ROL", "ROR", "RCL", "RCR" ->
          i.source != CpuState.ZERO || (i.immediate & (i.size == 8 ? 63 : 31)) == 0;
      case "SHLD", "SHRD" ->
          i.third != CpuState.ZERO || (i.immediate & (i.size == 8 ? 63 : 31)) == 0;
      default -> false;
    };
  }
}
