package sharevm.cpu.decode;

/**
 * Decoded instructions that have been met before: what stands at many places of a guest's code, or
 * is executed by several of its processors, is kept once. New ones take the place of old ones, so
 * that it stays as large as it was made. Safe for several threads.
 */
public final class InstructionPool {
  /** The most bytes of an encoding that is kept: longer ones are rare. */
  static final int LONGEST = 8;

  private final int mask;
  private final long[] encodings;
  private final int[] contexts;
  private final Instruction[] instructions;

  /** Makes an empty pool for {@code 1 << bits} instructions. */
  public InstructionPool(int bits) {
    mask = (1 << bits) - 1;
    encodings = new long[1 << bits];
    contexts = new int[1 << bits];
    instructions = new Instruction[1 << bits];
  }

  /**
   * Returns what an encoding was decoded to, or null when that is not here.
   *
   * @param encoding its bytes
   * @param context what else an instruction depends on, and its length
   */
  synchronized Instruction find(long encoding, int context) {
    int slot = slot(encoding, context);
    boolean here = encodings[slot] == encoding && contexts[slot] == context;
    return here ? instructions[slot] : null;
  }

  /** Keeps an instruction under what {@link #find} will be asked with. */
  synchronized void keep(long encoding, int context, Instruction instruction) {
    int slot = slot(encoding, context);
    encodings[slot] = encoding;
    contexts[slot] = context;
    instructions[slot] = instruction;
  }

  private int slot(long encoding, int context) {
    long mixed = (encoding ^ (long) context << 40) * 0x9e37_79b9_7f4a_7c15L;
    return (int) (mixed >>> 40) & mask;
  }
}
