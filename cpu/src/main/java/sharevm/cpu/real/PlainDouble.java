package sharevm.cpu.real;

/**
 * Double-precision arithmetic as Java does it, for the many cases in which nothing can happen but
 * rounding to nearest: operands are zeros or normal numbers and so is the result, not near to
 * underflow.
 *
 * <p>Only for an MXCSR of which {@link SseUnit#onlyRounds} says that inexact results leave no
 * trace.
 */
public final class PlainDouble {
  /** Returned in place of a result: a signaling NaN, which no operation gives. */
  public static final long REFUSED = 0x7ff0_0000_0000_0001L;

  private static final long MAGNITUDE = Long.MAX_VALUE;
  private static final long MIN_NORMAL = 1L << 52;
  private static final long INFINITY = 0x7ffL << 52;

  /** A result from here on was not tiny before rounding either. */
  private static final long SAFE_RESULT = 2L << 52;

  private PlainDouble() {}

  /** Returns whether a number is zero or normal: neither denormal nor infinite nor a NaN. */
  public static boolean ordinary(long bits) {
    long magnitude = bits & MAGNITUDE;
    return magnitude < INFINITY && (magnitude >= MIN_NORMAL || magnitude == 0);
  }

  private static long checked(long result, boolean zeroIsExact) {
    long magnitude = result & MAGNITUDE;
    boolean safe = magnitude >= SAFE_RESULT && magnitude < INFINITY;
    return safe || zeroIsExact && magnitude == 0 ? result : REFUSED;
  }

  /** Returns {@code a + b} or {@link #REFUSED}. */
  public static long add(long a, long b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    double sum = Double.longBitsToDouble(a) + Double.longBitsToDouble(b);
    return checked(Double.doubleToRawLongBits(sum), true);
  }

  /** Returns {@code a - b} or {@link #REFUSED}. */
  public static long subtract(long a, long b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    double difference = Double.longBitsToDouble(a) - Double.longBitsToDouble(b);
    return checked(Double.doubleToRawLongBits(difference), true);
  }

  /** Returns {@code a * b} or {@link #REFUSED}. */
  public static long multiply(long a, long b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    double product = Double.longBitsToDouble(a) * Double.longBitsToDouble(b);
    boolean zero = (a & MAGNITUDE) == 0 || (b & MAGNITUDE) == 0;
    return checked(Double.doubleToRawLongBits(product), zero);
  }

  /** Returns {@code a / b} or {@link #REFUSED}. */
  public static long divide(long a, long b) {
    if (!ordinary(a) || !ordinary(b) || (b & MAGNITUDE) == 0) {
      return REFUSED;
    }
    double quotient = Double.longBitsToDouble(a) / Double.longBitsToDouble(b);
    return checked(Double.doubleToRawLongBits(quotient), (a & MAGNITUDE) == 0);
  }

  /** Returns the square root of {@code a} or {@link #REFUSED}. */
  public static long squareRoot(long a) {
    return a >= MIN_NORMAL && a < INFINITY
        ? Double.doubleToRawLongBits(Math.sqrt(Double.longBitsToDouble(a)))
        : REFUSED;
  }
}
