package sharevm.cpu.real;

/**
 * Conversions between 80-bit registers and what memory holds. SDM Vol. 1, 8.3.3 and 4.8.
 *
 * <p>Loads leave their result in the {@link X87Context}; stores return the bits to write, which
 * must not be written while {@link X87Context#stopsMemory}.
 */
public final class X87Conversion {
  /** Packed BCD indefinite: its upper 16 bits and lower 64. SDM Vol. 1, 4.7.1. */
  private static final int BCD_INDEFINITE_HIGH = 0xffff;

  private static final long BCD_INDEFINITE_LOW = 0xc000_0000_0000_0000L;
  private static final long LARGEST_BCD = 999_999_999_999_999_999L;
  private static final int DIGITS_IN_LOW_WORD = 16;

  private final X87Context context;
  private final X87Arithmetic arithmetic;
  private final Real operand = new Real();
  private int bcdHigh;

  X87Conversion(X87Context context, X87Arithmetic arithmetic) {
    this.context = context;
    this.arithmetic = arithmetic;
  }

  /**
   * @sdm Vol. 2A FLD m32fp
   */
  public void fromSingle(int bits) {
    operand.setSingle(bits);
    load();
  }

  /**
   * @sdm Vol. 2A FLD m64fp
   */
  public void fromDouble(long bits) {
    operand.setDouble(bits);
    load();
  }

  private void load() {
    context.begin();
    if (context.unordinary(operand)) {
      return;
    }
    context.noteDenormal(operand);
    deliverExact();
  }

  private void deliverExact() {
    switch (operand.kind) {
      case Real.ZERO -> context.setZero(operand.negative);
      case Real.INFINITY -> context.setInfinity(operand.negative);
      default ->
          context.setResult(
              (operand.negative ? 0x8000 : 0) | (operand.exponent + 16383), operand.significand);
    }
  }

  /**
   * @sdm Vol. 2A FILD
   */
  public void fromInteger(long value) {
    context.begin();
    operand.setInteger(value);
    deliverExact();
  }

  /**
   * Packed BCD; digits above 9 count as what they are, which the manual leaves undefined.
   *
   * @param low digits 0 to 15
   * @param high digits 16 and 17 in bits 7:0, the sign in bit 15. @sdm Vol. 2A FBLD
   */
  public void fromBcd(long low, int high) {
    context.begin();
    long value = 0;
    for (int shift = 4; shift >= 0; shift -= 4) {
      value = value * 10 + ((high >> shift) & 15);
    }
    for (int shift = 60; shift >= 0; shift -= 4) {
      value = value * 10 + ((low >>> shift) & 15);
    }
    operand.setInteger(value);
    operand.negative = (high & 0x8000) != 0;
    deliverExact();
  }

  /**
   * @sdm Vol. 2A FST m32fp
   */
  public int toSingle(Real a) {
    return (int) store(a, FloatFormat.SINGLE);
  }

  /**
   * @sdm Vol. 2A FST m64fp
   */
  public long toDouble(Real a) {
    return store(a, FloatFormat.DOUBLE);
  }

  private long store(Real a, FloatFormat format) {
    context.begin();
    long sign = a.negative ? format.signBit() : 0;
    return switch (a.kind) {
      case Real.ZERO -> sign;
      case Real.INFINITY -> sign | format.infinity();
      case Real.UNSUPPORTED -> {
        context.raised |= FloatException.INVALID;
        yield format.defaultNan();
      }
      case Real.QUIET_NAN, Real.SIGNALING_NAN -> {
        if (a.kind == Real.SIGNALING_NAN) {
          context.raised |= FloatException.INVALID;
        }
        long payload = (a.significand & Long.MAX_VALUE) >>> (64 - format.precision);
        yield sign | format.infinity() | format.quietBit() | payload;
      }
      default -> {
        context.value.set(a);
        yield context.roundToMemory(format);
      }
    };
  }

  /**
   * A signed integer; what does not fit gives the smallest one and INVALID.
   *
   * @param bits 16, 32 or 64
   * @param truncate true for FISTTP. @sdm Vol. 2A FIST, FISTTP
   */
  public long toInteger(Real a, int bits, boolean truncate) {
    context.begin();
    long indefinite = -1L << (bits - 1);
    long magnitude = magnitude(a, truncate ? Rounding.ZERO : context.rounding());
    boolean invalid = (context.raised & FloatException.INVALID) != 0;
    boolean fits =
        Long.compareUnsigned(magnitude, -indefinite) < 0
            || (a.negative && magnitude == -indefinite);
    if (invalid || !fits) {
      return refuse(indefinite);
    }
    return a.negative ? -magnitude : magnitude;
  }

  private long refuse(long indefinite) {
    context.raised = FloatException.INVALID;
    context.roundedUp = false;
    return indefinite;
  }

  /** The magnitude rounded to an integer; INVALID when it needs more than 64 bits. */
  private long magnitude(Real a, int mode) {
    if (a.kind == Real.ZERO) {
      return 0;
    }
    if (!a.isFiniteNonZero() || a.exponent > 63) {
      context.raised |= FloatException.INVALID;
      return 0;
    }
    boolean up = arithmetic.splitInteger(a, mode);
    if (context.value.low != 0) {
      context.raised |= FloatException.PRECISION;
      context.roundedUp = up;
    }
    return context.value.high;
  }

  /**
   * Packed BCD: returns digits 0 to 15; {@link #bcdHigh} has the rest and the sign.
   *
   * @sdm Vol. 2A FBSTP
   */
  public long toBcd(Real a) {
    context.begin();
    long magnitude = magnitude(a, context.rounding());
    boolean invalid = (context.raised & FloatException.INVALID) != 0;
    if (invalid || Long.compareUnsigned(magnitude, LARGEST_BCD) > 0) {
      bcdHigh = BCD_INDEFINITE_HIGH;
      return refuse(BCD_INDEFINITE_LOW);
    }
    long low = 0;
    for (int digit = 0; digit < DIGITS_IN_LOW_WORD; digit++) {
      low |= (magnitude % 10) << (4 * digit);
      magnitude /= 10;
    }
    bcdHigh = (a.negative ? 0x8000 : 0) | (int) (magnitude / 10 << 4 | magnitude % 10);
    return low;
  }

  /** The upper 16 bits of what {@link #toBcd} made. */
  public int bcdHigh() {
    return bcdHigh;
  }
}
