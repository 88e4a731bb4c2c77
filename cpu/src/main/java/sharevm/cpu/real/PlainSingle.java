package sharevm.cpu.real;

/** Single-precision arithmetic as Java does it; see {@link PlainDouble}. */
public final class PlainSingle {
  /** Returned in place of a result: a signaling NaN, which no operation gives. */
  public static final int REFUSED = 0x7f80_0001;

  private static final int MAGNITUDE = Integer.MAX_VALUE;
  private static final int MIN_NORMAL = 1 << 23;
  private static final int INFINITY = 0xff << 23;

  /** A result from here on was not tiny before rounding either. */
  private static final int SAFE_RESULT = 2 << 23;

  private PlainSingle() {}

  /** Returns whether a number is zero or normal: neither denormal nor infinite nor a NaN. */
  public static boolean ordinary(int bits) {
    int magnitude = bits & MAGNITUDE;
    return magnitude < INFINITY && (magnitude >= MIN_NORMAL || magnitude == 0);
  }

  private static int checked(int result, boolean zeroIsExact) {
    int magnitude = result & MAGNITUDE;
    boolean safe = magnitude >= SAFE_RESULT && magnitude < INFINITY;
    return safe || zeroIsExact && magnitude == 0 ? result : REFUSED;
  }

  /** Returns {@code a + b} or {@link #REFUSED}. */
  public static int add(int a, int b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    float sum = Float.intBitsToFloat(a) + Float.intBitsToFloat(b);
    return checked(Float.floatToRawIntBits(sum), true);
  }

  /** Returns {@code a - b} or {@link #REFUSED}. */
  public static int subtract(int a, int b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    float difference = Float.intBitsToFloat(a) - Float.intBitsToFloat(b);
    return checked(Float.floatToRawIntBits(difference), true);
  }

  /** Returns {@code a * b} or {@link #REFUSED}. */
  public static int multiply(int a, int b) {
    if (!ordinary(a) || !ordinary(b)) {
      return REFUSED;
    }
    float product = Float.intBitsToFloat(a) * Float.intBitsToFloat(b);
    boolean zero = (a & MAGNITUDE) == 0 || (b & MAGNITUDE) == 0;
    return checked(Float.floatToRawIntBits(product), zero);
  }

  /** Returns {@code a / b} or {@link #REFUSED}. */
  public static int divide(int a, int b) {
    if (!ordinary(a) || !ordinary(b) || (b & MAGNITUDE) == 0) {
      return REFUSED;
    }
    float quotient = Float.intBitsToFloat(a) / Float.intBitsToFloat(b);
    return checked(Float.floatToRawIntBits(quotient), (a & MAGNITUDE) == 0);
  }
}
