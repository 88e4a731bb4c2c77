package sharevm.cpu.real;

/**
 * A binary floating-point format as far as rounding goes: significand bits and exponent range.
 *
 * <p>SDM Vol. 1, 4.2.2 for the formats, 4.9.1.4 and 4.9.1.5 for the exponent adjustments that the
 * x87 unit makes on unmasked overflow and underflow.
 */
final class FloatFormat {
  static final FloatFormat SINGLE = new FloatFormat(24, 127, 192);
  static final FloatFormat DOUBLE = new FloatFormat(53, 1023, 1536);
  static final FloatFormat EXTENDED = new FloatFormat(64, 16383, 24576);

  /** Precision control narrows the significand alone; the exponent range stays (8.1.5.2). */
  static final FloatFormat EXTENDED_53 = new FloatFormat(53, 16383, 24576);

  static final FloatFormat EXTENDED_24 = new FloatFormat(24, 16383, 24576);

  /** Significand bits, the leading one included. */
  final int precision;

  /** Exponent bias; the largest exponent as well. */
  final int bias;

  /** Smallest exponent of a normal number. */
  final int minExponent;

  /** What is taken from or added to the exponent on an unmasked overflow or underflow. */
  final int adjustment;

  private FloatFormat(int precision, int bias, int adjustment) {
    this.precision = precision;
    this.bias = bias;
    this.minExponent = 1 - bias;
    this.adjustment = adjustment;
  }

  /**
   * Whether a result is delivered in spite of unmasked overflow or underflow: in x87 registers, not
   * in memory and not in XMM registers.
   */
  boolean delivers() {
    return bias == EXTENDED.bias;
  }

  /** Bits of the fraction field of {@link #SINGLE} and {@link #DOUBLE}. */
  int fractionBits() {
    return precision - 1;
  }

  /** The sign bit of {@link #SINGLE} and {@link #DOUBLE}. */
  long signBit() {
    return this == DOUBLE ? Long.MIN_VALUE : 1L << 31;
  }

  /** Bits of an infinity (without sign) of {@link #SINGLE} and {@link #DOUBLE}. */
  long infinity() {
    return (2L * bias + 1) << fractionBits();
  }

  /** The bit that tells a quiet NaN from a signaling one. */
  long quietBit() {
    return 1L << (precision - 2);
  }

  /** The default NaN ("QNaN floating-point indefinite"): negative, quiet, no payload. */
  long defaultNan() {
    return signBit() | infinity() | quietBit();
  }
}
