package sharevm.cpu.real;

import java.math.BigInteger;

/** Power series and constants of the transcendental functions, each to 128 bits. */
final class Series {
  /** Enough terms for |x| up to pi/4, so that the next is below 2^-80 of the sum. */
  private static final int CIRCULAR_TERMS = 14;

  /** Enough for |x| up to ln 2. */
  private static final int EXPONENTIAL_TERMS = 26;

  /** Enough for |x| up to 3 - 2 sqrt 2, where the logarithm's argument ends. */
  private static final int LOGARITHM_TERMS = 18;

  /** Enough for |x| up to 1/32. */
  private static final int ARC_TERMS = 10;

  /** The arc tangents of n / 16. */
  static final int ARC_STEPS = 16;

  /** 2^-240: far below what 128 bits can tell. */
  private static final int SERIES_BITS = 240;

  /** sin x / x in powers of x squared. */
  final Unrounded[] sine = new Unrounded[CIRCULAR_TERMS];

  /** cos x in powers of x squared. */
  final Unrounded[] cosine = new Unrounded[CIRCULAR_TERMS];

  /** (e^x - 1) / x. */
  final Unrounded[] exponential = new Unrounded[EXPONENTIAL_TERMS];

  /** The inverse hyperbolic tangent of x, over x, in powers of x squared. */
  final Unrounded[] logarithm = new Unrounded[LOGARITHM_TERMS];

  /** arctan x / x in powers of x squared. */
  final Unrounded[] arc = new Unrounded[ARC_TERMS];

  final Unrounded[] arcTangent = new Unrounded[ARC_STEPS + 1];
  final Unrounded one = integer(1);
  final Unrounded two = integer(2);
  final Unrounded naturalLogarithmOf2;

  /** The factor from an inverse hyperbolic tangent to a binary logarithm: 2 / ln 2. */
  final Unrounded logarithmScale;

  final Unrounded pi;
  final Unrounded halfPi;

  Series() {
    BigInteger factorial = BigInteger.ONE;
    for (int n = 0; n < 2 * CIRCULAR_TERMS; n++) {
      factorial = factorial.multiply(BigInteger.valueOf(Math.max(1, n)));
      Unrounded[] target = (n & 1) == 0 ? cosine : sine;
      target[n / 2] = reciprocal(factorial);
      target[n / 2].negative = (n & 2) != 0;
    }
    factorial = BigInteger.ONE;
    for (int n = 0; n < EXPONENTIAL_TERMS; n++) {
      factorial = factorial.multiply(BigInteger.valueOf(n + 1L));
      exponential[n] = reciprocal(factorial);
    }
    for (int n = 0; n < LOGARITHM_TERMS; n++) {
      logarithm[n] = reciprocal(BigInteger.valueOf(2L * n + 1));
    }
    for (int n = 0; n < ARC_TERMS; n++) {
      arc[n] = reciprocal(BigInteger.valueOf(2L * n + 1));
      arc[n].negative = (n & 1) != 0;
    }
    // ln 2 = 2 artanh(1/3); arctan(n/16) - arctan((n-1)/16) = arctan(16 / (256 + n (n-1))).
    BigInteger unit = BigInteger.ONE.shiftLeft(SERIES_BITS);
    BigInteger logarithmOf2 = sum(1, 3, false).shiftLeft(1);
    naturalLogarithmOf2 = QuadMath.quotient(logarithmOf2, unit);
    logarithmScale = QuadMath.quotient(unit.shiftLeft(1), logarithmOf2);
    BigInteger angle = BigInteger.ZERO;
    arcTangent[0] = new Unrounded();
    for (int n = 1; n <= ARC_STEPS; n++) {
      angle = angle.add(sum(ARC_STEPS, ARC_STEPS * ARC_STEPS + n * (n - 1), true));
      arcTangent[n] = QuadMath.quotient(angle, unit);
    }
    pi = QuadMath.quotient(angle.shiftLeft(2), unit);
    halfPi = QuadMath.quotient(angle.shiftLeft(1), unit);
  }

  /** The arc tangent, or the inverse hyperbolic one, of {@code p / q}, times 2^240. */
  private static BigInteger sum(long p, long q, boolean alternating) {
    BigInteger square = BigInteger.valueOf(p * p);
    BigInteger divisor = BigInteger.valueOf(q * q);
    BigInteger power = BigInteger.valueOf(p).shiftLeft(SERIES_BITS).divide(BigInteger.valueOf(q));
    BigInteger total = BigInteger.ZERO;
    for (int n = 0; power.signum() != 0; n++) {
      BigInteger term = power.divide(BigInteger.valueOf(2L * n + 1));
      total = alternating && (n & 1) != 0 ? total.subtract(term) : total.add(term);
      power = power.multiply(square).divide(divisor);
    }
    return total;
  }

  private static Unrounded reciprocal(BigInteger n) {
    return QuadMath.quotient(BigInteger.ONE, n);
  }

  static Unrounded integer(long n) {
    return QuadMath.quotient(BigInteger.valueOf(n), BigInteger.ONE);
  }
}
