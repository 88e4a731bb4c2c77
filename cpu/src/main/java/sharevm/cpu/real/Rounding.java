package sharevm.cpu.real;

/** The rounding modes as encoded in the RC fields of the x87 control word and of MXCSR. */
public final class Rounding {
  /** To nearest, ties to even. */
  public static final int NEAREST = 0;

  /** Toward minus infinity. */
  public static final int DOWN = 1;

  /** Toward plus infinity. */
  public static final int UP = 2;

  /** Toward zero. */
  public static final int ZERO = 3;

  private static final long HALF = Long.MIN_VALUE;

  private Rounding() {}

  /**
   * Whether a magnitude must be rounded away from zero.
   *
   * @param mode one of the four modes
   * @param negative sign of the value
   * @param odd whether the last kept bit is set
   * @param fraction what is dropped, as an unsigned 64-bit fraction of the last kept bit; its own
   *     last bit may stand for anything non-zero below it
   */
  static boolean increments(int mode, boolean negative, boolean odd, long fraction) {
    if (fraction == 0) {
      return false;
    }
    return switch (mode) {
      case NEAREST -> fraction == HALF ? odd : fraction < 0;
      case DOWN -> negative;
      case UP -> !negative;
      default -> false;
    };
  }
}
