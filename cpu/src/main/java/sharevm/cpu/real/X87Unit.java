package sharevm.cpu.real;

/** The arithmetic of one processor's x87 unit: the operations around one {@link X87Context}. */
public final class X87Unit {
  private final X87Context context = new X87Context();
  private final X87Arithmetic arithmetic = new X87Arithmetic(context);
  private final X87Remainder remainder = new X87Remainder(context);
  private final X87Conversion conversion = new X87Conversion(context, arithmetic);
  private X87Transcendental transcendental;
  private final Real first = new Real();
  private final Real second = new Real();

  /** An operand for the caller to fill. */
  public Real first() {
    return first;
  }

  /** Another one. */
  public Real second() {
    return second;
  }

  /** What operations obey and leave. */
  public X87Context context() {
    return context;
  }

  /** Sums, products, quotients, roots, comparison. */
  public X87Arithmetic arithmetic() {
    return arithmetic;
  }

  /** FPREM and FPREM1. */
  public X87Remainder remainder() {
    return remainder;
  }

  /** To and from the formats of memory. */
  public X87Conversion conversion() {
    return conversion;
  }

  /** Sines, logarithms and their kin, whose tables are made when first asked for. */
  public X87Transcendental transcendental() {
    if (transcendental == null) {
      transcendental = new X87Transcendental(context);
    }
    return transcendental;
  }
}
