package sharevm.cpu.real;

/**
 * The control word that x87 operations obey and the outcome that they leave.
 *
 * <p>An operation starts with {@link #begin}, then leaves a result in {@link #signExponent} and
 * {@link #significand}, the exceptions in {@link #raised} and the direction of rounding in {@link
 * #roundedUp}. Whether the result may be written depends on the destination: see {@link
 * #stopsRegister} and {@link #stopsMemory}.
 */
public final class X87Context {
  /** The default NaN, "real indefinite": FFFF C000000000000000h. SDM Vol. 1, table 4-3. */
  static final int NAN_SIGN_EXPONENT = 0xffff;

  static final long NAN_SIGNIFICAND = 0xc000_0000_0000_0000L;
  private static final int ROUNDING_SHIFT = 10;
  private static final int PRECISION_SHIFT = 8;

  final Unrounded value = new Unrounded();
  private final Rounder rounder = new Rounder();

  int control = 0x37f;
  int signExponent;
  long significand;
  int raised;
  boolean roundedUp;

  /** Sets what the control word says. */
  public void setControl(int word) {
    control = word;
  }

  /** Sign in bit 15 and biased exponent of the result. */
  public int signExponent() {
    return signExponent;
  }

  /** Significand of the result with its integer bit. */
  public long significand() {
    return significand;
  }

  /** Exceptions of the last operation, as bits of {@link FloatException}. */
  public int raised() {
    return raised;
  }

  /** What C1 says after an inexact result: it is larger in magnitude than the exact one. */
  public boolean roundedUp() {
    return roundedUp;
  }

  /** Whether an unmasked exception keeps a register destination as it was. */
  public boolean stopsRegister() {
    return (raised & ~control & FloatException.PRE_COMPUTATION) != 0;
  }

  /**
   * Whether an unmasked exception keeps a load from pushing: a denormal in memory is reported, but
   * loaded, since a register holds it as a normal number.
   */
  public boolean stopsLoad() {
    return (raised & ~control & FloatException.INVALID) != 0;
  }

  /** Whether an unmasked exception keeps a memory destination as it was. */
  public boolean stopsMemory() {
    return (raised & ~control & ~FloatException.PRECISION & FloatException.ALL) != 0;
  }

  void begin() {
    raised = 0;
    roundedUp = false;
  }

  int rounding() {
    return (control >> ROUNDING_SHIFT) & 3;
  }

  /** The format that precision control asks for; the reserved code 01 counts as 64 bits. */
  FloatFormat format() {
    return switch ((control >> PRECISION_SHIFT) & 3) {
      case 0 -> FloatFormat.EXTENDED_24;
      case 2 -> FloatFormat.EXTENDED_53;
      default -> FloatFormat.EXTENDED;
    };
  }

  void setResult(int signAndExponent, long bits) {
    signExponent = signAndExponent;
    significand = bits;
  }

  void setZero(boolean negative) {
    setResult(negative ? 0x8000 : 0, 0);
  }

  void setInfinity(boolean negative) {
    setResult(negative ? 0xffff : 0x7fff, Long.MIN_VALUE);
  }

  void setQuietNan(Real nan) {
    setResult(nan.negative ? 0xffff : 0x7fff, nan.significand | Real.QUIET_BIT);
  }

  void setInvalid() {
    raised |= FloatException.INVALID;
    setResult(NAN_SIGN_EXPONENT, NAN_SIGNIFICAND);
  }

  void setOne(boolean negative) {
    setResult(negative ? 0xbfff : 0x3fff, Long.MIN_VALUE);
  }

  /** Delivers {@link #value}, non-zero, rounded to 64 bits whatever precision control says. */
  void roundFull() {
    round(FloatFormat.EXTENDED);
  }

  /** Delivers {@link #value}, non-zero, rounded to {@code format}, one of the extended ones. */
  void round(FloatFormat format) {
    if (stopsRegister()) {
      return;
    }
    boolean negative = value.negative;
    rounder.round(value, format, rounding(), control, false);
    note();
    setResult((negative ? 0x8000 : 0) | (rounder.biased & 0x7fff), rounder.significand);
  }

  /**
   * Rounds {@link #value}, non-zero, for a store in single or double precision.
   *
   * <p>A store that does not happen is not inexact.
   */
  long roundToMemory(FloatFormat format) {
    boolean negative = value.negative;
    rounder.round(value, format, rounding(), control, false);
    note();
    if (stopsMemory()) {
      raised &= ~FloatException.PRECISION;
      roundedUp = false;
    }
    return rounder.pack(negative, format);
  }

  private void note() {
    raised |= rounder.raised;
    roundedUp = rounder.roundedUp;
  }

  /** Delivers the NaN or the default NaN where the operand is one or unsupported. */
  boolean unordinary(Real a) {
    if (a.kind < Real.QUIET_NAN) {
      return false;
    }
    if (a.kind == Real.UNSUPPORTED) {
      setInvalid();
      return true;
    }
    if (a.kind == Real.SIGNALING_NAN) {
      raised |= FloatException.INVALID;
    }
    setQuietNan(a);
    return true;
  }

  /**
   * The same for two operands: a quiet NaN before a signaling one, then the larger significand,
   * then the positive one. SDM Vol. 1, table 4-7.
   */
  boolean unordinary(Real a, Real b) {
    if (a.kind < Real.QUIET_NAN && b.kind < Real.QUIET_NAN) {
      return false;
    }
    if (a.kind == Real.UNSUPPORTED || b.kind == Real.UNSUPPORTED) {
      setInvalid();
      return true;
    }
    if (a.kind == Real.SIGNALING_NAN || b.kind == Real.SIGNALING_NAN) {
      raised |= FloatException.INVALID;
    }
    setQuietNan(prefersFirst(a, b) ? a : b);
    return true;
  }

  private static boolean prefersFirst(Real a, Real b) {
    if (!a.isNan() || !b.isNan()) {
      return a.isNan();
    }
    if (a.kind != b.kind) {
      return a.kind == Real.QUIET_NAN;
    }
    int order = Long.compareUnsigned(a.significand, b.significand);
    return order > 0 || (order == 0 && !a.negative);
  }

  void noteDenormal(Real a) {
    if (a.kind == Real.DENORMAL) {
      raised |= FloatException.DENORMAL;
    }
  }
}
