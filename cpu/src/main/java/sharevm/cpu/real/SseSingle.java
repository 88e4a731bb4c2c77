package sharevm.cpu.real;

/**
 * Single-precision SSE arithmetic on raw bits; see {@link SseDouble} for how it is made fast.
 *
 * <p>The results of single operations are checked for exactness in double precision, where products
 * of singles are exact.
 */
public final class SseSingle {
  private static final FloatFormat FORMAT = FloatFormat.SINGLE;
  private static final int MAGNITUDE = Integer.MAX_VALUE;
  private static final int MIN_NORMAL = 1 << 23;
  private static final int INFINITY = 0xff << 23;
  private static final int QUIET_BIT = 1 << 22;
  private static final int DEFAULT_NAN = 0xffc0_0000;

  /** A result from here on was not tiny before rounding either. */
  private static final int SAFE_RESULT = 2 << 23;

  /** Zero or a normal number above this would have a reciprocal that is denormal. */
  private static final int LARGEST_RECIPROCATED = 0xfd << 23;

  private final SseContext context;
  private final SseExact exact;

  SseSingle(SseContext context, SseExact exact) {
    this.context = context;
    this.exact = exact;
  }

  /** Zero or a normal number. */
  private static boolean ordinary(int bits) {
    int magnitude = bits & MAGNITUDE;
    return magnitude < INFINITY && (magnitude >= MIN_NORMAL || magnitude == 0);
  }

  private static boolean normal(int bits) {
    int magnitude = bits & MAGNITUDE;
    return magnitude >= MIN_NORMAL && magnitude < INFINITY;
  }

  static boolean safe(int bits) {
    int magnitude = bits & MAGNITUDE;
    return magnitude >= SAFE_RESULT && magnitude < INFINITY;
  }

  private static long widen(int bits) {
    return bits & 0xffff_ffffL;
  }

  private int inexactIf(boolean inexact, int result) {
    if (inexact) {
      context.raised |= FloatException.PRECISION;
    }
    return result;
  }

  /** {@code a + b}. @sdm Vol. 2A ADDSS */
  public int add(int a, int b) {
    if (context.plain && ordinary(a) && ordinary(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      float sum = x + y;
      int result = Float.floatToRawIntBits(sum);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(sumInexact(x, y, sum), result);
      }
    }
    return (int) exact.add(widen(a), widen(b), FORMAT, false);
  }

  /** {@code a - b}. @sdm Vol. 2B SUBSS */
  public int subtract(int a, int b) {
    if (context.plain && ordinary(a) && ordinary(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      float difference = x - y;
      int result = Float.floatToRawIntBits(difference);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf(sumInexact(x, -y, difference), result);
      }
    }
    return (int) exact.add(widen(a), widen(b), FORMAT, true);
  }

  private static boolean sumInexact(double x, double y, float rounded) {
    double sum = x + y;
    return sum != rounded || SseDouble.sumInexact(x, y, sum);
  }

  /** {@code a * b}. @sdm Vol. 2B MULSS */
  public int multiply(int a, int b) {
    if (context.plain && normal(a) && normal(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      float product = x * y;
      int result = Float.floatToRawIntBits(product);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf((double) x * y != product, result);
      }
    }
    return (int) exact.multiply(widen(a), widen(b), FORMAT);
  }

