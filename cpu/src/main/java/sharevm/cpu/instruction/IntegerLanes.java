package sharevm.cpu.instruction;

/** Arithmetic on the elements of 64 bits, several at once where that can be. */
final class IntegerLanes {
  /** Sign bits of bytes, of words and of doublewords. */
  private static final long BYTE_SIGNS = 0x8080_8080_8080_8080L;

  private static final long WORD_SIGNS = 0x8000_8000_8000_8000L;
  private static final long DOUBLEWORD_SIGNS = 0x8000_0000_8000_0000L;
  private static final long DOUBLEWORD = 0xffff_ffffL;

  private IntegerLanes() {}

  static long and(long a, long b) {
    return a & b;
  }

  static long andNot(long a, long b) {
    return ~a & b;
  }

  static long or(long a, long b) {
    return a | b;
  }

  static long xor(long a, long b) {
    return a ^ b;
  }

  /**
   * Adds with no carry from one element to the next: sign bits are added without carry, the rest
   * cannot reach over.
   */
  private static long add(long a, long b, long signs) {
    return (a & ~signs) + (b & ~signs) ^ (a ^ b) & signs;
  }

  private static long subtract(long a, long b, long signs) {
    return (a | signs) - (b & ~signs) ^ (a ^ ~b) & signs;
  }

  static long addBytes(long a, long b) {
    return add(a, b, BYTE_SIGNS);
  }

  static long addWords(long a, long b) {
    return add(a, b, WORD_SIGNS);
  }

  static long addDoublewords(long a, long b) {
    return add(a, b, DOUBLEWORD_SIGNS);
  }

  static long subtractBytes(long a, long b) {
    return subtract(a, b, BYTE_SIGNS);
  }

  static long subtractWords(long a, long b) {
    return subtract(a, b, WORD_SIGNS);
  }

  static long subtractDoublewords(long a, long b) {
    return subtract(a, b, DOUBLEWORD_SIGNS);
  }

  /** Returns the sign bits of the elements that are equal. */
  private static long equal(long a, long b, long signs) {
    long difference = a ^ b;
    return ~((difference & ~signs) + ~signs | difference) & signs;
  }

  static long equalBytes(long a, long b) {
    return (equal(a, b, BYTE_SIGNS) >>> 7) * 0xff;
  }

  static long equalWords(long a, long b) {
    return (equal(a, b, WORD_SIGNS) >>> 15) * 0xffff;
  }

  static long equalDoublewords(long a, long b) {
    return (equal(a, b, DOUBLEWORD_SIGNS) >>> 31) * DOUBLEWORD;
  }

  static long leastBytes(long a, long b) {
    long result = 0;
    for (int n = 0; n < 64; n += 8) {
      result |= Math.min(a >>> n & 0xff, b >>> n & 0xff) << n;
    }
    return result;
  }

  static long multiplyAddWords(long a, long b) {
    int low = (short) a * (short) b + (short) (a >>> 16) * (short) (b >>> 16);
    int high = (short) (a >>> 32) * (short) (b >>> 32) + (short) (a >>> 48) * (short) (b >>> 48);
    return low & DOUBLEWORD | (long) high << 32;
  }

  /**
   * Multiplies unsigned bytes of the destination by signed ones of the source, adds neighbours,
   * saturates.
   */
  static long multiplyAddBytes(long a, long b) {
    long result = 0;
    for (int n = 0; n < 64; n += 16) {
      int sum =
          (int) (a >>> n & 0xff) * (byte) (b >>> n)
              + (int) (a >>> n + 8 & 0xff) * (byte) (b >>> n + 8);
      result |= (Lane.toSignedWord(sum) & 0xffffL) << n;
    }
    return result;
  }

  static long sumOfDifferences(long a, long b) {
    long sum = 0;
    for (int n = 0; n < 64; n += 8) {
      sum += Math.abs((a >>> n & 0xff) - (b >>> n & 0xff));
    }
    return sum;
  }

