package sharevm.cpu.real;

/**
 * F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN and FCOS, computed with 128-bit significands and then
 * rounded once as rounding control says, so that the error stays below one unit in the last place
 * (SDM Vol. 1, 8.3.10, promises the same). Precision control does not apply.
 *
 * <p>What the manual leaves undefined (arguments out of range) is said at each method.
 */
public final class X87Transcendental {
  /** Arguments from 2^63 on are not reduced. SDM Vol. 1, 8.3.8. */
  private static final int LARGEST_ANGLE_EXPONENT = 63;

  /** Below pi/4 whatever the significand. */
  private static final int REDUCED_EXPONENT = -2;

  /** The significand of the square root of 2. */
  private static final long ROOT_OF_2 = 0xb504_f333_f9de_6484L;

  private final X87Context context;
  private final Series series = new Series();
  private final AngleReduction reduction = new AngleReduction();
  private final Unrounded value;
  private final Unrounded argument = new Unrounded();
  private final Unrounded square = new Unrounded();
  private final Unrounded sum = new Unrounded();
  private final Unrounded factor = new Unrounded();
  private final Unrounded step = new Unrounded();

  X87Transcendental(X87Context context) {
    this.context = context;
    value = context.value;
  }

  /** The result is no number that 64 bits hold: whatever was computed, some more follows. */
  private void deliverInexact() {
    value.low |= 1;
    context.roundFull();
  }

  // Circular functions.

  /**
   * Whether an angle is too large: the instruction then only sets C2.
   *
   * @sdm Vol. 2A FSIN
   */
  public static boolean outOfRange(Real a) {
    return a.isFiniteNonZero() && a.exponent >= LARGEST_ANGLE_EXPONENT;
  }

  /** NaNs, infinities and zeros; returns whether one of them was delivered. */
  private boolean specialAngle(Real a) {
    context.begin();
    if (context.unordinary(a)) {
      return true;
    }
    if (a.kind == Real.INFINITY) {
      context.setInvalid();
      return true;
    }
    context.noteDenormal(a);
    return context.stopsRegister();
  }

