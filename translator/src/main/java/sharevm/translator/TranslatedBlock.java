package sharevm.translator;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongPredicate;
import sharevm.cpu.decode.Instruction;

/**
 * A piece of guest code with its translation: instructions in the order in which they are executed
 * unless a side exit is taken.
 */
final class TranslatedBlock {
  final long rip;
  final long place;
  private final CodePage page;
  final int modeKey;
  final Instruction[] code;

  /** For each instruction how far behind {@link #rip} what its offset is counted from is. */
  private final short[] starts;

  /** A bit for each instruction: whether the block goes on where it jumps to. */
  private final long followed;

  /**
   * Offset in RAM of the page that its only instruction ends in, where that is another; else -1.
   */
  final long secondPage;

  /** Shared with the translations of what is left of it: all are dropped together. */
  private final Extents extents;

  /** Whether every access to memory is checked by itself. */
  final boolean plain;

  /** A bit for each instruction whose load is to do without mirrors. */
  private long withoutMirrors;

  /** Translations of what is left of this one from an instruction on, each access by itself. */
  private Map<Integer, TranslatedBlock> plainRests = Map.of();

  /** Offset of its entry in the code cache. */
  int entry;

  /** Offset of what gives its instructions back to the budget, which is spent. */
  int spent;

  /** Offset of what leaves instead of its entry. */
  int exit;

  boolean valid = true;

  /** Another block at the same RIP and mode key, from another place. */
  TranslatedBlock next;

  TranslatedBlock(Trace trace, long place, int modeKey, long secondPage) {
    this.rip = trace.starts()[0];
    this.place = place;
    this.page = CodePage.of(rip, place);
    this.secondPage = secondPage;
    this.modeKey = modeKey;
    this.code = trace.code();
    this.starts = new short[code.length];
    this.followed = trace.followed();
    this.plain = false;
    this.extents = new Extents();
    for (int n = 0; n < code.length; n++) {
      starts[n] = (short) (trace.starts()[n] - rip);
      dependsOn(rip(n), code[n].length);
    }
  }

  private TranslatedBlock(TranslatedBlock whole, int from, int modeKey) {
    this.rip = whole.rip(from);
    this.page = whole.page;
    this.place = page.place(rip);
    this.secondPage = whole.secondPage;
    this.modeKey = modeKey;
    this.code = Arrays.copyOfRange(whole.code, from, whole.code.length);
    this.starts = new short[code.length];
    this.followed = whole.followed >>> from;
    this.plain = true;
    this.extents = whole.extents;
    for (int n = 0; n < code.length; n++) {
      starts[n] = (short) (whole.start(from + n) - rip);
    }
  }

  /** Whether the code at a RIP is in the page where the block begins. */
  boolean isInPage(long other) {
    return page.haveSame(rip, other);
  }

  /** Returns where in RAM the code at a RIP of its page is. */
  long place(long other) {
    return page.place(other);
  }

  /** Returns the RIP that the offset of an instruction is counted from. */
  long start(int index) {
    return rip + starts[index];
  }

  /** Whether the block goes on where an instruction jumps to. */
  boolean followed(int index) {
    return (followed >>> index & 1) != 0;
  }

  /** Returns the RIP of an instruction. */
  long rip(int index) {
    return start(index) + code[index].offset;
  }

  /** Whether an instruction may leave the block for its own beginning. */
  boolean jumpsBack(int index) {
    Instruction i = code[index];
    boolean last = index + 1 == code.length;
    if (InstructionTranslator.isConditionalJump(i)) {
      boolean taken = Trace.target(i, start(index)) == rip && (last || !followed(index));
      boolean notTaken = Trace.behind(i, start(index)) == rip && (last || followed(index));
      return taken || notTaken;
    }
    return last && InstructionTranslator.isDirectJump(i) && Trace.target(i, start(index)) == rip;
  }

  /** Whether some instruction may leave the block for its own beginning. */
  boolean loops() {
    boolean loops = false;
    for (int n = 0; n < code.length; n++) {
      loops |= jumpsBack(n);
    }
    return loops;
  }

  /** Says which loads are to do without mirrors, by the places of their instructions. */
  void doWithoutMirrors(LongPredicate places) {
    for (int n = 0; n < code.length; n++) {
      withoutMirrors |= places.test(place(rip(n))) ? 1L << n : 0;
    }
  }

  /** Whether an instruction's load may go through a mirror. */
  boolean mayMirror(int index) {
    return (withoutMirrors >>> index & 1) == 0;
  }

  /** Returns the RIP behind an instruction. */
  long ripBehind(int index) {
    return rip(index) + code[index].length;
  }

  /** Adds bytes of its page that the translation is only right for as long as they stay. */
  void dependsOn(long first, int length) {
    extents.add(page.offset(first), length);
  }

  /** Whether it depends on some of a range of bytes of its page. */
  boolean touches(int from, int to) {
    return extents.touch(from, to);
  }

  /**
   * Returns the block that does the rest from an instruction on, in a mode, with each access by
   * itself.
   */
  TranslatedBlock plainRest(int from, int mode) {
    TranslatedBlock rest = plainRests.get(from);
    if (rest == null || !rest.valid) {
      rest = new TranslatedBlock(this, from, mode);
      if (plainRests.isEmpty()) {
        plainRests = new HashMap<>();
      }
      plainRests.put(from, rest);
    }
    return rest;
  }
}
