package sharevm.cpu.interpret;

import sharevm.cpu.decode.Instruction;

/**
 * Decoded instructions that follow one another in a page, up to a branch; found again by their
 * place in RAM.
 */
public final class Block {
  /** The instructions; not to be written to. */
  public final Instruction[] instructions;

  /** Bytes from the first instruction to behind the last. */
  final short length;

  /** Offset in RAM of the first byte, or -1 for a block that is not kept. */
  public final long place;

  /** Code size that it was decoded for. */
  final byte mode;

  /**
   * Offset in RAM of the page that the last bytes come from when the only instruction crosses a
   * page; else -1.
   */
  public final long secondPage;

  /** How often another engine has seen it executed here. */
  public int heat;

  /** Next block of the same bucket of a page. */
  Block next;

  /** False once its bytes have been written to. */
  boolean valid = true;

  /** Returns whether it is kept for later and dropped when its bytes change. */
  public boolean isKept() {
    return place >= 0;
  }

  Block(Instruction[] instructions, long place, int mode, long secondPage) {
    this.instructions = instructions;
    this.place = place;
    this.mode = (byte) mode;
    this.secondPage = secondPage;
    Instruction last = instructions[instructions.length - 1];
    this.length = (short) (last.offset + last.length);
  }
}
