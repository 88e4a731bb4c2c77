package sharevm.cpu.interpret;

import sharevm.cpu.decode.Instruction;

/** Decoded instructions that follow one another in a page, up to a branch; found again by their place in RAM. */
final class Block {
  final Instruction[] instructions;

  /** Bytes from the first instruction to behind the last. */
  final int length;

  /** Offset in RAM of the first byte. */
  final long place;

  /** Code size that it was decoded for. */
  final int mode;

  /** Offset in RAM of the page that the last bytes come from when the only instruction crosses a page; else -1. */
  final long secondPage;

  /** Next block of the same bucket of a page. */
  Block next;

  /** False once its bytes have been written to. */
  boolean valid = true;

  Block(Instruction[] instructions, long place, int mode, long secondPage) {
    this.instructions = instructions;
    this.place = place;
    this.mode = mode;
    this.secondPage = secondPage;
    Instruction last = instructions[instructions.length - 1];
    this.length = last.offset + last.length;
  }
}
