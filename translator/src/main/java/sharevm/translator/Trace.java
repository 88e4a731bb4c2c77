package sharevm.translator;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.interpret.Block;

/**
 * The way through decoded blocks that is likely to be taken from a place on, within one page, since
 * only there a jump's target stays what it is when mappings change.
 *
 * @param code instructions in the order of execution
 * @param starts for each the RIP that its offset is counted from
 * @param followed a bit for each: whether the next one is its jump's target
 */
record Trace(Instruction[] code, long[] starts, long followed) {
  /** The most instructions of a trace; the engine asks for a budget that is not below. */
  static final int MOST = 64;

  /** No RIP: not canonical. */
  private static final long NOWHERE = 1L << 62;

  /** Finds decoded blocks. */
  interface Blocks {
    /** Returns the block decoded at a RIP of the page where the trace is, or null. */
    Block at(long rip);

    /** Sees to it that there is one, if there can be. */
    default void want(long rip) {}
  }

  /** Follows the ways that were taken most. */
  static Trace follow(Block first, long rip, int modeKey, Blocks blocks) {
    return new Follower(modeKey, CodePage.of(rip, first.place), blocks).follow(first, rip);
  }

  /** Returns the first instruction of a block alone. */
  static Trace single(Block block, long rip) {
    return new Trace(new Instruction[] {block.instructions[0]}, new long[] {rip}, 0);
  }

  /** Returns the target of a conditional or direct jump or call. */
  static long target(Instruction i, long start) {
    long target = wrap(i, start + i.offset + i.length + i.immediate);
    return i.size == 2 ? target & 0xffff : target;
  }

  /** Returns the RIP behind an instruction. */
  static long behind(Instruction i, long start) {
    return wrap(i, start + i.offset + i.length);
  }

  private static long wrap(Instruction i, long rip) {
    return i.codeSize == 8 ? rip : rip & 0xffff_ffffL;
  }

  /** Puts a trace together. */
  private static final class Follower {
    private final int modeKey;
    private final CodePage page;
    private final Blocks blocks;
    private final List<Instruction> code = new ArrayList<>();
    private final List<Long> starts = new ArrayList<>();
    private long followed;
    private final Set<Long> seen = new HashSet<>();

    Follower(int modeKey, CodePage page, Blocks blocks) {
      this.modeKey = modeKey;
      this.page = page;
      this.blocks = blocks;
    }

    Trace follow(Block first, long firstRip) {
      Block block = first;
      long rip = firstRip;
      while (true) {
        boolean whole = add(block, rip);
        long next = whole && first.secondPage < 0 ? next(block, rip) : NOWHERE;
        Block successor = next == NOWHERE ? null : blocks.at(next);
        if (successor == null || code.size() + successor.instructions.length > MOST) {
          return done();
        }
        block = successor;
        rip = next;
      }
    }

    /** Adds a block's instructions up to one that leaves to Java; returns whether there is none. */
    private boolean add(Block block, long rip) {
      seen.add(rip);
      for (Instruction i : block.instructions) {
        code.add(i);
        starts.add(rip);
        boolean known = InstructionTranslator.translates(i, modeKey);
        if (!known && !InstructionTranslator.resumes(i)) {
          return false;
        }
      }
      return true;
    }

    /** Returns where the trace goes on, or NOWHERE. */
    private long next(Block block, long start) {
      Instruction last = block.instructions[block.instructions.length - 1];
      long behind = behind(last, start);
      if (InstructionTranslator.isConditionalJump(last)) {
        long target = target(last, start);
        int taken = heat(target, start);
        int notTaken = heat(behind, start);
        boolean jumps = taken > notTaken;
        follow(jumps);
        return taken + notTaken == 0 ? NOWHERE : jumps ? target : behind;
      }
      if (InstructionTranslator.isDirectJump(last)) {
        long target = target(last, start);
        boolean known = heat(target, start) > 0;
        follow(known);
        return known ? target : NOWHERE;
      }
      if (SystemInstructions.holdsInterruptsOff(last) && page.haveSame(behind, start)) {
        blocks.want(behind);
      }
      return !InstructionTranslator.ends(last) && isKnown(behind, start) ? behind : NOWHERE;
    }

    /** Says whether the last instruction's jump is followed. */
    private void follow(boolean jumps) {
      followed |= jumps ? 1L << code.size() - 1 : 0;
    }

    /** Returns how often a block that may follow has been executed. */
    private int heat(long rip, long start) {
      return isKnown(rip, start) ? blocks.at(rip).heat : 0;
    }

    /** Whether a block that may follow has been decoded, in the same page and nowhere else. */
    private boolean isKnown(long rip, long start) {
      if (!page.haveSame(rip, start) || seen.contains(rip)) {
        return false;
      }
      Block block = blocks.at(rip);
      return block != null && block.secondPage < 0;
    }

    private Trace done() {
      int size = code.size();
      long[] from = new long[size];
      for (int n = 0; n < size; n++) {
        from[n] = starts.get(n);
      }
      long last = 1L << size - 1;
      return new Trace(code.toArray(Instruction[]::new), from, followed & ~last);
    }
  }
}
