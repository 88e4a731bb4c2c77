package sharevm.cpu.real;

/**
 * The basic x87 operations: arithmetic under precision control, comparison, scaling, extraction.
 *
 * <p>Each leaves its outcome in the {@link X87Context}. SDM Vol. 1, 8.3.5 to 8.3.7 and 8.5.
 */
public final class X87Arithmetic {
  /** Condition codes C3, C2, C0 in their places in the status word: the first is the smaller. */
  public static final int LESS = 0x0100;

  /** C3: both are equal. */
  public static final int EQUAL = 0x4000;

  /** C3, C2, C0: at least one is no number. */
  public static final int UNORDERED = 0x4500;

  /** A scale beyond this takes every number out of range, whatever its exponent. */
  private static final int LARGEST_SCALE = 1 << 16;

  private final X87Context context;

  /** The exponent that {@link #extract} found. */
  private final Real extracted = new Real();

  X87Arithmetic(X87Context context) {
    this.context = context;
  }

  /** {@code a + b}. @sdm Vol. 2A FADD */
  public void add(Real a, Real b) {
    sum(a, b, false);
  }

  /** {@code a - b}. @sdm Vol. 2A FSUB */
  public void subtract(Real a, Real b) {
    sum(a, b, true);
  }

  private void sum(Real a, Real b, boolean subtract) {
    context.begin();
    if (context.unordinary(a, b)) {
      return;
    }
    boolean signB = b.negative ^ subtract;
    if (a.kind == Real.INFINITY && b.kind == Real.INFINITY && a.negative != signB) {
      context.setInvalid();
      return;
    }
    noteDenormals(a, b);
    if (a.kind == Real.INFINITY) {
      context.setInfinity(a.negative);
    } else if (b.kind == Real.INFINITY) {
      context.setInfinity(signB);
    } else if (a.kind == Real.ZERO && b.kind == Real.ZERO) {
      context.setZero(a.negative == signB ? signB : zeroSign());
    } else {
      finiteSum(a, b, subtract);
    }
  }

  private void finiteSum(Real a, Real b, boolean subtract) {
    Unrounded value = context.value;
    if (b.kind == Real.ZERO) {
      value.set(a);
    } else if (a.kind == Real.ZERO) {
      value.set(b.negative ^ subtract, b.exponent, b.significand);
    } else {
      value.add(a, b, subtract);
      if (value.isZero()) {
        context.setZero(zeroSign());
        return;
      }
    }
    context.round(context.format());
  }

  private boolean zeroSign() {
    return context.rounding() == Rounding.DOWN;
  }

  private void noteDenormals(Real a, Real b) {
    context.noteDenormal(a);
    context.noteDenormal(b);
  }

  /** {@code a * b}. @sdm Vol. 2A FMUL */
  public void multiply(Real a, Real b) {
    context.begin();
    if (context.unordinary(a, b)) {
      return;
    }
    boolean zero = a.kind == Real.ZERO || b.kind == Real.ZERO;
    boolean infinite = a.kind == Real.INFINITY || b.kind == Real.INFINITY;
    if (zero && infinite) {
      context.setInvalid();
      return;
    }
    noteDenormals(a, b);
    boolean negative = a.negative ^ b.negative;
    if (infinite) {
      context.setInfinity(negative);
    } else if (zero) {
      context.setZero(negative);
    } else {
      context.value.multiply(a, b);
      context.round(context.format());
    }
  }

  /** {@code a / b}. @sdm Vol. 2A FDIV */
  public void divide(Real a, Real b) {
    context.begin();
    if (context.unordinary(a, b)) {
      return;
    }
    if (a.kind == b.kind && (a.kind == Real.ZERO || a.kind == Real.INFINITY)) {
      context.setInvalid();
      return;
    }
    boolean negative = a.negative ^ b.negative;
    if (b.kind == Real.ZERO && a.kind != Real.INFINITY) {
      context.raised |= FloatException.ZERO_DIVIDE;
      context.setInfinity(negative);
      return;
    }
    noteDenormals(a, b);
    if (a.kind == Real.INFINITY) {
      context.setInfinity(negative);
    } else if (a.kind == Real.ZERO || b.kind == Real.INFINITY) {
      context.setZero(negative);
    } else {
      context.value.divide(a, b);
      context.round(context.format());
    }
  }

