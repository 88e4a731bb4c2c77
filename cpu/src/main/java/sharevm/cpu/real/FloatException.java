package sharevm.cpu.real;

/**
 * The six floating-point exceptions as bits, placed as in the x87 status word and in MXCSR.
 *
 * <p>The mask bits have the same order in the x87 control word (from bit 0) and in MXCSR (from bit
 * 7). SDM Vol. 1, 4.9.1, 8.1.3, 8.1.5 and 10.2.3.
 */
public final class FloatException {
  /** Invalid operation (IE). */
  public static final int INVALID = 1;

  /** Denormal operand (DE). */
  public static final int DENORMAL = 1 << 1;

  /** Division of a finite number by zero (ZE). */
  public static final int ZERO_DIVIDE = 1 << 2;

  /** Numeric overflow (OE). */
  public static final int OVERFLOW = 1 << 3;

  /** Numeric underflow (UE). */
  public static final int UNDERFLOW = 1 << 4;

  /** Inexact result (PE). */
  public static final int PRECISION = 1 << 5;

  /** All six. */
  public static final int ALL = 0x3f;

  /** Those found before the result is computed; unmasked, they stop the computation. */
  public static final int PRE_COMPUTATION = INVALID | DENORMAL | ZERO_DIVIDE;

  private FloatException() {}
}
