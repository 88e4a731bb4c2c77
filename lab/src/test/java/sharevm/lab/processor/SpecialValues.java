package sharevm.lab.processor;

import java.util.SplittableRandom;

/** Random values in which those that instructions treat specially are over-represented. */
final class SpecialValues {
  private final SplittableRandom random;

  SpecialValues(SplittableRandom random) {
    this.random = random;
  }

  /** Returns a 64-bit integer. */
  long integer() {
    return switch (random.nextInt(12)) {
      case 0 -> 0;
      case 1 -> 1;
      case 2 -> -1;
      case 3 -> limit(random.nextInt(8));
      case 4 -> 1L << random.nextInt(64);
      case 5 -> (1L << random.nextInt(64)) - 1;
      case 6 -> random.nextInt(-128, 128);
      case 7 -> random.nextInt(256) * 0x0101_0101_0101_0101L;
      case 8 -> -1L << random.nextInt(64);
      case 9 -> random.nextLong() >> random.nextInt(64);
      default -> random.nextLong();
    };
  }

  /** Returns the least or greatest number of 8, 16, 32 or 64 bits. */
  private static long limit(int which) {
    int bits = 8 << (which & 3);
    long least = -1L << bits - 1;
    return which < 4 ? least : ~least;
  }

  /** Returns a number of a width that is small more often than not. */
  int small(int bound) {
    return random.nextInt(3) == 0 ? random.nextInt(bound) : random.nextInt(Math.min(bound, 8));
  }

  /** Returns the bits of a single-precision number. */
  int single() {
    int sign = random.nextInt(2) << 31;
    return switch (random.nextInt(13)) {
      case 0 -> sign;
      case 1 -> sign | 0x7f80_0000;
      case 2 -> sign | 0x7fc0_0000 | random.nextInt(1 << 22);
      case 3 -> sign | 0x7f80_0001 + random.nextInt(1 << 22) - 1 & 0x7fbf_ffff | 1;
      case 4 -> sign | 1 + random.nextInt(1 << 23) - 1;
      case 5 -> sign | 0x0080_0000 + random.nextInt(-4, 5);
      case 6 -> sign | 0x7f7f_ffff - random.nextInt(4);
      case 7 -> Float.floatToRawIntBits(random.nextInt(-20, 20) * 0.5f);
      case 8 -> Float.floatToRawIntBits((float) Math.scalb(1.0, random.nextInt(-30, 70)));
      case 9 -> sign | 0x3f80_0000 + random.nextInt(-4, 5);
      case 10 -> Float.floatToRawIntBits((float) random.nextInt());
      case 11 -> sign | random.nextInt(100, 155) << 23 | random.nextInt(1 << 23);
      default -> random.nextInt();
    };
  }

  /** Returns the bits of a double-precision number. */
  long real() {
    long sign = (long) random.nextInt(2) << 63;
    long fraction = random.nextLong() >>> 12;
    return switch (random.nextInt(13)) {
      case 0 -> sign;
      case 1 -> sign | 0x7ffL << 52;
      case 2 -> sign | 0x7ffL << 52 | 1L << 51 | fraction;
      case 3 -> sign | 0x7ffL << 52 | fraction & ~(1L << 51) | 1;
      case 4 -> sign | fraction >>> random.nextInt(52);
      case 5 -> sign | (1L << 52) + random.nextInt(-4, 5);
      case 6 -> sign | 0x7fef_ffff_ffff_ffffL - random.nextInt(4);
      case 7 -> Double.doubleToRawLongBits(random.nextInt(-20, 20) * 0.5);
      case 8 -> Double.doubleToRawLongBits(Math.scalb(1.0, random.nextInt(-160, 160)));
      case 9 -> sign | (0x3ffL << 52) + random.nextInt(-4, 5);
      case 10 -> Double.doubleToRawLongBits(random.nextInt() * 0.25);
      case 11 -> sign | (long) random.nextInt(890, 1160) << 52 | fraction;
      default -> random.nextLong();
    };
  }

  /** Puts an 80-bit number of x87 into ten bytes. */
  void extended(byte[] to, int at) {
    long significand = random.nextLong();
    int exponent;
    switch (random.nextInt(16)) {
      case 0 -> {
        significand = 0;
        exponent = 0;
      }
      case 1 -> {
        significand = 1L << 63;
        exponent = 0x7fff; // infinity
      }
      case 2 -> {
        significand |= 3L << 62;
        exponent = 0x7fff; // quiet NaN
      }
      case 3 -> {
        significand = significand >>> 2 | 1L << 63;
        exponent = 0x7fff; // signalling NaN
      }
      case 4 -> {
        significand >>>= 1 + random.nextInt(63);
        exponent = 0; // denormal
      }
      case 5 -> {
        significand |= 1L << 63;
        exponent = 0; // pseudo-denormal
      }
      case 6 -> {
        significand >>>= 1;
        exponent = random.nextInt(0x8000); // unnormal, pseudo-infinity, pseudo-NaN
      }
      case 7, 8 -> {
        long value = random.nextInt(-40, 40);
        double half = value * 0.5;
        exponent = half == 0 ? 0 : Math.getExponent(half) + 0x3fff;
        significand = half == 0 ? 0 : Double.doubleToRawLongBits(half) << 11 | 1L << 63;
      }
      case 9 -> {
        significand = 1L << 63;
        exponent = 0x3fff + random.nextInt(-70, 70); // a power of two
      }
      case 10 -> {
        significand |= 1L << 63;
        exponent = random.nextInt(2) == 0 ? 0x7ffe : 1; // the edges of the range
      }
      case 11 -> {
        significand |= 1L << 63;
        exponent = 0x3fff + (random.nextInt(2) == 0 ? 0x3ff : -0x3ff) + random.nextInt(-2, 3);
      }
      case 12 -> {
        significand = random.nextInt(2) == 0 ? -1L : significand & -1L << 40 | 1L << 63;
        exponent = 0x3fff + random.nextInt(-4, 66);
      }
      default -> {
        significand |= 1L << 63;
        exponent = 0x3fff + random.nextInt(-66, 67);
      }
    }
    exponent |= random.nextInt(2) << 15;
    for (int i = 0; i < 8; i++) {
      to[at + i] = (byte) (significand >>> 8 * i);
    }
    to[at + 8] = (byte) exponent;
    to[at + 9] = (byte) (exponent >> 8);
  }

  /** Fills 16 bytes in one of the ways that vector instructions see them. */
  void vector(byte[] to, int at) {
    switch (random.nextInt(6)) {
      case 0 -> {
        for (int i = 0; i < 16; i += 4) {
          put(to, at + i, 4, single());
        }
      }
      case 1 -> {
        put(to, at, 8, real());
        put(to, at + 8, 8, real());
      }
      case 2 -> {
        for (int i = 0; i < 16; i += 2) {
          put(to, at + i, 2, integer());
        }
      }
      case 3 -> {
        for (int i = 0; i < 16; i += 4) {
          put(to, at + i, 4, integer());
        }
      }
      case 4 -> {
        for (int i = 0; i < 16; i++) {
          to[at + i] = (byte) integer();
        }
      }
      default -> {
        put(to, at, 8, integer());
        put(to, at + 8, 8, integer());
      }
    }
  }

  /** Writes a little-endian number. */
  static void put(byte[] to, int at, int size, long value) {
    for (int i = 0; i < size; i++) {
      to[at + i] = (byte) (value >>> 8 * i);
    }
  }
}
