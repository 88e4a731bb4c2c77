package sharevm.cpu.real;

/** Unsigned 128-bit helpers. */
final class Wide {
  private static final long LOW_HALF = 0xffff_ffffL;

  private Wide() {}

  /**
   * {@code (high * 2^64 + low) / divisor}, truncated.
   *
   * @param high less than the divisor, so that the quotient has 64 bits
   * @param divisor with its top bit set
   */
  static long divide(long high, long low, long divisor) {
    long first = digit(high, low >>> 32, divisor);
    long rest = (high << 32 | low >>> 32) - first * divisor;
    long second = digit(rest, low & LOW_HALF, divisor);
    return (first << 32) | second;
  }

  /** One 32-bit digit of the quotient: {@code (rest * 2^32 + next) / divisor}. */
  private static long digit(long rest, long next, long divisor) {
    long divisorHigh = divisor >>> 32;
    long divisorLow = divisor & LOW_HALF;
    long digit = Long.divideUnsigned(rest, divisorHigh);
    long left = rest - digit * divisorHigh;
    while (digit > LOW_HALF || Long.compareUnsigned(digit * divisorLow, left << 32 | next) > 0) {
      digit--;
      left += divisorHigh;
      if (left > LOW_HALF) {
        break;
      }
    }
    return digit;
  }

  /** The integer square root of a number of 127 or 128 significant bits. */
  static long squareRoot(long high, long low) {
    double estimate = Math.sqrt(unsignedToDouble(high)) * 0x1p32;
    long root = estimate >= 0x1p64 ? -1L : doubleToUnsigned(estimate);
    for (int step = 0; step < 2; step++) {
      root += correction(high, low, root);
    }
    while (exceeds(root, high, low)) {
      root--;
    }
    while (root != -1L && !exceeds(root + 1, high, low)) {
      root++;
    }
    return root;
  }

  /**
   * Newton's step: the residual, which fits 64 signed bits after dropping 12, over twice the root.
   */
  private static long correction(long high, long low, long root) {
    long squareLow = root * root;
    long residualHigh =
        high
            - Math.unsignedMultiplyHigh(root, root)
            - (Long.compareUnsigned(low, squareLow) < 0 ? 1 : 0);
    double residual = residualHigh * 0x1p64 + unsignedToDouble(low - squareLow);
    long step = (long) (residual / (2 * unsignedToDouble(root)));
    boolean wraps = step > 0 && Long.compareUnsigned(root + step, root) < 0;
    return wraps ? -1L - root : step;
  }

  private static boolean exceeds(long root, long high, long low) {
    long squareHigh = Math.unsignedMultiplyHigh(root, root);
    int order = Long.compareUnsigned(squareHigh, high);
    return order > 0 || (order == 0 && Long.compareUnsigned(root * root, low) > 0);
  }

  private static double unsignedToDouble(long value) {
    return (value >>> 1) * 2.0 + (value & 1);
  }

  private static long doubleToUnsigned(double value) {
    return value < 0x1p63 ? (long) value : (long) (value - 0x1p63) ^ Long.MIN_VALUE;
  }
}
