package sharevm.cpu.real;

/**
 * The floating-point arithmetic of one processor's SSE unit.
 *
 * <p>An instruction calls {@link #begin}, computes all its elements through {@link #singles} and
 * {@link #doubles} without touching its destination, then calls {@link #commit}: when that returns
 * true, the destination stays and the instruction faults with #XM (or #UD while CR4.OSXMMEXCPT is
 * clear). Not safe for use by several threads; nothing allocates.
 */
public final class SseUnit {
  /** What a processor that has DAZ writes as MXCSR_MASK. SDM Vol. 1, 11.6.6. */
  public static final int MXCSR_MASK = 0xffff;

  /**
   * All masks and the sticky bit of inexact results; the rounding field is zero. SDM Vol. 1,
   * 10.2.3.
   */
  private static final int ONLY_ROUNDS = 0x1fa0;

  private static final int ONLY_ROUNDS_MASK = ONLY_ROUNDS | 0x6000;

  private final SseContext context = new SseContext();
  private final SseSingle singles;
  private final SseDouble doubles;

  /** A unit with MXCSR as reset leaves it, 1F80h. */
  public SseUnit() {
    SseExact exact = new SseExact(context);
    singles = new SseSingle(context, exact);
    doubles = new SseDouble(context, exact);
  }

  /** Single-precision operations and conversions from single precision. */
  public SseSingle singles() {
    return singles;
  }

  /** Double-precision operations and conversions from double precision. */
  public SseDouble doubles() {
    return doubles;
  }

  /** The control and status register as {@link #commit} left it. */
  public int mxcsr() {
    return context.mxcsr;
  }

  /**
   * Returns whether arithmetic under an MXCSR rounds to nearest, masks every exception and has told
   * of inexact results already, so that an inexact result of ordinary numbers changes nothing more.
   */
  public static boolean onlyRounds(int mxcsr) {
    return (mxcsr & ONLY_ROUNDS_MASK) == ONLY_ROUNDS;
  }

  /** Starts an instruction under a value of MXCSR, which is kept elsewhere. */
  public void begin(int mxcsr) {
    if (mxcsr != context.mxcsr) {
      context.set(mxcsr);
    }
    context.raised = 0;
  }

  /**
   * Whether the instruction raised anything; where it did not, {@link #commit} would do nothing.
   */
  public boolean raisedAny() {
    return context.raised != 0;
  }

  /**
   * Ends an instruction: raised exceptions become sticky in MXCSR.
   *
   * <p>An unmasked pre-computation exception of any element hides the post-computation ones of all
   * elements (SDM Vol. 1, 11.5.2).
   *
   * @return whether an unmasked exception was raised
   */
  public boolean commit() {
    return context.commit();
  }
}
