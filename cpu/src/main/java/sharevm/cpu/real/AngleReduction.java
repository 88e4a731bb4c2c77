package sharevm.cpu.real;

/**
 * Reduces angles by multiples of pi/2, with the pi that processors use for it.
 *
 * <p>That pi has 66 bits: 0.C90FDAA22168C234Ch * 2^2 (SDM Vol. 1, 8.3.8). The remainder is exact.
 */
final class AngleReduction {
  /** pi/2 in units of 2^-65: the upper 2 and lower 64 of its 66 bits. */
  private static final long HALF_PI_HIGH = 0x3;

  private static final long HALF_PI_LOW = 0x243f_6a88_85a3_08d3L;
  private static final int UNIT_EXPONENT = -65;

  private long restHigh;
  private long restLow;

  /**
   * Replaces an angle from 1/4 up to 2^63 by its distance from the nearest multiple of pi/2.
   *
   * @param angle has 64 significant bits
   * @return the multiple's last two bits: the quadrant, of the magnitude turned by the sign
   */
  int reduce(Unrounded angle) {
    long bits = angle.high;
    int shift = angle.exponent - 63 - UNIT_EXPONENT;
    int quotient = 0;
    restHigh = 0;
    restLow = 0;
    for (int bit = 63 + shift; bit >= 0; bit--) {
      restHigh = restHigh << 1 | restLow >>> 63;
      restLow = restLow << 1 | (bit >= shift ? bits >>> (bit - shift) & 1 : 0);
      quotient <<= 1;
      if (exceeds(HALF_PI_HIGH, HALF_PI_LOW)) {
        subtractHalfPi();
        quotient |= 1;
      }
    }
    boolean above = exceeds(HALF_PI_HIGH >>> 1, HALF_PI_HIGH << 63 | HALF_PI_LOW >>> 1);
    if (above) {
      quotient++;
      subtractHalfPi();
      restHigh = ~restHigh + (restLow == 0 ? 1 : 0);
      restLow = -restLow;
    }
    boolean negative = angle.negative;
    angle.high = restHigh;
    angle.low = restLow;
    angle.exponent = UNIT_EXPONENT + 127;
    angle.negative = negative ^ above;
    angle.normalize();
    return negative ? -quotient & 3 : quotient & 3;
  }

  private boolean exceeds(long high, long low) {
    return restHigh > high || (restHigh == high && Long.compareUnsigned(restLow, low) >= 0);
  }

  private void subtractHalfPi() {
    restHigh -= HALF_PI_HIGH + (Long.compareUnsigned(restLow, HALF_PI_LOW) < 0 ? 1 : 0);
    restLow -= HALF_PI_LOW;
  }
}