  /** Sine. @sdm Vol. 2A FSIN */
  public void sine(Real a) {
    if (specialAngle(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
      return;
    }
    int quadrant = reduce(a);
    circular(value, (quadrant & 1) != 0);
    value.negative ^= (quadrant & 2) != 0;
    deliverInexact();
  }

  /** Cosine. @sdm Vol. 2A FCOS */
  public void cosine(Real a) {
    if (specialAngle(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setOne(false);
      return;
    }
    int quadrant = reduce(a);
    circular(value, (quadrant & 1) == 0);
    value.negative ^= (quadrant + 1 & 2) != 0;
    deliverInexact();
  }

  /** Tangent. @sdm Vol. 2A FPTAN */
  public void tangent(Real a) {
    if (specialAngle(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
      return;
    }
    boolean odd = (reduce(a) & 1) != 0;
    circular(factor, !odd);
    circular(value, odd);
    value.negative ^= odd;
    QuadMath.divide(value, factor);
    deliverInexact();
  }

  /** Puts the angle, less the multiple of pi/2 nearest to it, into {@code argument}. */
  private int reduce(Real a) {
    argument.set(a);
    int quadrant = a.exponent <= REDUCED_EXPONENT ? 0 : reduction.reduce(argument);
    QuadMath.copy(square, argument);
    QuadMath.multiply(square, square);
    return quadrant;
  }

  /** The sine or cosine of the reduced argument. */
  private void circular(Unrounded result, boolean cosine) {
    QuadMath.polynomial(sum, square, cosine ? series.cosine : series.sine);
    QuadMath.copy(result, sum);
    if (!cosine) {
      QuadMath.multiply(result, argument);
    }
  }

  // Powers and logarithms.

  /**
   * {@code 2^a - 1}. Outside of -1 to 1, where the manual promises nothing, the argument is
   * returned.
   *
   * @sdm Vol. 2A F2XM1
   */
  public void powerOfTwoLessOne(Real a) {
    context.begin();
    if (context.unordinary(a)) {
      return;
    }
    if (a.kind == Real.ZERO) {
      context.setZero(a.negative);
      return;
    }
    if (a.kind == Real.INFINITY) {
      if (a.negative) {
        context.setOne(true);
      } else {
        context.setInfinity(false);
      }
      return;
    }
    context.noteDenormal(a);
    if (context.stopsRegister()) {
      return;
    }
    value.set(a);
    if (a.exponent >= 0) {
      beyondOne(a);
      return;
    }
    QuadMath.multiply(value, series.naturalLogarithmOf2);
    QuadMath.copy(argument, value);
    QuadMath.polynomial(sum, argument, series.exponential);
    QuadMath.multiply(value, sum);
    deliverInexact();
  }

  /** 1 and -1 give 1 and -1/2, exactly. */
  private void beyondOne(Real a) {
    boolean one = a.exponent == 0 && a.significand == Long.MIN_VALUE;
    if (one && a.negative) {
      value.exponent--;
    }
    context.roundFull();
    if (!one) {
      context.raised |= FloatException.PRECISION;
    }
  }

  /** {@code y * log2(x)}. @sdm Vol. 2B FYL2X */
  public void yLog2(Real x, Real y) {
    context.begin();
    if (context.unordinary(x, y)) {
      return;
    }
    boolean isOne = x.kind == Real.NORMAL && x.exponent == 0 && x.significand == Long.MIN_VALUE;
    boolean below = x.kind == Real.ZERO || (x.isFiniteNonZero() && x.exponent < 0);
    boolean invalid =
        (x.negative && x.kind != Real.ZERO)
            || (x.kind == Real.ZERO && y.kind == Real.ZERO)
            || (x.kind == Real.INFINITY && y.kind == Real.ZERO)
            || (isOne && y.kind == Real.INFINITY);
    if (invalid) {
      context.setInvalid();
      return;
    }
    if (x.kind == Real.ZERO && y.kind != Real.INFINITY) {
      context.raised |= FloatException.ZERO_DIVIDE;
      context.setInfinity(!y.negative);
      return;
    }
    context.noteDenormal(x);
    context.noteDenormal(y);
    if (context.stopsRegister()) {
      return;
    }
    if (x.kind == Real.INFINITY || y.kind == Real.INFINITY) {
      context.setInfinity(y.negative ^ below);
    } else if (y.kind == Real.ZERO || isOne) {
      context.setZero(y.negative ^ below);
    } else {
      finiteLog2(x);
      multiplyBy(y, x.significand == Long.MIN_VALUE);
    }
  }

  private void multiplyBy(Real y, boolean exact) {
    factor.set(y);
    QuadMath.multiply(value, factor);
    if (exact) {
      // Processors report every logarithm of an ordinary number as inexact, also that of 2.
      context.roundFull();
      boolean tiny = (context.signExponent & 0x7fff) == 0;
      context.raised |= FloatException.PRECISION | (tiny ? FloatException.UNDERFLOW : 0);
    } else {
      deliverInexact();
    }
  }

  /** The binary logarithm of a positive number other than 1 into {@code value}. */
  private void finiteLog2(Real x) {
    argument.set(x);
    binaryLogarithm();
  }

  /** The binary logarithm of {@code argument} into {@code value}. */
  private void binaryLogarithm() {
    // Between the roots of 1/2 and 2, the logarithm of the significand and the exponent do not
    // cancel.
    boolean upper = Long.compareUnsigned(argument.high, ROOT_OF_2) > 0;
    int exponent = upper ? argument.exponent + 1 : argument.exponent;
    argument.exponent = upper ? -1 : 0;
    QuadMath.copy(factor, argument);
    QuadMath.add(factor, series.one);
    subtractOne(argument);
    QuadMath.divide(argument, factor);
    logarithmSeries();
    if (exponent != 0) {
      integral(factor, exponent);
      QuadMath.add(value, factor);
    }
  }

  private void subtractOne(Unrounded a) {
    QuadMath.copy(step, series.one);
    step.negative = true;
    QuadMath.add(a, step);
  }

  /** {@code 2 artanh(argument) / ln 2} into {@code value}. */
  private void logarithmSeries() {
    QuadMath.copy(square, argument);
    QuadMath.multiply(square, square);
    QuadMath.polynomial(value, square, series.logarithm);
    QuadMath.multiply(value, argument);
    QuadMath.multiply(value, series.logarithmScale);
  }

  private static void integral(Unrounded target, int n) {
    target.set(n < 0, 63, Math.abs((long) n));
    target.normalize();
  }

  /**
   * {@code y * log2(x + 1)}. The manual promises something for x from sqrt(1/2) - 1 to sqrt(2) - 1;
   * here every x above -1 is computed, and what is not is an invalid operation.
   *
   * @sdm Vol. 2B FYL2XP1
   */
  public void yLog2Plus1(Real x, Real y) {
    context.begin();
    if (context.unordinary(x, y)) {
      return;
    }
    boolean tooSmall = x.kind == Real.INFINITY || (x.isFiniteNonZero() && x.exponent >= 0);
    boolean invalid =
        (x.negative && tooSmall)
            || (x.kind == Real.ZERO && y.kind == Real.INFINITY)
            || (x.kind == Real.INFINITY && y.kind == Real.ZERO);
    if (invalid) {
      context.setInvalid();
      return;
    }
    context.noteDenormal(x);
    context.noteDenormal(y);
    if (context.stopsRegister()) {
      return;
    }
    boolean negative = x.negative ^ y.negative;
    if (x.kind == Real.INFINITY || y.kind == Real.INFINITY) {
      context.setInfinity(negative);
    } else if (x.kind == Real.ZERO || y.kind == Real.ZERO) {
      context.setZero(negative);
    } else if (x.exponent >= REDUCED_EXPONENT + 1) {
      argument.set(x);
      QuadMath.add(argument, series.one);
      binaryLogarithm();
      multiplyBy(y, x.significand == Long.MIN_VALUE && x.exponent == 0);
    } else {
      argument.set(x);
      QuadMath.copy(factor, argument);
      QuadMath.add(factor, series.two);
      QuadMath.divide(argument, factor);
      logarithmSeries();
      multiplyBy(y, false);
    }
  }

  // Arc tangent.

  /** The angle of the point (x, y), from -pi to pi. @sdm Vol. 2A FPATAN */
  public void arcTangent(Real y, Real x) {
    context.begin();
    if (context.unordinary(y, x)) {
      return;
    }
    context.noteDenormal(y);
    context.noteDenormal(x);
    if (context.stopsRegister()) {
      return;
    }
    if (y.kind == Real.ZERO && !x.negative || yVanishes(y, x) && !x.negative) {
      context.setZero(y.negative);
      return;
    }
    angle(y, x);
    value.negative = y.negative;
    deliverInexact();
  }

  private static boolean yVanishes(Real y, Real x) {
    return x.kind == Real.INFINITY && y.kind != Real.INFINITY;
  }

  /** The magnitude of the angle into {@code value}. */
  private void angle(Real y, Real x) {
    boolean steep = Real.compareMagnitudes(y, x) > 0;
    if (x.kind == Real.INFINITY && y.kind == Real.INFINITY) {
      QuadMath.copy(value, series.arcTangent[Series.ARC_STEPS]);
    } else if (y.kind == Real.ZERO
        || x.kind == Real.ZERO
        || x.kind == Real.INFINITY
        || y.kind == Real.INFINITY) {
      value.set(false, 0, 0);
    } else {
      argument.set(steep ? x : y);
      factor.set(steep ? y : x);
      argument.negative = false;
      factor.negative = false;
      QuadMath.divide(argument, factor);
      arcSeries();
    }
    if (steep) {
      subtractFrom(series.halfPi);
    }
    if (x.negative) {
      subtractFrom(series.pi);
    }
  }

  private void subtractFrom(Unrounded minuend) {
    value.negative = true;
    QuadMath.add(value, minuend);
  }

  /** The arc tangent of {@code argument}, 0 to 1, into {@code value}. */
  private void arcSeries() {
    int n = nearestStep(argument);
    if (n != 0) {
      // arctan t = arctan c + arctan((t - c) / (1 + t c)), c = n / 16.
      integral(step, n);
      step.exponent -= 4;
      QuadMath.copy(factor, argument);
      QuadMath.multiply(factor, step);
      QuadMath.add(factor, series.one);
      step.negative = true;
      QuadMath.add(argument, step);
      QuadMath.divide(argument, factor);
    }
    QuadMath.copy(square, argument);
    QuadMath.multiply(square, square);
    QuadMath.polynomial(value, square, series.arc);
    QuadMath.multiply(value, argument);
    if (n != 0) {
      QuadMath.add(value, series.arcTangent[n]);
    }
  }

  /** {@code round(16 * a)} for a from 0 to 1. */
  private static int nearestStep(Unrounded a) {
    if (a.exponent < -5) {
      return 0;
    }
    int times32 = (int) (a.high >>> (58 - a.exponent));
    return times32 + 1 >> 1;
  }
}