  /** {@code a / b}. @sdm Vol. 2A DIVSS */
  public int divide(int a, int b) {
    if (context.plain && normal(a) && normal(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      float quotient = x / y;
      int result = Float.floatToRawIntBits(quotient);
      if (safe(result)) {
        return context.knownInexact() ? result : inexactIf((double) quotient * y != x, result);
      }
    }
    return (int) exact.divide(widen(a), widen(b), FORMAT);
  }

  /** The square root of {@code a}. @sdm Vol. 2B SQRTSS */
  public int squareRoot(int a) {
    if (context.plain && a >= MIN_NORMAL && a < INFINITY) {
      float x = Float.intBitsToFloat(a);
      float root = (float) Math.sqrt(x);
      int result = Float.floatToRawIntBits(root);
      return context.knownInexact() ? result : inexactIf((double) root * root != x, result);
    }
    return (int) exact.squareRoot(widen(a), FORMAT);
  }

  /** The smaller; {@code b} where either is a NaN or both are zeros. @sdm Vol. 2B MINSS */
  public int minimum(int a, int b) {
    if (normal(a) && normal(b)) {
      return Float.intBitsToFloat(a) < Float.intBitsToFloat(b) ? a : b;
    }
    return (int) exact.extreme(widen(a), widen(b), FORMAT, false);
  }

  /** The larger; {@code b} where either is a NaN or both are zeros. @sdm Vol. 2B MAXSS */
  public int maximum(int a, int b) {
    if (normal(a) && normal(b)) {
      return Float.intBitsToFloat(a) > Float.intBitsToFloat(b) ? a : b;
    }
    return (int) exact.extreme(widen(a), widen(b), FORMAT, true);
  }

  /**
   * Whether the predicate of CMPSS holds.
   *
   * @param predicate 0 to 7: EQ, LT, LE, UNORD, NEQ, NLT, NLE, ORD. @sdm Vol. 2A CMPSS
   */
  public boolean compare(int a, int b, int predicate) {
    if (ordinary(a) && ordinary(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      boolean holds =
          switch (predicate & 3) {
            case 0 -> x == y;
            case 1 -> x < y;
            case 2 -> x <= y;
            default -> false;
          };
      return holds ^ ((predicate & 4) != 0);
    }
    return exact.compare(widen(a), widen(b), FORMAT, predicate);
  }

  /**
   * Compares as COMISS and UCOMISS do.
   *
   * @param quietNanInvalid true for COMISS
   * @return ZF, PF and CF in their places in EFLAGS. @sdm Vol. 2A COMISS
   */
  public int order(int a, int b, boolean quietNanInvalid) {
    if (ordinary(a) && ordinary(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      return x < y ? 0x01 : x == y ? 0x40 : 0;
    }
    return exact.order(widen(a), widen(b), FORMAT, quietNanInvalid);
  }

  /** Rounds to an integral value under the immediate of ROUNDSS. @sdm Vol. 2B ROUNDSS */
  public int roundToIntegral(int a, int immediate) {
    return (int) exact.roundToIntegral(widen(a), FORMAT, immediate);
  }

  /** To double precision, exact. @sdm Vol. 2A CVTSS2SD */
  public long toDouble(int a) {
    if (ordinary(a)) {
      return Double.doubleToRawLongBits(Float.intBitsToFloat(a));
    }
    return exact.convert(widen(a), FORMAT, FloatFormat.DOUBLE);
  }

  /** To a signed 32-bit integer in the mode of MXCSR. @sdm Vol. 2A CVTSS2SI */
  public int toInt(int a) {
    return (int) exact.toInteger(widen(a), FORMAT, 32, context.rounding());
  }

  /** To a signed 32-bit integer, truncated. @sdm Vol. 2A CVTTSS2SI */
  public int truncateToInt(int a) {
    if (normal(a) && context.plain) {
      float x = Float.intBitsToFloat(a);
      int result = (int) x;
      if (result != Integer.MAX_VALUE && result != Integer.MIN_VALUE) {
        return inexactIf((float) result != x, result);
      }
    }
    return (int) exact.toInteger(widen(a), FORMAT, 32, Rounding.ZERO);
  }

  /** To a signed 64-bit integer in the mode of MXCSR. @sdm Vol. 2A CVTSS2SI */
  public long toLong(int a) {
    return exact.toInteger(widen(a), FORMAT, 64, context.rounding());
  }

  /** To a signed 64-bit integer, truncated. @sdm Vol. 2A CVTTSS2SI */
  public long truncateToLong(int a) {
    return exact.toInteger(widen(a), FORMAT, 64, Rounding.ZERO);
  }

  /** From a signed 32-bit integer. @sdm Vol. 2A CVTSI2SS */
  public int fromInt(int value) {
    return fromLong(value);
  }

  /** From a signed 64-bit integer. @sdm Vol. 2A CVTSI2SS */
  public int fromLong(long value) {
    if (Math.abs(value) <= 1L << 24) {
      return Float.floatToRawIntBits((float) value);
    }
    return (int) exact.fromInteger(value, FORMAT);
  }

  /**
   * DPPS: products of the pairs chosen by the immediate's bits 7:4, then their sum.
   *
   * <p>The sum is taken pairwise: (0 + 1) + (2 + 3); an unmasked exception of one step keeps the
   * next from being taken.
   *
   * @param aLow elements 0 and 1 of the first operand, the others likewise. @sdm Vol. 2A DPPS
   */
  public int dotProduct(long aLow, long aHigh, long bLow, long bHigh, int immediate) {
    int product0 = (immediate & 0x10) != 0 ? multiply((int) aLow, (int) bLow) : 0;
    int product1 = (immediate & 0x20) != 0 ? multiply((int) (aLow >>> 32), (int) (bLow >>> 32)) : 0;
    int product2 = (immediate & 0x40) != 0 ? multiply((int) aHigh, (int) bHigh) : 0;
    int product3 =
        (immediate & 0x80) != 0 ? multiply((int) (aHigh >>> 32), (int) (bHigh >>> 32)) : 0;
    if (context.stopsHere()) {
      return 0;
    }
    int low = add(product0, product1);
    int high = add(product2, product3);
    return context.stopsHere() ? 0 : add(low, high);
  }

  /**
   * RCPSS. The manual bounds the relative error by 1.5 * 2^-12 and leaves the bits to the vendor;
   * here the true reciprocal is rounded to 13 significant bits. Raises nothing, ignores MXCSR.
   * Denormals count as zeros and denormal results are zeros. @sdm Vol. 2B RCPSS
   */
  public int reciprocal(int a) {
    int sign = a & ~MAGNITUDE;
    int magnitude = a & MAGNITUDE;
    if (magnitude > INFINITY) {
      return a | QUIET_BIT;
    }
    if (magnitude < MIN_NORMAL) {
      return sign | INFINITY;
    }
    if (magnitude > LARGEST_RECIPROCATED) {
      return sign;
    }
    return sign | shortened(1.0 / Float.intBitsToFloat(magnitude));
  }

  /** RSQRTSS, rounded as {@link #reciprocal}. @sdm Vol. 2B RSQRTSS */
  public int reciprocalRoot(int a) {
    int magnitude = a & MAGNITUDE;
    if (magnitude > INFINITY) {
      return a | QUIET_BIT;
    }
    if (magnitude < MIN_NORMAL) {
      return (a & ~MAGNITUDE) | INFINITY;
    }
    if (a < 0) {
      return DEFAULT_NAN;
    }
    return magnitude == INFINITY ? 0 : shortened(1.0 / Math.sqrt(Float.intBitsToFloat(a)));
  }

  /** To 13 significant bits; a single that is normal stays so. */
  private static int shortened(double value) {
    return (Float.floatToRawIntBits((float) value) + (1 << 10)) & -(1 << 11);
  }
}
