package sharevm.cpu.real;

/**
 * What Intel's processors do (measured: family 6, model A7H) where the manual leaves room, or where
 * they leave the manual. Each rule says exactly which answers it allows.
 */
final class IntelDifferences {
  private static final int UNDERFLOW = 0x10;

  /** What an unmasked underflow sets in the status word: UE, ES, B. */
  private static final int UNDERFLOW_STATUS = 0x8090;

  /** What unmasked underflow adds to the exponent. @sdm Vol. 1, 8.5.5 */
  private static final int SCALE = 24576;

  private static final int DEFAULT_SINGLE = 0xffc0_0000;
  private static final int QUIET_SINGLE = 1 << 22;
  private static final long DEFAULT_DOUBLE = 0xfff8_0000_0000_0000L;
  private static final long QUIET_DOUBLE = 1L << 51;

  private IntelDifferences() {}

  /**
   * Whether the hardware's element is a NaN that DPPS may deliver for ours: another one of the
   * sources'. Which NaN of several elements wins is up to the processor. @sdm Vol. 2A DPPS
   */
  static boolean otherNan(int ours, int hardware, long... sources) {
    if (!Float.isNaN(Float.intBitsToFloat(ours))) {
      return false;
    }
    boolean found = hardware == DEFAULT_SINGLE;
    for (long pair : sources) {
      found |= isQuieted((int) pair, hardware) || isQuieted((int) (pair >>> 32), hardware);
    }
    return found;
  }

  private static boolean isQuieted(int source, int delivered) {
    return (source & Integer.MAX_VALUE) > 0x7f80_0000 && (source | QUIET_SINGLE) == delivered;
  }

  /** The same for DPPD. */
  static boolean otherNan(long ours, long hardware, long... sources) {
    if (!Double.isNaN(Double.longBitsToDouble(ours))) {
      return false;
    }
    boolean found = hardware == DEFAULT_DOUBLE;
    for (long source : sources) {
      boolean nan = (source & Long.MAX_VALUE) > 0x7ff0_0000_0000_0000L;
      found |= nan && (source | QUIET_DOUBLE) == hardware;
    }
    return found;
  }

  /**
   * Whether an unmasked underflow is only that ST(0) was a denormal and stays what it was because
   * of a divisor that is infinite or a scale that is zero: Intel's processors leave it alone and
   * report nothing, although the result is tiny. @sdm Vol. 1, 8.5.5
   */
  static boolean denormalStays(String mnemonic, FpuCase in, int signExponent, long significand) {
    int shift = Long.numberOfLeadingZeros(in.significand(0));
    int before = in.signExponent(0);
    boolean zero = (in.signExponent(1) & 0x7fff) == 0 && in.significand(1) == 0;
    boolean infinite =
        (in.signExponent(1) & 0x7fff) == 0x7fff && in.significand(1) == Long.MIN_VALUE;
    return (mnemonic.equals("FSCALE") ? zero : mnemonic.startsWith("FPREM") && infinite)
        && (in.control() & UNDERFLOW) == 0
        && (before & 0x7fff) == 0
        && shift > 0
        && significand != 0
        && significand == in.significand(0) << shift
        && signExponent == (before | SCALE + 1 - shift);
  }

  /** Makes of our result of such an instruction what Intel's processors deliver. */
  static void leaveDenormal(String mnemonic, FpuCase in, FpuCase ours) {
    if (denormalStays(mnemonic, in, ours.signExponent(0), ours.significand(0))) {
      ours.st(0, in.signExponent(0), in.significand(0));
      ours.status(ours.status() & ~UNDERFLOW_STATUS);
    }
  }
}
