package sharevm.translator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import sharevm.cpu.decode.Instruction;

/**
 * A piece of guest code with its translation: instructions in the order in which they are executed
 * unless a side exit is taken.
 */
final class TranslatedBlock {
  /** A range of bytes of the block's page that the translation depends on. */
  private record Extent(int from, int to) {}

  final long rip;
  final long place;
  final int modeKey;
  final Instruction[] code;

  /** For each instruction the RIP that its offset is counted from. */
  final long[] starts;

  /** For each instruction, whether the block goes on where it jumps to. */
  final boolean[] followed;

  /**
   * Offset in RAM of the page that its only instruction ends in, where that is another; else -1.
   */
  final long secondPage;

  /** Shared with the translations of what is left of it: all are dropped together. */
  private final List<Extent> extents;

  /** Whether every access to memory is checked by itself. */
  final boolean plain;

  /** Translations of what is left of this one from an instruction on, each access by itself. */
  private final Map<Integer, TranslatedBlock> plainRests = new HashMap<>();

  /** Offset of its entry in the code cache. */
  int entry;

  boolean valid = true;

  /** Another block at the same RIP and mode key, from another place. */
  TranslatedBlock next;

  TranslatedBlock(Trace trace, long place, int modeKey, long secondPage) {
    this.rip = trace.starts()[0];
    this.place = place;
    this.secondPage = secondPage;
    this.modeKey = modeKey;
    this.code = trace.code();
    this.starts = trace.starts();
    this.followed = trace.followed();
    this.plain = false;
    this.extents = new ArrayList<>();
    for (int n = 0; n < code.length; n++) {
      dependsOn(rip(n), code[n].length);
    }
  }

  private TranslatedBlock(TranslatedBlock whole, int from, int modeKey) {
    this.rip = whole.rip(from);
    this.place = whole.place & -4096 | rip & 0xfff;
    this.secondPage = whole.secondPage;
    this.modeKey = modeKey;
    this.code = Arrays.copyOfRange(whole.code, from, whole.code.length);
    this.starts = Arrays.copyOfRange(whole.starts, from, whole.starts.length);
    this.followed = Arrays.copyOfRange(whole.followed, from, whole.followed.length);
    this.plain = true;
    this.extents = whole.extents;
  }

  /** Returns the RIP of an instruction. */
  long rip(int index) {
    return starts[index] + code[index].offset;
  }

  /** Whether an instruction may leave the block for its own beginning. */
  boolean jumpsBack(int index) {
    Instruction i = code[index];
    boolean last = index + 1 == code.length;
    if (InstructionTranslator.isConditionalJump(i)) {
      boolean taken = Trace.target(i, starts[index]) == rip && (last || !followed[index]);
      boolean notTaken = Trace.behind(i, starts[index]) == rip && (last || followed[index]);
      return taken || notTaken;
    }
    return last && InstructionTranslator.isDirectJump(i) && Trace.target(i, starts[index]) == rip;
  }

  /** Returns the RIP behind an instruction. */
  long ripBehind(int index) {
    return rip(index) + code[index].length;
  }

  /** Adds bytes of its page that the translation is only right for as long as they stay. */
  void dependsOn(long first, int length) {
    int from = (int) first & 0xfff;
    int last = extents.size() - 1;
    if (last >= 0 && extents.get(last).to == from) {
      extents.set(last, new Extent(extents.get(last).from, from + length));
    } else {
      extents.add(new Extent(from, from + length));
    }
  }

  /** Whether it depends on some of a range of bytes of its page. */
  boolean touches(int from, int to) {
    for (Extent extent : extents) {
      if (extent.from < to && extent.to > from) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the block that does the rest from an instruction on, in a mode, with each access by
   * itself.
   */
  TranslatedBlock plainRest(int from, int mode) {
    TranslatedBlock rest = plainRests.get(from);
    if (rest == null || !rest.valid) {
      rest = new TranslatedBlock(this, from, mode);
      plainRests.put(from, rest);
    }
    return rest;
  }
}
