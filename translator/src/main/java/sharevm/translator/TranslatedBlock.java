package sharevm.translator;

import sharevm.cpu.decode.Instruction;
import sharevm.cpu.interpret.Block;

/** A block of guest code with its translation. */
final class TranslatedBlock {
  final long rip;
  final long place;
  final int modeKey;
  final Instruction[] code;
  final int length;

  /**
   * Offset in RAM of the page that its only instruction ends in, where that is another; else -1.
   */
  final long secondPage;

  /** Offset of its entry in the code cache. */
  int entry;

  boolean valid = true;

  /** Another block at the same RIP and mode key, from another place. */
  TranslatedBlock next;

  TranslatedBlock(long rip, Block decoded, int modeKey) {
    this.rip = rip;
    this.place = decoded.place;
    this.secondPage = decoded.secondPage;
    this.modeKey = modeKey;
    this.code = decoded.instructions;
    Instruction last = code[code.length - 1];
    this.length = last.offset + last.length;
  }
}
