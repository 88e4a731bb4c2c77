package sharevm.cpu.real;

/**
 * The SSE operations on both formats in integer arithmetic: every mode, operand and exception.
 *
 * <p>Numbers are raw bits; a single stands in the low half of a {@code long}. The fast classes come
 * here for what Java's own arithmetic cannot say.
 */
final class SseExact {
  /** EFLAGS as COMISS leaves them: ZF, PF, CF. */
  private static final int UNORDERED = 0x45;

  private static final int LESS = 0x01;
  private static final int EQUAL = 0x40;

  private final SseContext context;
  private final Real first = new Real();
  private final Real second = new Real();
  private final Unrounded value = new Unrounded();
  private final Rounder rounder = new Rounder();

  SseExact(SseContext context) {
    this.context = context;
  }

  private void load(Real real, long bits, FloatFormat format) {
    real.set(bits, format);
    if (real.kind == Real.DENORMAL && context.denormalsAreZeros()) {
      real.kind = Real.ZERO;
      real.significand = 0;
    }
  }

  private void loadBoth(long a, long b, FloatFormat format) {
    load(first, a, format);
    load(second, b, format);
  }

  private void raise(int exceptions) {
    context.raised |= exceptions;
  }

  private boolean anyNan() {
    return first.isNan() || second.isNan();
  }

  /** The NaN that two operands give: the first one's if it is a NaN. SDM Vol. 1, table 4-7. */
  private long nan(long a, long b, FloatFormat format) {
    if (first.kind == Real.SIGNALING_NAN || second.kind == Real.SIGNALING_NAN) {
      raise(FloatException.INVALID);
    }
    return (first.isNan() ? a : b) | format.quietBit();
  }

  private long invalid(FloatFormat format) {
    raise(FloatException.INVALID);
    return format.defaultNan();
  }

  private void noteDenormals() {
    if (first.kind == Real.DENORMAL || second.kind == Real.DENORMAL) {
      raise(FloatException.DENORMAL);
    }
  }

  private static long zero(boolean negative, FloatFormat format) {
    return negative ? format.signBit() : 0;
  }

  private static long infinity(boolean negative, FloatFormat format) {
    return format.infinity() | zero(negative, format);
  }

  private long rounded(FloatFormat format) {
    boolean negative = value.negative;
    rounder.round(value, format, context.rounding(), context.masks(), context.flushToZero());
    raise(rounder.raised);
    return rounder.pack(negative, format);
  }

  long add(long a, long b, FloatFormat format, boolean subtract) {
    loadBoth(a, b, format);
    if (anyNan()) {
      return nan(a, b, format);
    }
    boolean signB = second.negative ^ subtract;
    if (first.kind == Real.INFINITY || second.kind == Real.INFINITY) {
      if (first.kind == second.kind && first.negative != signB) {
        return invalid(format);
      }
      noteDenormals();
      return infinity(first.kind == Real.INFINITY ? first.negative : signB, format);
    }
    noteDenormals();
    if (first.kind == Real.ZERO && second.kind == Real.ZERO) {
      return zero(first.negative == signB ? signB : roundsDown(), format);
    }
    if (second.kind == Real.ZERO) {
      value.set(first);
    } else if (first.kind == Real.ZERO) {
      value.set(signB, second.exponent, second.significand);
    } else {
      value.add(first, second, subtract);
      if (value.isZero()) {
        return zero(roundsDown(), format);
      }
    }
    return rounded(format);
  }

  private boolean roundsDown() {
    return context.rounding() == Rounding.DOWN;
  }

  long multiply(long a, long b, FloatFormat format) {
    loadBoth(a, b, format);
    if (anyNan()) {
      return nan(a, b, format);
    }
    boolean negative = first.negative ^ second.negative;
    boolean zero = first.kind == Real.ZERO || second.kind == Real.ZERO;
    if (first.kind == Real.INFINITY || second.kind == Real.INFINITY) {
      if (zero) {
        return invalid(format);
      }
      noteDenormals();
      return infinity(negative, format);
    }
    noteDenormals();
    if (zero) {
      return zero(negative, format);
    }
    value.multiply(first, second);
    return rounded(format);
  }

  long divide(long a, long b, FloatFormat format) {
    loadBoth(a, b, format);
    if (anyNan()) {
      return nan(a, b, format);
    }
    boolean negative = first.negative ^ second.negative;
    if (first.kind == second.kind && (first.kind == Real.INFINITY || first.kind == Real.ZERO)) {
      return invalid(format);
    }
    if (first.kind == Real.INFINITY) {
      noteDenormals();
      return infinity(negative, format);
    }
    if (second.kind == Real.ZERO) {
      raise(FloatException.ZERO_DIVIDE);
      return infinity(negative, format);
    }
    noteDenormals();
    if (first.kind == Real.ZERO || second.kind == Real.INFINITY) {
      return zero(negative, format);
    }
    value.divide(first, second);
    return rounded(format);
  }

  long squareRoot(long a, FloatFormat format) {
    loadBoth(a, 0, format);
    if (anyNan()) {
      return nan(a, 0, format);
    }
    if (first.kind == Real.ZERO) {
      return zero(first.negative, format);
    }
    if (first.negative) {
      return invalid(format);
    }
    if (first.kind == Real.INFINITY) {
      return a;
    }
    noteDenormals();
    value.squareRoot(first);
    return rounded(format);
  }

