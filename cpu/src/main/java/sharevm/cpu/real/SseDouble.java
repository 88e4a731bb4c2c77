package sharevm.cpu.real;

/**
 * Double-precision SSE arithmetic on raw bits.
 *
 * <p>With rounding to nearest and every exception masked, ordinary operands take Java's own
 * arithmetic. An operation leaves that path when an operand or the result is denormal, infinite, a
 * NaN or near the smallest normal number, because then flags or modes matter.
 */
public final class SseDouble {
  private static final FloatFormat FORMAT = FloatFormat.DOUBLE;
  private static final long MAGNITUDE = Long.MAX_VALUE;
  private static final long FRACTION = (1L << 52) - 1;
  private static final long HIDDEN = 1L << 52;
  private static final long MIN_NORMAL = 1L << 52;
  private static final long INFINITY = 0x7ffL << 52;

  /** A result from here on was not tiny before rounding either. */
  private static final long SAFE_RESULT = 2L << 52;

  private final SseContext context;
  private final SseExact exact;

  SseDouble(SseContext context, SseExact exact) {
    this.context = context;
    this.exact = exact;
  }

  /** Zero or a normal number. */
  private static boolean ordinary(long bits) {
    long magnitude = bits & MAGNITUDE;
    return magnitude < INFINITY && (magnitude >= MIN_NORMAL || magnitude == 0);
  }

  private static boolean normal(long bits) {
    long magnitude = bits & MAGNITUDE;
    return magnitude >= MIN_NORMAL && magnitude < INFINITY;
  }

  private static boolean safe(long bits) {
    long magnitude = bits & MAGNITUDE;
    return magnitude >= SAFE_RESULT && magnitude < INFINITY;
  }

  private static long significand(long bits) {
    return (bits & FRACTION) | HIDDEN;
  }

  private static long exponent(long bits) {
    return (bits >>> 52) & 0x7ff;
  }

  private long inexactIf(boolean inexact, long result) {
    if (inexact) {
      context.raised |= FloatException.PRECISION;
    }
    return result;
  }

