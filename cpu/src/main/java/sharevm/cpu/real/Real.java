package sharevm.cpu.real;

/**
 * An operand taken apart: kind, sign, exponent and left-aligned significand.
 *
 * <p>For the kinds {@link #NORMAL} and {@link #DENORMAL} the value is {@code significand *
 * 2^(exponent - 63)} with bit 63 of the significand set, also where the encoding has no leading
 * one. For NaNs the significand is the payload as an 80-bit register would hold it. Instances are
 * reused; nothing here allocates.
 */
public final class Real {
  static final int ZERO = 0;
  static final int NORMAL = 1;
  static final int DENORMAL = 2;
  static final int INFINITY = 3;
  static final int QUIET_NAN = 4;
  static final int SIGNALING_NAN = 5;

  /** Pseudo-NaNs, pseudo-infinities and unnormals. SDM Vol. 1, 8.2.2. */
  static final int UNSUPPORTED = 6;

  /** Bit 62 of an 80-bit NaN's significand: set when the NaN is quiet. */
  static final long QUIET_BIT = 1L << 62;

  int kind;
  boolean negative;
  int exponent;
  long significand;

  /**
   * Takes an 80-bit register.
   *
   * @param signExponent sign in bit 15, biased exponent in bits 14:0
   * @param bits the significand with its explicit integer bit
   */
  public void setExtended(int signExponent, long bits) {
    negative = (signExponent & 0x8000) != 0;
    int biased = signExponent & 0x7fff;
    significand = bits;
    if (biased == 0) {
      setDenormal(bits, FloatFormat.EXTENDED.minExponent);
    } else if (bits >= 0) {
      kind = UNSUPPORTED;
    } else if (biased == 0x7fff) {
      kind = bits == Long.MIN_VALUE ? INFINITY : nanKind(bits);
    } else {
      kind = NORMAL;
      exponent = biased - 16383;
    }
  }

  /** Takes a single-precision number. */
  public void setSingle(int bits) {
    set(bits, FloatFormat.SINGLE);
  }

  /** Takes a double-precision number. */
  public void setDouble(long bits) {
    set(bits, FloatFormat.DOUBLE);
  }

  /** Takes a signed integer, which every format of 64 bits of precision holds exactly. */
  public void setInteger(long value) {
    negative = value < 0;
    setDenormal(Math.abs(value), 63);
    if (kind == DENORMAL) {
      kind = NORMAL;
    }
  }

  void set(long bits, FloatFormat format) {
    int fractionBits = format.fractionBits();
    long fraction = bits & ((1L << fractionBits) - 1);
    int biased = (int) (bits >>> fractionBits) & (2 * format.bias + 1);
    negative = (bits & format.signBit()) != 0;
    long aligned = fraction << (63 - fractionBits);
    if (biased == 0) {
      setDenormal(aligned, format.minExponent);
      return;
    }
    significand = aligned | Long.MIN_VALUE;
    if (biased > 2 * format.bias) {
      kind = fraction == 0 ? INFINITY : nanKind(aligned);
    } else {
      kind = NORMAL;
      exponent = biased - format.bias;
    }
  }

  private void setDenormal(long bits, int scale) {
    if (bits == 0) {
      kind = ZERO;
      significand = 0;
      return;
    }
    kind = DENORMAL;
    int shift = Long.numberOfLeadingZeros(bits);
    significand = bits << shift;
    exponent = scale - shift;
  }

  private static int nanKind(long bits) {
    return (bits & QUIET_BIT) != 0 ? QUIET_NAN : SIGNALING_NAN;
  }

  boolean isNan() {
    return kind == QUIET_NAN || kind == SIGNALING_NAN;
  }

  boolean isFiniteNonZero() {
    return kind == NORMAL || kind == DENORMAL;
  }

  void copy(Real other) {
    kind = other.kind;
    negative = other.negative;
    exponent = other.exponent;
    significand = other.significand;
  }

  /** Orders two magnitudes, neither of them a NaN or unsupported: negative, zero or positive. */
  static int compareMagnitudes(Real a, Real b) {
    int rankA = rank(a);
    int rankB = rank(b);
    if (rankA != rankB || rankA != 1) {
      return Integer.compare(rankA, rankB);
    }
    if (a.exponent != b.exponent) {
      return Integer.compare(a.exponent, b.exponent);
    }
    return Long.compareUnsigned(a.significand, b.significand);
  }

  private static int rank(Real a) {
    return switch (a.kind) {
      case ZERO -> 0;
      case INFINITY -> 2;
      default -> 1;
    };
  }

  /** Orders two numbers, neither of them a NaN or unsupported; the zeros are equal. */
  static int compare(Real a, Real b) {
    if (a.kind == ZERO && b.kind == ZERO) {
      return 0;
    }
    if (a.negative != b.negative) {
      return a.negative ? -1 : 1;
    }
    int order = compareMagnitudes(a, b);
    return a.negative ? -order : order;
  }
}