  /** MIN or MAX: the second operand where the order does not tell. */
  long extreme(long a, long b, FloatFormat format, boolean larger) {
    loadBoth(a, b, format);
    if (anyNan()) {
      raise(FloatException.INVALID);
      return normalized(second, b, format);
    }
    noteDenormals();
    int order = Real.compare(first, second);
    boolean takeFirst = larger ? order > 0 : order < 0;
    return takeFirst ? normalized(first, a, format) : normalized(second, b, format);
  }

  private long normalized(Real real, long bits, FloatFormat format) {
    return real.kind == Real.ZERO ? zero(real.negative, format) : bits;
  }

  /** Compares; returns ZF, PF, CF. */
  int order(long a, long b, FloatFormat format, boolean quietNanInvalid) {
    loadBoth(a, b, format);
    if (anyNan()) {
      if (quietNanInvalid
          || first.kind == Real.SIGNALING_NAN
          || second.kind == Real.SIGNALING_NAN) {
        raise(FloatException.INVALID);
      }
      return UNORDERED;
    }
    noteDenormals();
    int order = Real.compare(first, second);
    return order < 0 ? LESS : order == 0 ? EQUAL : 0;
  }

  /**
   * CMPPS and its kin.
   *
   * @param predicate bits 1:0 choose equal, less, less or equal, unordered; bit 2 negates
   */
  boolean compare(long a, long b, FloatFormat format, int predicate) {
    int kind = predicate & 3;
    int order = order(a, b, format, kind == 1 || kind == 2);
    boolean holds =
        switch (kind) {
          case 0 -> order == EQUAL;
          case 1 -> order == LESS;
          case 2 -> order == EQUAL || order == LESS;
          default -> order == UNORDERED;
        };
    return holds ^ ((predicate & 4) != 0);
  }

  /** Single to double or back. */
  long convert(long a, FloatFormat from, FloatFormat to) {
    load(first, a, from);
    second.kind = Real.ZERO;
    return switch (first.kind) {
      case Real.QUIET_NAN, Real.SIGNALING_NAN -> {
        if (first.kind == Real.SIGNALING_NAN) {
          raise(FloatException.INVALID);
        }
        long payload = (first.significand & Long.MAX_VALUE) >>> (64 - to.precision);
        yield infinity(first.negative, to) | payload | to.quietBit();
      }
      case Real.INFINITY -> infinity(first.negative, to);
      case Real.ZERO -> zero(first.negative, to);
      default -> {
        noteDenormals();
        value.set(first);
        yield rounded(to);
      }
    };
  }

  long fromInteger(long integer, FloatFormat to) {
    if (integer == 0) {
      return 0;
    }
    first.setInteger(integer);
    value.set(first);
    return rounded(to);
  }

  /**
   * To a signed integer; what does not fit gives the smallest one and INVALID.
   *
   * @param bits 32 or 64
   */
  long toInteger(long a, FloatFormat format, int bits, int mode) {
    load(first, a, format);
    long indefinite = -1L << (bits - 1);
    if (first.kind == Real.ZERO) {
      return 0;
    }
    if (!first.isFiniteNonZero() || first.exponent >= 64) {
      raise(FloatException.INVALID);
      return indefinite;
    }
    boolean inexact = splitInteger(mode);
    long magnitude = value.high;
    boolean fits =
        Long.compareUnsigned(magnitude, -indefinite) < 0
            || (first.negative && magnitude == -indefinite);
    if (!fits) {
      raise(FloatException.INVALID);
      return indefinite;
    }
    if (inexact) {
      raise(FloatException.PRECISION);
    }
    return first.negative ? -magnitude : magnitude;
  }

  /** Puts the first operand, rounded to an integer, into {@code value.high}; true when inexact. */
  private boolean splitInteger(int mode) {
    value.set(first);
    value.shiftRightJam(63 - first.exponent);
    long fraction = value.low;
    if (Rounding.increments(mode, first.negative, (value.high & 1) != 0, fraction)) {
      value.high++;
    }
    return fraction != 0;
  }

  /** ROUNDSS and its kin. Bit 2 of the immediate takes the mode of MXCSR, bit 3 hides PRECISION. */
  long roundToIntegral(long a, FloatFormat format, int immediate) {
    loadBoth(a, 0, format);
    if (anyNan()) {
      return nan(a, 0, format);
    }
    if (first.kind == Real.ZERO) {
      return zero(first.negative, format);
    }
    if (first.kind == Real.INFINITY || first.exponent >= format.precision - 1) {
      return a;
    }
    int mode = (immediate & 4) != 0 ? context.rounding() : immediate & 3;
    boolean inexact = splitInteger(mode);
    if (inexact && (immediate & 8) == 0) {
      raise(FloatException.PRECISION);
    }
    if (value.high == 0) {
      return zero(first.negative, format);
    }
    value.low = 0;
    value.exponent = 63;
    value.normalize();
    rounder.round(value, format, Rounding.ZERO, FloatException.ALL, false);
    return rounder.pack(first.negative, format);
  }
}