  /** {@code a + b}. @sdm Vol. 2A ADDSD */
  public long add(long a, long b) {
    if (context.plain && ordinary(a) && ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      double sum = x + y;
      long result = Double.doubleToRawLongBits(sum);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(sumInexact(x, y, sum), result);
      }
    }
    return exact.add(a, b, FORMAT, false);
  }

  /** {@code a - b}. @sdm Vol. 2B SUBSD */
  public long subtract(long a, long b) {
    if (context.plain && ordinary(a) && ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      double difference = x - y;
      long result = Double.doubleToRawLongBits(difference);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(sumInexact(x, -y, difference), result);
      }
    }
    return exact.add(a, b, FORMAT, true);
  }

  /** The rounding error of a sum is itself a double; this finds whether it is zero. */
  static boolean sumInexact(double x, double y, double sum) {
    double virtualY = sum - x;
    double virtualX = sum - virtualY;
    return (x - virtualX) + (y - virtualY) != 0;
  }

  /** {@code a * b}. @sdm Vol. 2B MULSD */
  public long multiply(long a, long b) {
    if (context.plain && normal(a) && normal(b)) {
      double product = Double.longBitsToDouble(a) * Double.longBitsToDouble(b);
      long result = Double.doubleToRawLongBits(product);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(productInexact(a, b, result), result);
      }
    }
    return exact.multiply(a, b, FORMAT);
  }

  private static boolean productInexact(long a, long b, long product) {
    long carry = exponent(product) - (exponent(a) + exponent(b) - 1023);
    long lowBits = significand(a) * significand(b);
    return (lowBits & ((HIDDEN << carry) - 1)) != 0;
  }

  /** {@code a / b}. @sdm Vol. 2A DIVSD */
  public long divide(long a, long b) {
    if (context.plain && normal(a) && normal(b)) {
      double quotient = Double.longBitsToDouble(a) / Double.longBitsToDouble(b);
      long result = Double.doubleToRawLongBits(quotient);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(quotientInexact(a, b, result), result);
      }
    }
    return exact.divide(a, b, FORMAT);
  }

  /** The residual is smaller than the divisor, so 64 bits of the back-multiplication tell. */
  private static boolean quotientInexact(long a, long b, long quotient) {
    long shift = 52 + exponent(a) - exponent(b) + 1023 - exponent(quotient);
    return significand(quotient) * significand(b) != significand(a) << shift;
  }

  /** The square root of {@code a}. @sdm Vol. 2B SQRTSD */
  public long squareRoot(long a) {
    if (context.plain && a >= MIN_NORMAL && a < INFINITY) {
      long result = Double.doubleToRawLongBits(Math.sqrt(Double.longBitsToDouble(a)));
      return context.knownInexact() ? result : inexactIf(rootInexact(a, result), result);
    }
    return exact.squareRoot(a, FORMAT);
  }

  private static boolean rootInexact(long a, long root) {
    long shift = 52 + exponent(a) - 1023 - 2 * (exponent(root) - 1023);
    return significand(root) * significand(root) != significand(a) << shift;
  }

  /** The smaller; {@code b} where either is a NaN or both are zeros. @sdm Vol. 2B MINSD */
  public long minimum(long a, long b) {
    if (normal(a) && normal(b)) {
      return Double.longBitsToDouble(a) < Double.longBitsToDouble(b) ? a : b;
    }
    return exact.extreme(a, b, FORMAT, false);
  }

  /** The larger; {@code b} where either is a NaN or both are zeros. @sdm Vol. 2B MAXSD */
  public long maximum(long a, long b) {
    if (normal(a) && normal(b)) {
      return Double.longBitsToDouble(a) > Double.longBitsToDouble(b) ? a : b;
    }
    return exact.extreme(a, b, FORMAT, true);
  }

  /**
   * Whether the predicate of CMPSD holds.
   *
   * @param predicate 0 to 7: EQ, LT, LE, UNORD, NEQ, NLT, NLE, ORD. @sdm Vol. 2A CMPSD
   */
  public boolean compare(long a, long b, int predicate) {
    if (ordinary(a) && ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      boolean holds =
          switch (predicate & 3) {
            case 0 -> x == y;
            case 1 -> x < y;
            case 2 -> x <= y;
            default -> false;
          };
      return holds ^ ((predicate & 4) != 0);
    }
    return exact.compare(a, b, FORMAT, predicate);
  }

  /**
   * Compares as COMISD and UCOMISD do.
   *
   * @param quietNanInvalid true for COMISD
   * @return ZF, PF and CF in their places in EFLAGS. @sdm Vol. 2A COMISD
   */
  public int order(long a, long b, boolean quietNanInvalid) {
    if (ordinary(a) && ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      return x < y ? 0x01 : x == y ? 0x40 : 0;
    }
    return exact.order(a, b, FORMAT, quietNanInvalid);
  }

  /** Rounds to an integral value under the immediate of ROUNDSD. @sdm Vol. 2B ROUNDSD */
  public long roundToIntegral(long a, int immediate) {
    return exact.roundToIntegral(a, FORMAT, immediate);
  }

  /** To single precision. @sdm Vol. 2A CVTSD2SS */
  public int toSingle(long a) {
    if (context.plain && ordinary(a)) {
      double x = Double.longBitsToDouble(a);
      float narrow = (float) x;
      int result = Float.floatToRawIntBits(narrow);
      if (x == 0 || SseSingle.safe(result)) {
        return (int) inexactIf(narrow != x, result);
      }
    }
    return (int) exact.convert(a, FORMAT, FloatFormat.SINGLE);
  }

  /** To a signed 32-bit integer in the mode of MXCSR. @sdm Vol. 2A CVTSD2SI */
  public int toInt(long a) {
    return (int) exact.toInteger(a, FORMAT, 32, context.rounding());
  }

  /** To a signed 32-bit integer, truncated. @sdm Vol. 2A CVTTSD2SI */
  public int truncateToInt(long a) {
    if (normal(a)) {
      double x = Double.longBitsToDouble(a);
      int result = (int) x;
      if (result != Integer.MAX_VALUE && result != Integer.MIN_VALUE && context.plain) {
        return (int) inexactIf(result != x, result);
      }
    }
    return (int) exact.toInteger(a, FORMAT, 32, Rounding.ZERO);
  }

  /** To a signed 64-bit integer in the mode of MXCSR. @sdm Vol. 2A CVTSD2SI */
  public long toLong(long a) {
    return exact.toInteger(a, FORMAT, 64, context.rounding());
  }

  /** To a signed 64-bit integer, truncated. @sdm Vol. 2A CVTTSD2SI */
  public long truncateToLong(long a) {
    if (normal(a) && context.plain) {
      double x = Double.longBitsToDouble(a);
      long result = (long) x;
      if (result != Long.MAX_VALUE && result != Long.MIN_VALUE) {
        return inexactIf(result != x, result);
      }
    }
    return exact.toInteger(a, FORMAT, 64, Rounding.ZERO);
  }

  /** From a signed 32-bit integer, always exact. @sdm Vol. 2A CVTSI2SD */
  public long fromInt(int value) {
    return Double.doubleToRawLongBits(value);
  }

  /** From a signed 64-bit integer. @sdm Vol. 2A CVTSI2SD */
  public long fromLong(long value) {
    if (value == (int) value) {
      return fromInt((int) value);
    }
    return exact.fromInteger(value, FORMAT);
  }

  /**
   * DPPD: products of the pairs chosen by the immediate, then their sum.
   *
   * @return the sum, or zero's bits where the immediate chooses no pair. @sdm Vol. 2A DPPD
   */
  public long dotProduct(long aLow, long aHigh, long bLow, long bHigh, int immediate) {
    long low = (immediate & 0x10) != 0 ? multiply(aLow, bLow) : 0;
    long high = (immediate & 0x20) != 0 ? multiply(aHigh, bHigh) : 0;
    return context.stopsHere() ? 0 : add(low, high);
  }
}
