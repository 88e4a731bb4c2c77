package sharevm.cpu.instruction;

import java.util.function.IntBinaryOperator;
import sharevm.cpu.instruction.IntegerVector.Lanes;

/** Builds what is done to 64 bits from what is done to one element: for the rarer instructions. */
final class Lane {
  private Lane() {}

  /** Returns the nearest unsigned 8-bit number. */
  static int toByte(int value) {
    return Math.clamp(value, 0, 0xff);
  }

  /** Returns the nearest unsigned 16-bit number. */
  static int toWord(int value) {
    return Math.clamp(value, 0, 0xffff);
  }

  /** Returns the nearest signed 8-bit number. */
  static int toSignedByte(int value) {
    return Math.clamp(value, Byte.MIN_VALUE, Byte.MAX_VALUE);
  }

  /** Returns the nearest signed 16-bit number. */
  static int toSignedWord(int value) {
    return Math.clamp(value, Short.MIN_VALUE, Short.MAX_VALUE);
  }

  /** Elements are zero-extended bytes. */
  static Lanes bytes(IntBinaryOperator element) {
    return (a, b) -> {
      long result = 0;
      for (int n = 0; n < 64; n += 8) {
        int x = element.applyAsInt((int) (a >>> n) & 0xff, (int) (b >>> n) & 0xff);
        result |= (x & 0xffL) << n;
      }
      return result;
    };
  }

  /** Elements are sign-extended bytes. */
  static Lanes signedBytes(IntBinaryOperator element) {
    return (a, b) -> {
      long result = 0;
      for (int n = 0; n < 64; n += 8) {
        result |= (element.applyAsInt((byte) (a >>> n), (byte) (b >>> n)) & 0xffL) << n;
      }
      return result;
    };
  }

  /** Elements are zero-extended words. */
  static Lanes words(IntBinaryOperator element) {
    return (a, b) -> {
      long result = 0;
      for (int n = 0; n < 64; n += 16) {
        int x = element.applyAsInt((int) (a >>> n) & 0xffff, (int) (b >>> n) & 0xffff);
        result |= (x & 0xffffL) << n;
      }
      return result;
    };
  }

  /** Elements are sign-extended words. */
  static Lanes signedWords(IntBinaryOperator element) {
    return (a, b) -> {
      long result = 0;
      for (int n = 0; n < 64; n += 16) {
        result |= (element.applyAsInt((short) (a >>> n), (short) (b >>> n)) & 0xffffL) << n;
      }
      return result;
    };
  }

  /** Elements are doublewords. */
  static Lanes doublewords(IntBinaryOperator element) {
    return (a, b) ->
        element.applyAsInt((int) a, (int) b) & 0xffff_ffffL
            | (long) element.applyAsInt((int) (a >>> 32), (int) (b >>> 32)) << 32;
  }

  /**
   * Two neighbouring words give one: the first 64 bits give the lower half, the second the upper
   * one.
   */
  static Lanes wordPairs(IntBinaryOperator pair) {
    return (a, b) -> {
      long result = 0;
      for (int n = 0; n < 64; n += 32) {
        int x = pair.applyAsInt((short) (a >>> n), (short) (a >>> n + 16));
        int y = pair.applyAsInt((short) (b >>> n), (short) (b >>> n + 16));
        result |= (x & 0xffffL) << n / 2 | (y & 0xffffL) << 32 + n / 2;
      }
      return result;
    };
  }

  /** Two neighbouring doublewords give one, as with {@link #wordPairs}. */
  static Lanes doublewordPairs(IntBinaryOperator pair) {
    return (a, b) ->
        pair.applyAsInt((int) a, (int) (a >>> 32)) & 0xffff_ffffL
            | (long) pair.applyAsInt((int) b, (int) (b >>> 32)) << 32;
  }
}
