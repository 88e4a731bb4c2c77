package sharevm.cpu.real;

/**
 * An exact result before rounding, and the four operations that make one.
 *
 * <p>The magnitude is {@code (high * 2^64 + low) * 2^(exponent - 127)} with bit 63 of {@code high}
 * set, or zero when both words are zero. The last bit of {@code low} is sticky: it also stands for
 * everything below it. 64-bit significands leave {@code low} with at least one true bit (the one
 * that rounding to nearest looks at), so no rounding mode can be fooled.
 */
final class Unrounded {
  boolean negative;
  int exponent;
  long high;
  long low;

  boolean isZero() {
    return (high | low) == 0;
  }

  void set(boolean sign, int scale, long significand) {
    negative = sign;
    exponent = scale;
    high = significand;
    low = 0;
  }

  void set(Real a) {
    set(a.negative, a.exponent, a.significand);
  }

  /** {@code a + b}, or {@code a - b}; the sign of an exact zero is left to the caller. */
  void add(Real a, Real b, boolean subtract) {
    boolean signB = b.negative ^ subtract;
    if (Real.compareMagnitudes(a, b) >= 0) {
      combine(a, b, a.negative, a.negative != signB);
    } else {
      combine(b, a, signB, a.negative != signB);
    }
  }

  private void combine(Real large, Real small, boolean sign, boolean opposed) {
    negative = sign;
    exponent = large.exponent;
    high = small.significand;
    low = 0;
    shiftRightJam(large.exponent - small.exponent);
    if (opposed) {
      high = large.significand - high - (low != 0 ? 1 : 0);
      low = -low;
      normalize();
    } else {
      long sum = large.significand + high;
      high = sum;
      if (Long.compareUnsigned(sum, large.significand) < 0) {
        low = (low >>> 1) | (low & 1) | (high << 63);
        high = (high >>> 1) | Long.MIN_VALUE;
        exponent++;
      }
    }
  }

  void multiply(Real a, Real b) {
    negative = a.negative ^ b.negative;
    exponent = a.exponent + b.exponent + 1;
    high = Math.unsignedMultiplyHigh(a.significand, b.significand);
    low = a.significand * b.significand;
    normalize();
  }

  void divide(Real a, Real b) {
    negative = a.negative ^ b.negative;
    exponent = a.exponent - b.exponent;
    long divisor = b.significand;
    long dividendHigh = a.significand;
    long dividendLow = 0;
    if (Long.compareUnsigned(dividendHigh, divisor) >= 0) {
      dividendLow = dividendHigh << 63;
      dividendHigh >>>= 1;
    } else {
      exponent--;
    }
    high = Wide.divide(dividendHigh, dividendLow, divisor);
    long remainder = dividendLow - high * divisor;
    low = roundBits(remainder, divisor);
  }

  /** The round bit and the sticky bit of {@code remainder / divisor}, left-aligned. */
  private static long roundBits(long remainder, long divisor) {
    int order = Long.compareUnsigned(remainder, divisor - remainder);
    if (order == 0) {
      return Long.MIN_VALUE;
    }
    return (order > 0 ? Long.MIN_VALUE : 0) | (remainder != 0 ? 1 : 0);
  }

  /** The root of a positive number. */
  void squareRoot(Real a) {
    negative = false;
    exponent = a.exponent >> 1;
    boolean odd = (a.exponent & 1) != 0;
    long radicandHigh = odd ? a.significand : a.significand >>> 1;
    long radicandLow = odd ? 0 : a.significand << 63;
    high = Wide.squareRoot(radicandHigh, radicandLow);
    long squareLow = high * high;
    long remainderHigh =
        radicandHigh
            - Math.unsignedMultiplyHigh(high, high)
            - (Long.compareUnsigned(radicandLow, squareLow) < 0 ? 1 : 0);
    long remainderLow = radicandLow - squareLow;
    boolean aboveHalf = remainderHigh != 0 || Long.compareUnsigned(remainderLow, high) > 0;
    boolean inexact = (remainderHigh | remainderLow) != 0;
    low = (aboveHalf ? Long.MIN_VALUE : 0) | (inexact ? 1 : 0);
  }

  /** Shifts left until bit 127 is set; a zero stays. */
  void normalize() {
    if (high == 0) {
      if (low == 0) {
        return;
      }
      high = low;
      low = 0;
      exponent -= 64;
    }
    int shift = Long.numberOfLeadingZeros(high);
    if (shift != 0) {
      high = (high << shift) | (low >>> -shift);
      low <<= shift;
      exponent -= shift;
    }
  }

  /** Shifts right without touching the exponent, collecting what falls off in the last bit. */
  void shiftRightJam(int count) {
    if (count == 0) {
      return;
    }
    if (count < 64) {
      long lost = low << -count;
      low = (low >>> count) | (high << -count) | (lost != 0 ? 1 : 0);
      high >>>= count;
    } else if (count == 64) {
      low = high | (low != 0 ? 1 : 0);
      high = 0;
    } else if (count < 128) {
      long lost = (high << -count) | low;
      low = (high >>> count) | (lost != 0 ? 1 : 0);
      high = 0;
    } else {
      low = (high | low) != 0 ? 1 : 0;
      high = 0;
    }
  }
}
