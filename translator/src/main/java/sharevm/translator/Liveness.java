package sharevm.translator;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.interpret.Block;

/** Which status flags someone will read, worked out backwards. */
final class Liveness {
  /** How far flags are followed into what comes behind a block. */
  private static final int FAR = 8;

  private Liveness() {}

  /**
   * Returns for each instruction the flags that are read behind it before they are written.
   *
   * @param aside for each instruction the flags that are read where it leaves the block
   * @param out flags that are read behind the block
   */
  static int[] after(Instruction[] code, int[] aside, int out) {
    int[] live = new int[code.length];
    int now = out;
    for (int n = code.length - 1; n >= 0; n--) {
      now |= aside[n];
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
   * Returns the flags that are live where a decoded block begins, found from its first
   * instructions; those that are left to Java may read any.
   */
  static int into(Block block, int modeKey) {
    int wanted = 0;
    int open = Flags.STATUS;
    for (int n = 0; n < depth(block) && (open & Flags.STATUS) != 0; n++) {
      Instruction i = block.instructions[n];
      if (!InstructionTranslator.translates(i, modeKey)) {
        return wanted | open;
      }
      wanted |= i.opcode.flagsRead() & open;
      open &= keepsSome(i) ? -1 : ~i.opcode.flagsWritten();
    }
    return wanted | open;
  }

  /** Returns the bytes of a decoded block that {@link #into} looks at. */
  static int lengthLookedAt(Block block) {
    Instruction last = block.instructions[depth(block) - 1];
    return last.offset + last.length;
  }

  private static int depth(Block block) {
    return Math.min(FAR, block.instructions.length);
  }

  /**
   * Whether an instruction may leave flags as they were that its row says it writes: a shift by
   * nothing, a comparison of strings without a length.
   */
  static boolean keepsSome(Instruction i) {
    return switch (i.opcode.mnemonic()) {
      case "SHL", "SHR", "SAR", "ROL", "ROR", "RCL", "RCR" ->
          i.source != CpuState.ZERO || (i.immediate & (i.size == 8 ? 63 : 31)) == 0;
      case "SHLD", "SHRD" ->
          i.third != CpuState.ZERO || (i.immediate & (i.size == 8 ? 63 : 31)) == 0;
      case "CMPS", "CMPSB", "SCAS", "SCASB" -> i.repeat != Instruction.NO_REPEAT;
      default -> false;
    };
  }
}
