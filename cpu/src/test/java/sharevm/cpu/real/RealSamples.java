package sharevm.cpu.real;

import java.util.SplittableRandom;

/** Random operands in which the special values of each format are frequent. */
final class RealSamples {
  private final SplittableRandom random;

  RealSamples(long seed) {
    random = new SplittableRandom(seed);
  }

  SplittableRandom random() {
    return random;
  }

  /** A fraction of the given width: dense, sparse at the top, sparse at the bottom, or extreme. */
  private long fraction(int width) {
    long all = width == 64 ? -1L : (1L << width) - 1;
    long bits = random.nextLong() & all;
    return switch (random.nextInt(8)) {
      case 0 -> 0;
      case 1 -> all;
      case 2 -> bits & (all << random.nextInt(width)) & all;
      case 3 -> bits >>> random.nextInt(width);
      case 4 -> all & ~(bits & ((1L << random.nextInt(width)) - 1));
      case 5 -> 1L << random.nextInt(width);
      default -> bits;
    };
  }

  private int exponent(int bias) {
    int top = 2 * bias + 1;
    return switch (random.nextInt(10)) {
      case 0 -> 0;
      case 1 -> top;
      case 2 -> random.nextInt(1, 6);
      case 3 -> top - random.nextInt(1, 6);
      case 4 -> random.nextInt(top + 1);
      case 5, 6 -> Math.max(0, bias + random.nextInt(-70, 70));
      default -> Math.max(0, bias + random.nextInt(-4, 5));
    };
  }

  int single() {
    return random.nextInt() & Integer.MIN_VALUE | exponent(127) << 23 | (int) fraction(23);
  }

  long real64() {
    return random.nextLong() & Long.MIN_VALUE | (long) exponent(1023) << 52 | fraction(52);
  }

  int signExponent() {
    return random.nextInt(2) << 15 | exponent(16383);
  }

  /** A significand for that exponent: its integer bit is seldom wrong. */
  long significand(int signExponent) {
    long bits = fraction(63);
    boolean integerBit = (signExponent & 0x7fff) != 0;
    if (random.nextInt(24) == 0) {
      integerBit = !integerBit;
    }
    return integerBit ? bits | Long.MIN_VALUE : bits;
  }

  long integer(int width) {
    long bits = fraction(64) << (64 - width) >> (64 - width);
    return random.nextBoolean() ? bits : -bits;
  }

  /**
   * MXCSR: mostly everything masked, but each field takes every value. Often what programs run
   * with: to nearest, and an inexact result has been seen.
   */
  int mxcsr() {
    if (random.nextInt(4) == 0) {
      return 0x1fa0;
    }
    int value = 0x1f80;
    if (random.nextInt(3) == 0) {
      value = random.nextInt() & 0x1f80;
    }
    value |= random.nextInt(4) << 13;
    if (random.nextInt(3) == 0) {
      value |= random.nextInt() & 0x8040;
    }
    if (random.nextInt(4) == 0) {
      value |= random.nextInt() & 0x3f;
    }
    return value;
  }

  /** A control word: mostly everything masked, every precision and rounding. */
  int control() {
    int value = random.nextInt(3) == 0 ? random.nextInt() & 0x3f : 0x3f;
    return value | 0x40 | random.nextInt(4) << 10 | precision() << 8;
  }

  private int precision() {
    return random.nextInt(3) == 0 ? random.nextInt(4) : 3;
  }
}