  /** The square root. @sdm Vol. 2A FSQRT */
  public void squareRoot(Real a) {
    context.begin();
    if (context.unordinary(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
    } else if (a.negative) {
      context.setInvalid();
    } else if (a.kind == Real.INFINITY) {
      context.setInfinity(false);
    } else {
      context.noteDenormal(a);
      context.value.squareRoot(a);
      context.round(context.format());
    }
  }

  /** Rounds to an integral value. @sdm Vol. 2A FRNDINT */
  public void roundToInteger(Real a) {
    context.begin();
    if (context.unordinary(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
      return;
    }
    if (a.kind == Real.INFINITY) {
      context.setInfinity(a.negative);
      return;
    }
    context.noteDenormal(a);
    if (context.stopsRegister()) {
      return;
    }
    if (a.exponent >= 63) {
      context.value.set(a);
      context.roundFull();
      return;
    }
    boolean up = splitInteger(a, context.rounding());
    boolean inexact = context.value.low != 0;
    if (context.value.isZero() || context.value.high == 0) {
      context.setZero(a.negative);
    } else {
      context.value.set(a.negative, 63, context.value.high);
      context.value.normalize();
      context.roundFull();
    }
    if (inexact) {
      context.raised |= FloatException.PRECISION;
      context.roundedUp = up;
    }
  }

  /**
   * Puts the integer nearest by the mode into {@code value.high} and what was dropped into {@code
   * value.low}; for exponents below 64.
   *
   * @return whether the magnitude was rounded up
   */
  boolean splitInteger(Real a, int mode) {
    Unrounded value = context.value;
    value.set(a);
    value.shiftRightJam(63 - a.exponent);
    boolean up = Rounding.increments(mode, a.negative, (value.high & 1) != 0, value.low);
    if (up) {
      value.high++;
    }
    return up;
  }

  /** {@code a * 2^trunc(b)}. @sdm Vol. 2A FSCALE */
  public void scale(Real a, Real b) {
    context.begin();
    if (context.unordinary(a, b)) {
      return;
    }
    if (b.kind == Real.INFINITY) {
      if (a.kind == (b.negative ? Real.INFINITY : Real.ZERO)) {
        context.setInvalid();
        return;
      }
      context.noteDenormal(a);
      if (b.negative) {
        context.setZero(a.negative);
      } else {
        context.setInfinity(a.negative);
      }
      return;
    }
    noteDenormals(a, b);
    if (a.kind == Real.INFINITY) {
      context.setInfinity(a.negative);
    } else if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
    } else {
      context.value.set(a);
      context.value.exponent += truncatedScale(b);
      context.roundFull();
    }
  }

  private static int truncatedScale(Real b) {
    if (b.kind == Real.ZERO || b.exponent < 0) {
      return 0;
    }
    int magnitude = b.exponent >= 16 ? LARGEST_SCALE : (int) (b.significand >>> (63 - b.exponent));
    return b.negative ? -magnitude : magnitude;
  }

  /**
   * Splits into exponent and significand: the significand becomes the result, the exponent, an
   * integral number, is left for {@link #deliverExtractedExponent}. @sdm Vol. 2A FXTRACT
   */
  public void extract(Real a) {
    context.begin();
    extracted.copy(a);
    if (context.unordinary(a)) {
      extracted.setExtended(context.signExponent, context.significand);
      return;
    }
    switch (a.kind) {
      case Real.ZERO -> {
        context.raised |= FloatException.ZERO_DIVIDE;
        context.setZero(a.negative);
        extracted.kind = Real.INFINITY;
        extracted.negative = true;
      }
      case Real.INFINITY -> {
        context.setInfinity(a.negative);
        extracted.negative = false;
      }
      default -> {
        context.noteDenormal(a);
        context.setResult((a.negative ? 0x8000 : 0) | 0x3fff, a.significand);
        extracted.setInteger(a.exponent);
      }
    }
  }

  /** The exponent that {@link #extract} left; the context's result becomes it. */
  public void deliverExtractedExponent() {
    Real e = extracted;
    switch (e.kind) {
      case Real.ZERO -> context.setZero(false);
      case Real.INFINITY -> context.setInfinity(e.negative);
      case Real.NORMAL ->
          context.setResult((e.negative ? 0x8000 : 0) | (e.exponent + 16383), e.significand);
      default -> context.setQuietNan(e);
    }
  }

  /**
   * Compares; the result is one of {@link #LESS}, {@link #EQUAL}, {@link #UNORDERED} or 0.
   *
   * @param quietNanInvalid true for FCOM, false for FUCOM. @sdm Vol. 2A FCOM
   */
  public int compare(Real a, Real b, boolean quietNanInvalid) {
    context.begin();
    if (a.kind >= Real.QUIET_NAN || b.kind >= Real.QUIET_NAN) {
      if (quietNanInvalid || a.kind > Real.QUIET_NAN || b.kind > Real.QUIET_NAN) {
        context.raised |= FloatException.INVALID;
      }
      return UNORDERED;
    }
    noteDenormals(a, b);
    int order = Real.compare(a, b);
    return order < 0 ? LESS : order == 0 ? EQUAL : 0;
  }

  /** FXAM's class of a register that is not empty, as C3, C2, C0. @sdm Vol. 2A FXAM */
  public static int examine(Real a) {
    return switch (a.kind) {
      case Real.ZERO -> X87State.C3;
      case Real.NORMAL -> X87State.C2;
      case Real.DENORMAL -> X87State.C3 | X87State.C2;
      case Real.INFINITY -> X87State.C2 | X87State.C0;
      case Real.UNSUPPORTED -> 0;
      default -> X87State.C0;
    };
  }
}
