package sharevm.cpu.real;

import java.math.BigInteger;

/**
 * Arithmetic on 128-bit significands, for the transcendental functions: every operation is right to
 * about one part in 2^126. Results replace the first operand.
 */
final class QuadMath {
  private static final int BITS = 128;

  private QuadMath() {}

  /** The quotient of two positive integers, truncated to 128 bits. */
  static Unrounded quotient(BigInteger dividend, BigInteger divisor) {
    int shift = BITS + divisor.bitLength() - dividend.bitLength();
    BigInteger bits = dividend.shiftLeft(shift).divide(divisor);
    int excess = bits.bitLength() - BITS;
    bits = bits.shiftRight(excess);
    Unrounded value = new Unrounded();
    value.high = bits.shiftRight(64).longValue();
    value.low = bits.longValue();
    value.exponent = BITS - 1 - shift + excess;
    return value;
  }

  static void copy(Unrounded to, Unrounded from) {
    to.negative = from.negative;
    to.exponent = from.exponent;
    to.high = from.high;
    to.low = from.low;
  }

  /** {@code a += b}; what falls off a difference still makes it smaller. */
  static void add(Unrounded a, Unrounded b) {
    if (b.isZero()) {
      return;
    }
    if (a.isZero()) {
      copy(a, b);
      return;
    }
    boolean swap = compareMagnitudes(a, b) < 0;
    long largeHigh = swap ? b.high : a.high;
    long largeLow = swap ? b.low : a.low;
    boolean opposed = a.negative != b.negative;
    int distance = Math.abs(a.exponent - b.exponent);
    if (!swap) {
      a.high = b.high;
      a.low = b.low;
    } else {
      a.negative = b.negative;
      a.exponent = b.exponent;
    }
    a.shiftRightJam(distance);
    if (opposed) {
      a.high = largeHigh - a.high - (Long.compareUnsigned(largeLow, a.low) < 0 ? 1 : 0);
      a.low = largeLow - a.low;
      a.normalize();
    } else {
      addMagnitude(a, largeHigh, largeLow);
    }
  }

  private static void addMagnitude(Unrounded a, long high, long low) {
    long sumLow = a.low + low;
    long carry = Long.compareUnsigned(sumLow, low) < 0 ? 1 : 0;
    long sumHigh = a.high + high + carry;
    boolean overflow = Long.compareUnsigned(sumHigh, high) < 0 || (carry != 0 && sumHigh == high);
    a.low = sumLow;
    a.high = sumHigh;
    if (overflow) {
      a.shiftRightJam(1);
      a.high |= Long.MIN_VALUE;
      a.exponent++;
    }
  }

  static int compareMagnitudes(Unrounded a, Unrounded b) {
    if (a.exponent != b.exponent) {
      return Integer.compare(a.exponent, b.exponent);
    }
    int order = Long.compareUnsigned(a.high, b.high);
    return order != 0 ? order : Long.compareUnsigned(a.low, b.low);
  }

  /** {@code a *= b}, truncated. */
  static void multiply(Unrounded a, Unrounded b) {
    if (a.isZero() || b.isZero()) {
      a.high = 0;
      a.low = 0;
      return;
    }
    long high = Math.unsignedMultiplyHigh(a.high, b.high);
    long low = a.high * b.high;
    long cross = Math.unsignedMultiplyHigh(a.high, b.low);
    low += cross;
    high += Long.compareUnsigned(low, cross) < 0 ? 1 : 0;
    cross = Math.unsignedMultiplyHigh(a.low, b.high);
    low += cross;
    high += Long.compareUnsigned(low, cross) < 0 ? 1 : 0;
    a.high = high;
    a.low = low;
    a.negative ^= b.negative;
    a.exponent += b.exponent + 1;
    a.normalize();
  }

  /** {@code a /= b}, truncated; {@code b} is not zero. */
  static void divide(Unrounded a, Unrounded b) {
    if (a.isZero()) {
      return;
    }
    a.negative ^= b.negative;
    a.exponent -= b.exponent;
    int order = Long.compareUnsigned(a.high, b.high);
    if (order > 0 || (order == 0 && Long.compareUnsigned(a.low, b.low) >= 0)) {
      a.shiftRightJam(1);
    } else {
      a.exponent--;
    }
    long high = digit(a, b);
    long low = digit(a, b);
    a.high = high;
    a.low = low;
  }

  /**
   * Takes the next 64 bits of the quotient from {@code rest / divisor}, the rest being the smaller,
   * and leaves the rest times 2^64 less what the digit makes.
   */
  private static long digit(Unrounded rest, Unrounded divisor) {
    long digit = rest.high == divisor.high ? -1L : Wide.divide(rest.high, rest.low, divisor.high);
    long middle = Math.unsignedMultiplyHigh(digit, divisor.low);
    long low = digit * divisor.low;
    long cross = digit * divisor.high;
    middle += cross;
    long high =
        Math.unsignedMultiplyHigh(digit, divisor.high)
            + (Long.compareUnsigned(middle, cross) < 0 ? 1 : 0);
    long borrow = low != 0 ? 1 : 0;
    low = -low;
    long difference = rest.low - middle;
    long top = rest.high - high - (Long.compareUnsigned(rest.low, middle) < 0 ? 1 : 0);
    top -= Long.compareUnsigned(difference, borrow) < 0 ? 1 : 0;
    difference -= borrow;
    // The digit was estimated from the divisor's upper half, so it may be up to 2 too large.
    while (top < 0) {
      digit--;
      low += divisor.low;
      long carry = Long.compareUnsigned(low, divisor.low) < 0 ? 1 : 0;
      difference += carry;
      top += Long.compareUnsigned(difference, carry) < 0 ? 1 : 0;
      difference += divisor.high;
      top += Long.compareUnsigned(difference, divisor.high) < 0 ? 1 : 0;
    }
    rest.high = difference;
    rest.low = low;
    return digit;
  }

  /** {@code result = coefficients[0] + x * (coefficients[1] + x * (...))}. */
  static void polynomial(Unrounded result, Unrounded x, Unrounded[] coefficients) {
    copy(result, coefficients[coefficients.length - 1]);
    for (int n = coefficients.length - 2; n >= 0; n--) {
      multiply(result, x);
      add(result, coefficients[n]);
    }
  }
}
