package sharevm.cpu.real;

/** FPREM and FPREM1. @sdm Vol. 2A FPREM, FPREM1 */
public final class X87Remainder {
  /** Condition codes in their places in the status word. */
  private static final int C0 = 0x0100;

  private static final int C1 = 0x0200;
  private static final int C2 = 0x0400;
  private static final int C3 = 0x4000;

  /** Returned where there is no quotient: C2 is cleared, C0 and C3 stay, as processors have it. */
  public static final int NO_QUOTIENT = -1;

  private final X87Context context;
  private long quotient;
  private long rest;

  X87Remainder(X87Context context) {
    this.context = context;
  }

  /**
   * The remainder of {@code a / b}, or a step toward it where the exponents are 64 or more apart.
   *
   * @param nearest true for FPREM1, whose quotient is rounded to nearest, not truncated
   * @return {@link #NO_QUOTIENT}, or C2 for an incomplete step, else the quotient's last three bits
   *     as C0, C3, C1
   */
  public int remainder(Real a, Real b, boolean nearest) {
    context.begin();
    if (context.unordinary(a, b)) {
      return NO_QUOTIENT;
    }
    if (a.kind == Real.INFINITY || b.kind == Real.ZERO) {
      context.setInvalid();
      return NO_QUOTIENT;
    }
    context.noteDenormal(a);
    context.noteDenormal(b);
    if (context.stopsRegister()) {
      return NO_QUOTIENT;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
      return 0;
    }
    int distance = a.exponent - b.exponent;
    if (b.kind == Real.INFINITY || distance < -1 || (distance == -1 && !nearest)) {
      context.value.set(a);
      context.roundFull();
      return 0;
    }
    if (distance >= 64) {
      int step = 32 + (distance & 31);
      divide(a, b, step);
      deliver(a.negative, b.exponent + distance - step, rest);
      return C2;
    }
    return complete(a, b, distance, nearest);
  }

  /** {@code a * 2^distance / b} on the significands, {@code distance} from 0 to 63. */
  private void divide(Real a, Real b, int distance) {
    long dividend = a.significand;
    long divisor = b.significand;
    quotient = 0;
    if (Long.compareUnsigned(dividend, divisor) >= 0) {
      dividend -= divisor;
      quotient = 1L << distance;
    }
    long low = dividend << distance;
    long high = distance == 0 ? 0 : dividend >>> -distance;
    long digits = Wide.divide(high, low, divisor);
    rest = low - digits * divisor;
    quotient += digits;
  }

  private int complete(Real a, Real b, int distance, boolean nearest) {
    int scale = b.exponent;
    boolean negative = a.negative;
    long divisor = b.significand;
    if (distance == -1) {
      // Half the divisor is the scale here: the quotient can only be 0 or 1.
      quotient = 0;
      rest = a.significand;
      scale--;
      if (Long.compareUnsigned(rest, divisor) > 0) {
        quotient = 1;
        rest = divisor - rest + divisor;
        negative = !negative;
      }
    } else {
      divide(a, b, distance);
      if (nearest) {
        int order = Long.compareUnsigned(rest, divisor - rest);
        if (order > 0 || (order == 0 && (quotient & 1) != 0)) {
          rest = divisor - rest;
          quotient++;
          negative = !negative;
        }
      }
    }
    deliver(rest == 0 ? a.negative : negative, scale, rest);
    return ((quotient & 1) != 0 ? C1 : 0)
        | ((quotient & 2) != 0 ? C3 : 0)
        | ((quotient & 4) != 0 ? C0 : 0);
  }

  private void deliver(boolean negative, int scale, long bits) {
    if (bits == 0) {
      context.setZero(negative);
      return;
    }
    context.value.set(negative, scale, bits);
    context.value.normalize();
    context.roundFull();
  }
}
