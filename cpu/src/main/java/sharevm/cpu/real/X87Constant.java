package sharevm.cpu.real;

/** The constants that x87 instructions load, named as these. @sdm Vol. 2A FLD1 */
public enum X87Constant {
  FLD1(0x3fff, 0x8000_0000_0000_0000L, 0, 0),
  FLDZ(0, 0, 0, 0),
  /** The binary logarithm of 10. */
  FLDL2T(0x4000, 0xd49a_784b_cd1b_8afeL, 0, 1),
  /** The binary logarithm of e. */
  FLDL2E(0x3fff, 0xb8aa_3b29_5c17_f0bcL, -1, 0),
  FLDPI(0x4000, 0xc90f_daa2_2168_c235L, -1, 0),
  /** The decimal logarithm of 2. */
  FLDLG2(0x3ffd, 0x9a20_9a84_fbcf_f799L, -1, 0),
  /** The natural logarithm of 2. */
  FLDLN2(0x3ffe, 0xb172_17f7_d1cf_79acL, -1, 0);

  private static final int ROUNDING_SHIFT = 10;

  private final int signExponent;
  private final long nearest;
  private final int whenDown;
  private final int whenUp;

  /** Takes the value rounded to nearest and how it changes where the other modes differ. */
  X87Constant(int signExponent, long nearest, int whenDown, int whenUp) {
    this.signExponent = signExponent;
    this.nearest = nearest;
    this.whenDown = whenDown;
    this.whenUp = whenUp;
  }

  public int signExponent() {
    return signExponent;
  }

  /** The significand under the rounding control of a control word. */
  public long significand(int controlWord) {
    return nearest
        + switch (controlWord >> ROUNDING_SHIFT & 3) {
          case Rounding.NEAREST -> 0;
          case Rounding.UP -> whenUp;
          default -> whenDown;
        };
  }
}
