package sharevm.translator;

import java.util.function.LongToIntFunction;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.interpret.Block;
import sharevm.translator.InstructionTranslator.Emitter;

/** Which status flags someone will read, worked out backwards. */
final class Liveness {
  /** How far flags are followed into what comes behind a block. */
  private static final int FAR = 8;

  private Liveness() {}

  /**
   * Returns for each instruction of a block the flags that are read behind it before they are
   * written.
   *
   * @param emitters null for each instruction that has no translation
   * @param liveAt tells which flags are live at a RIP where the block may be left for
   */
  static int[] after(TranslatedBlock block, Emitter[] emitters, LongToIntFunction liveAt) {
    Instruction[] code = block.code;
    int[] live = new int[code.length];
    int now = behind(block, emitters, liveAt);
    for (int n = code.length - 1; n >= 0; n--) {
      now |= aside(block, n, liveAt);
      live[n] = now;
      now = before(code[n], now);
    }
    return live;
  }

  /** Returns the flags that are live where a conditional jump leaves the block. */
  private static int aside(TranslatedBlock block, int n, LongToIntFunction liveAt) {
    Instruction i = block.code[n];
    if (!InstructionTranslator.isConditionalJump(i)) {
      return 0;
    }
    boolean last = n == block.code.length - 1;
    boolean jumps = last || !block.followed(n);
    boolean falls = last || block.followed(n);
    return (jumps ? liveAt.applyAsInt(Trace.target(i, block.start(n))) : 0)
        | (falls ? liveAt.applyAsInt(Trace.behind(i, block.start(n))) : 0);
  }

  /**
   * Returns the flags that are live behind the last instruction, where it is no conditional jump.
   */
  private static int behind(TranslatedBlock block, Emitter[] emitters, LongToIntFunction liveAt) {
    int last = block.code.length - 1;
    Instruction i = block.code[last];
    if (InstructionTranslator.isConditionalJump(i)) {
      return 0;
    }
    if (InstructionTranslator.isDirectJump(i)) {
      return liveAt.applyAsInt(Trace.target(i, block.start(last)));
    }
    boolean goesOn = !InstructionTranslator.ends(i);
    return goesOn && emitters[last] != null
        ? liveAt.applyAsInt(Trace.behind(i, block.start(last)))
        : Flags.STATUS;
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