  static long packSignedWords(long a, long b) {
    long result = 0;
    for (int n = 0; n < 4; n++) {
      result |= (Lane.toSignedByte((short) (a >>> 16 * n)) & 0xffL) << 8 * n;
      result |= (Lane.toSignedByte((short) (b >>> 16 * n)) & 0xffL) << 32 + 8 * n;
    }
    return result;
  }

  static long packWords(long a, long b) {
    long result = 0;
    for (int n = 0; n < 4; n++) {
      result |= (long) Lane.toByte((short) (a >>> 16 * n)) << 8 * n;
      result |= (long) Lane.toByte((short) (b >>> 16 * n)) << 32 + 8 * n;
    }
    return result;
  }

  static long packSignedDoublewords(long a, long b) {
    return Lane.toSignedWord((int) a) & 0xffffL
        | (Lane.toSignedWord((int) (a >>> 32)) & 0xffffL) << 16
        | (Lane.toSignedWord((int) b) & 0xffffL) << 32
        | (Lane.toSignedWord((int) (b >>> 32)) & 0xffffL) << 48;
  }

  static long packDoublewords(long a, long b) {
    return Lane.toWord((int) a)
        | (long) Lane.toWord((int) (a >>> 32)) << 16
        | (long) Lane.toWord((int) b) << 32
        | (long) Lane.toWord((int) (b >>> 32)) << 48;
  }

  // Shifts; a count beyond the element's width shifts everything out.

  static long shiftWordsLeft(long a, long count) {
    return Long.compareUnsigned(count, 15) > 0 ? 0 : a << count & repeatWord(0xffff << count);
  }

  static long shiftWordsRight(long a, long count) {
    return Long.compareUnsigned(count, 15) > 0 ? 0 : a >>> count & repeatWord(0xffff >>> count);
  }

  private static long repeatWord(int word) {
    return (word & 0xffffL) * 0x0001_0001_0001_0001L;
  }

  static long shiftDoublewordsLeft(long a, long count) {
    return Long.compareUnsigned(count, 31) > 0
        ? 0
        : (int) a << (int) count & DOUBLEWORD | (a & ~DOUBLEWORD) << count;
  }

  static long shiftDoublewordsRight(long a, long count) {
    return Long.compareUnsigned(count, 31) > 0
        ? 0
        : (a & DOUBLEWORD) >>> count | a >>> count & ~DOUBLEWORD;
  }

  static long shiftSignedWords(long a, long count) {
    int n = Long.compareUnsigned(count, 15) > 0 ? 15 : (int) count;
    return (short) a >> n & 0xffffL
        | ((short) (a >>> 16) >> n & 0xffffL) << 16
        | ((short) (a >>> 32) >> n & 0xffffL) << 32
        | (a >> 48 >> n) << 48;
  }

  static long shiftSignedDoublewords(long a, long count) {
    int n = Long.compareUnsigned(count, 31) > 0 ? 31 : (int) count;
    return (int) a >> n & DOUBLEWORD | a >> 32 >> n << 32;
  }

  // Interleaving; the destination's elements come first.

  static long interleaveLowBytes(long a, long b) {
    return spreadBytes(a) | spreadBytes(b) << 8;
  }

  static long interleaveHighBytes(long a, long b) {
    return interleaveLowBytes(a >>> 32, b >>> 32);
  }

  /** Puts the low four bytes into the low halves of four words. */
  private static long spreadBytes(long a) {
    long words = spreadWords(a & DOUBLEWORD);
    return (words | words << 8) & 0x00ff_00ff_00ff_00ffL;
  }

  /** Puts the low two words into the low halves of two doublewords. */
  private static long spreadWords(long a) {
    return (a | a << 16) & 0x0000_ffff_0000_ffffL;
  }

  static long interleaveLowWords(long a, long b) {
    return spreadWords(a & DOUBLEWORD) | spreadWords(b & DOUBLEWORD) << 16;
  }

  static long interleaveHighWords(long a, long b) {
    return interleaveLowWords(a >>> 32, b >>> 32);
  }

  static long interleaveLowDoublewords(long a, long b) {
    return a & DOUBLEWORD | b << 32;
  }

  static long interleaveHighDoublewords(long a, long b) {
    return a >>> 32 | b & ~DOUBLEWORD;
  }
}
