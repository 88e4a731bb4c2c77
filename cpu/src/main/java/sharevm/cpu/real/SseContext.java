package sharevm.cpu.real;

/** MXCSR and the exceptions of the instruction under way. SDM Vol. 1, 10.2.3. */
final class SseContext {
  static final int DENORMALS_ARE_ZEROS = 1 << 6;
  static final int FLUSH_TO_ZERO = 1 << 15;
  private static final int MASK_SHIFT = 7;
  private static final int ROUNDING_SHIFT = 13;
  private static final int ALL_MASKED = FloatException.ALL << MASK_SHIFT;
  private static final int ROUNDING_FIELD = 3 << ROUNDING_SHIFT;

  int mxcsr = ALL_MASKED;
  int raised;

  /** Round to nearest with everything masked: what Java's arithmetic does. */
  boolean plain = true;

  void set(int value) {
    mxcsr = value;
    plain = (value & (ALL_MASKED | ROUNDING_FIELD)) == ALL_MASKED;
  }

  int rounding() {
    return (mxcsr >> ROUNDING_SHIFT) & 3;
  }

  int masks() {
    return (mxcsr >> MASK_SHIFT) & FloatException.ALL;
  }

  boolean denormalsAreZeros() {
    return (mxcsr & DENORMALS_ARE_ZEROS) != 0;
  }

  /** FTZ acts only while underflow is masked; the rounder looks at that. */
  boolean flushToZero() {
    return (mxcsr & FLUSH_TO_ZERO) != 0;
  }

  /** Whether an inexact result would change nothing, so that it need not be detected. */
  boolean knownInexact() {
    return ((mxcsr | raised) & FloatException.PRECISION) != 0;
  }

  /**
   * Ends one stage of an instruction that rounds several times.
   *
   * @return whether an unmasked exception forbids the next stage
   */
  boolean stopsHere() {
    if ((raised & ~masks()) != 0) {
      return true;
    }
    mxcsr |= raised;
    return false;
  }

  boolean commit() {
    int unmasked = raised & ~masks();
    if ((unmasked & FloatException.PRE_COMPUTATION) != 0) {
      mxcsr |= raised & FloatException.PRE_COMPUTATION;
      return true;
    }
    mxcsr |= raised;
    return unmasked != 0;
  }
}
