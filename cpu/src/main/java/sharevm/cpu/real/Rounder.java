package sharevm.cpu.real;

/**
 * Rounds an {@link Unrounded} into a {@link FloatFormat} and says what happened.
 *
 * <p>Tininess is detected after rounding (SDM Vol. 1, 4.9.1.5). The outcome stays in the fields
 * until the next call. Unmasked over- and underflow adjust the exponent; where that does not bring
 * it into range (FSCALE can go so far), the result is an infinity or a zero.
 */
final class Rounder {
  /** Exponent field: 0 for zero and denormals, {@code 2 * bias + 1} for infinity. */
  int biased;

  /** Left-aligned; bit 63 is the integer bit, clear for zero and denormals. */
  long significand;

  /** OVERFLOW, UNDERFLOW, PRECISION as {@link FloatException} has them. */
  int raised;

  /** Whether the delivered magnitude is larger than the exact one. */
  boolean roundedUp;

  private boolean carried;

  /**
   * Rounds a non-zero value.
   *
   * @param value is destroyed
   * @param masks the masked exceptions, as bits of {@link FloatException}
   * @param flushToZero deliver zero for a tiny result when underflow is masked
   */
  void round(Unrounded value, FloatFormat format, int mode, int masks, boolean flushToZero) {
    raised = 0;
    int drop = 64 - format.precision;
    if (value.exponent < format.minExponent) {
      roundSmall(value, format, mode, masks, flushToZero);
      return;
    }
    roundAt(value, drop, mode);
    int exponent = value.exponent + (carried ? 1 : 0);
    biased = exponent + format.bias;
    if (exponent > format.bias) {
      overflow(value.negative, format, mode, masks);
    }
  }

  private void roundSmall(
      Unrounded value, FloatFormat format, int mode, int masks, boolean flushToZero) {
    int drop = 64 - format.precision;
    roundAt(value, drop, mode);
    int exponent = value.exponent + (carried ? 1 : 0);
    boolean tiny = exponent < format.minExponent;
    boolean unmasked = (masks & FloatException.UNDERFLOW) == 0;
    biased = exponent + format.bias + format.adjustment;
    if (tiny && unmasked && (biased > 0 || !format.delivers())) {
      raised |= FloatException.UNDERFLOW;
      return;
    }
    if (tiny && (unmasked || flushToZero)) {
      raised = FloatException.UNDERFLOW | FloatException.PRECISION;
      significand = 0;
      biased = 0;
      roundedUp = false;
      return;
    }
    raised = 0;
    value.shiftRightJam(format.minExponent - value.exponent);
    roundAt(value, drop, mode);
    biased = significand < 0 ? 1 : 0;
    if (tiny && raised != 0) {
      raised |= FloatException.UNDERFLOW;
    }
  }

  /** Rounds the significand to {@code 64 - drop} bits; sets PRECISION when that loses anything. */
  private void roundAt(Unrounded value, int drop, int mode) {
    long fraction = drop == 0 ? value.low : (value.high << (64 - drop)) | (value.low != 0 ? 1 : 0);
    long unit = 1L << drop;
    significand = value.high & -unit;
    carried = false;
    roundedUp = false;
    if (fraction == 0) {
      return;
    }
    raised |= FloatException.PRECISION;
    if (Rounding.increments(mode, value.negative, (significand & unit) != 0, fraction)) {
      roundedUp = true;
      significand += unit;
      if (significand == 0) {
        carried = true;
        significand = Long.MIN_VALUE;
      }
    }
  }

  private void overflow(boolean negative, FloatFormat format, int mode, int masks) {
    raised |= FloatException.OVERFLOW;
    boolean masked = (masks & FloatException.OVERFLOW) != 0;
    if (!masked && (biased - format.adjustment <= 2 * format.bias || !format.delivers())) {
      biased -= format.adjustment;
      return;
    }
    raised |= FloatException.PRECISION;
    if (!masked || Rounding.increments(mode, negative, true, -1L)) {
      biased = 2 * format.bias + 1;
      significand = Long.MIN_VALUE;
      roundedUp = true;
    } else {
      biased = 2 * format.bias;
      significand = -(1L << (64 - format.precision));
      roundedUp = false;
    }
  }

  /** The outcome as the bits of a single or double. */
  long pack(boolean negative, FloatFormat format) {
    long fraction = (significand & Long.MAX_VALUE) >>> (64 - format.precision);
    long sign = negative ? format.signBit() : 0;
    return sign | ((long) biased << format.fractionBits()) | fraction;
  }
}
