package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/**
 * AES-NI (Intel SDM Vol. 1 12.13): rounds of the Advanced Encryption Standard, FIPS 197.
 *
 * <p>The state is 16 bytes in columns of four: byte 4c + r is row r of column c. A round is looked
 * up by column: a table has, for a byte in row 0, what it gives to the four rows of the result.
 */
final class Aes {
  /** The polynomial x^8 + x^4 + x^3 + x + 1 without its highest term (FIPS 197 4.2). */
  private static final int POLYNOMIAL = 0x1b;

  /** The constant of the affine transformation (FIPS 197 5.1.1). */
  private static final int AFFINE = 0x63;

  private static final int[] SUBSTITUTE = new int[256];
  private static final int[] INVERSE_SUBSTITUTE = new int[256];

  /** What a byte in row 0 gives to MixColumns and InvMixColumns; for other rows it is rotated. */
  private static final int[] MIX = new int[256];

  private static final int[] INVERSE_MIX = new int[256];

  static {
    for (int value = 0; value < 256; value++) {
      int inverse = inverse(value);
      int s = inverse ^ AFFINE;
      for (int n = 1; n <= 4; n++) {
        s ^= (inverse << n | inverse >> 8 - n) & 0xff;
      }
      SUBSTITUTE[value] = s;
      INVERSE_SUBSTITUTE[s] = value;
      MIX[value] = times(value, 2) | value << 8 | value << 16 | times(value, 3) << 24;
      INVERSE_MIX[value] =
          times(value, 14) | times(value, 9) << 8 | times(value, 13) << 16 | times(value, 11) << 24;
    }
  }

  private Aes() {}

  static void bind(Semantics semantics) {
    semantics.put("AESENC", round(SUBSTITUTE, 1, MIX));
    semantics.put("AESENCLAST", round(SUBSTITUTE, 1, null));
    semantics.put("AESDEC", round(INVERSE_SUBSTITUTE, 3, INVERSE_MIX));
    semantics.put("AESDECLAST", round(INVERSE_SUBSTITUTE, 3, null));
    semantics.put("AESIMC", Aes::inverseMixColumns);
    semantics.put("AESKEYGENASSIST", Aes::keyGenerationAssist);
  }

  private static int times(int a, int b) {
    int product = 0;
    int power = a;
    for (int n = 0; n < 4; n++) {
      product ^= (b >> n & 1) != 0 ? power : 0;
      power = power << 1 & 0xff ^ (power >> 7) * POLYNOMIAL;
    }
    return product;
  }

  /** Returns the multiplicative inverse in GF(2^8), of 0 itself. */
  private static int inverse(int a) {
    for (int candidate = 1; candidate < 256; candidate++) {
      if ((times(a, candidate & 15) ^ times(times(times(a, 4), 4), candidate >> 4)) == 1) {
        return candidate;
      }
    }
    return 0;
  }

  /**
   * Returns a round: ShiftRows, SubBytes, MixColumns where there is a table for it, AddRoundKey.
   *
   * @param step row r of column c comes from column c + r * step
   */
  private static Operation round(int[] substitute, int step, int[] mix) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long keyLow = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long keyHigh = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      long low = s.xmmLow(i.destination);
      long high = s.xmmHigh(i.destination);
      long newLow = 0;
      long newHigh = 0;
      for (int c = 0; c < 2; c++) {
        newLow |= column(low, high, c, substitute, step, mix) << 32 * c;
        newHigh |= column(low, high, c + 2, substitute, step, mix) << 32 * c;
      }
      SseAccess.set(s, i.destination, newLow ^ keyLow, newHigh ^ keyHigh);
    };
  }

  private static long column(long low, long high, int c, int[] substitute, int step, int[] mix) {
    int result = 0;
    for (int r = 0; r < 4; r++) {
      int at = 4 * (c + r * step & 3) + r;
      int value = substitute[(int) ((at < 8 ? low : high) >>> 8 * (at & 7)) & 0xff];
      result ^= mix == null ? value << 8 * r : Integer.rotateLeft(mix[value], 8 * r);
    }
    return result & 0xffff_ffffL;
  }

  private static void inverseMixColumns(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    SseAccess.set(s, i.destination, inverseMixColumns(low), inverseMixColumns(high));
  }

  private static long inverseMixColumns(long columns) {
    long result = 0;
    for (int n = 0; n < 8; n++) {
      int mixed = Integer.rotateLeft(INVERSE_MIX[(int) (columns >>> 8 * n) & 0xff], 8 * (n & 3));
      result ^= (mixed & 0xffff_ffffL) << 32 * (n >> 2);
    }
    return result;
  }

  /**
   * AESKEYGENASSIST: SubWord and RotWord of doublewords 1 and 3, with the immediate as round
   * constant.
   */
  private static void keyGenerationAssist(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    int constant = (int) i.immediate & 0xff;
    SseAccess.set(
        s,
        i.destination,
        assist((int) (low >>> 32), constant),
        assist((int) (high >>> 32), constant));
  }

  private static long assist(int word, int constant) {
    int substituted = 0;
    for (int n = 0; n < 32; n += 8) {
      substituted |= SUBSTITUTE[word >>> n & 0xff] << n;
    }
    int rotated = Integer.rotateRight(substituted, 8) ^ constant;
    return substituted & 0xffff_ffffL | (long) rotated << 32;
  }
}
