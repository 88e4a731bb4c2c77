package sharevm.cpu.instruction;

import java.util.function.LongUnaryOperator;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/**
 * Instructions that put elements of XMM registers to other places: unpack, shuffle, blend, widen.
 */
final class SseShuffle {
  private static final long INT = 0xffff_ffffL;

  /** Makes half a result from the destination {@code a}, the source {@code b} and the immediate. */
  @FunctionalInterface
  interface Half {
    /** Returns 64 bits of the new destination. */
    long of(long aLow, long aHigh, long bLow, long bHigh, int immediate);
  }

  private SseShuffle() {}

  static void bind(Semantics semantics) {
    unpack(semantics);
    shuffle(semantics);
    blend(semantics);
    duplicate(semantics);
    widen(semantics);
  }

  private static void unpack(Semantics semantics) {
    unpackLow(
        semantics,
        "PUNPCKLBW",
        IntegerLanes::interleaveLowBytes,
        IntegerLanes::interleaveHighBytes);
    unpackLow(
        semantics,
        "PUNPCKLWD",
        IntegerLanes::interleaveLowWords,
        IntegerLanes::interleaveHighWords);
    unpackLow(
        semantics,
        "PUNPCKLDQ",
        IntegerLanes::interleaveLowDoublewords,
        IntegerLanes::interleaveHighDoublewords);
    unpackHigh(
        semantics,
        "PUNPCKHBW",
        IntegerLanes::interleaveLowBytes,
        IntegerLanes::interleaveHighBytes);
    unpackHigh(
        semantics,
        "PUNPCKHWD",
        IntegerLanes::interleaveLowWords,
        IntegerLanes::interleaveHighWords);
    unpackHigh(
        semantics,
        "PUNPCKHDQ",
        IntegerLanes::interleaveLowDoublewords,
        IntegerLanes::interleaveHighDoublewords);
    unpackLow(
        semantics,
        "UNPCKLPS",
        IntegerLanes::interleaveLowDoublewords,
        IntegerLanes::interleaveHighDoublewords);
    unpackHigh(
        semantics,
        "UNPCKHPS",
        IntegerLanes::interleaveLowDoublewords,
        IntegerLanes::interleaveHighDoublewords);
    for (String name : new String[] {"PUNPCKLQDQ", "UNPCKLPD"}) {
      put(semantics, name, (al, ah, bl, bh, n) -> al, (al, ah, bl, bh, n) -> bl);
    }
    for (String name : new String[] {"PUNPCKHQDQ", "UNPCKHPD"}) {
      put(semantics, name, (al, ah, bl, bh, n) -> ah, (al, ah, bl, bh, n) -> bh);
    }
  }

  private static void unpackLow(
      Semantics semantics, String name, IntegerVector.Lanes low, IntegerVector.Lanes high) {
    Operation xmm =
        operation(
            (al, ah, bl, bh, n) -> low.apply(al, bl), (al, ah, bl, bh, n) -> high.apply(al, bl));
    semantics.choose(name, i -> MmxAccess.isMmx(i, 0) ? MmxShuffle.unpackLow(low) : xmm);
  }

  private static void unpackHigh(
      Semantics semantics, String name, IntegerVector.Lanes low, IntegerVector.Lanes high) {
    Operation xmm =
        operation(
            (al, ah, bl, bh, n) -> low.apply(ah, bh), (al, ah, bl, bh, n) -> high.apply(ah, bh));
    semantics.choose(name, i -> MmxAccess.isMmx(i, 0) ? IntegerVector.mmx(high) : xmm);
  }

  private static void shuffle(Semantics semantics) {
    put(
        semantics,
        "PSHUFD",
        (al, ah, bl, bh, n) -> pick(bl, bh, n) | pick(bl, bh, n >> 2) << 32,
        (al, ah, bl, bh, n) -> pick(bl, bh, n >> 4) | pick(bl, bh, n >> 6) << 32);
    put(
        semantics,
        "SHUFPS",
        (al, ah, bl, bh, n) -> pick(al, ah, n) | pick(al, ah, n >> 2) << 32,
        (al, ah, bl, bh, n) -> pick(bl, bh, n >> 4) | pick(bl, bh, n >> 6) << 32);
    put(
        semantics,
        "SHUFPD",
        (al, ah, bl, bh, n) -> (n & 1) != 0 ? ah : al,
        (al, ah, bl, bh, n) -> (n & 2) != 0 ? bh : bl);
    put(
        semantics,
        "PSHUFLW",
        (al, ah, bl, bh, n) -> shuffleWords(bl, n),
        (al, ah, bl, bh, n) -> bh);
    put(
        semantics,
        "PSHUFHW",
        (al, ah, bl, bh, n) -> bl,
        (al, ah, bl, bh, n) -> shuffleWords(bh, n));
    choose(
        semantics,
        "PSHUFB",
        MmxShuffle::shuffleBytes,
        (al, ah, bl, bh, n) -> shuffleBytes(al, ah, bl),
        (al, ah, bl, bh, n) -> shuffleBytes(al, ah, bh));
    choose(
        semantics,
        "PALIGNR",
        MmxShuffle::alignRight,
        (al, ah, bl, bh, n) -> window(al, ah, bl, bh, n),
        (al, ah, bl, bh, n) -> window(al, ah, bl, bh, n + 8));
    semantics.put("PSRLDQ", SseShuffle::shiftRight);
    semantics.put("PSLLDQ", SseShuffle::shiftLeft);
  }

  /** Returns one of the four doublewords of a register. */
  static long pick(long low, long high, int n) {
    return ((n & 2) != 0 ? high : low) >>> 32 * (n & 1) & INT;
  }

  /** Returns four words chosen from four by two bits each. */
  static long shuffleWords(long words, int order) {
    long result = 0;
    for (int n = 0; n < 4; n++) {
      result |= (words >>> 16 * (order >> 2 * n & 3) & 0xffff) << 16 * n;
    }
    return result;
  }

  private static long shuffleBytes(long low, long high, long order) {
    long result = 0;
    for (int n = 0; n < 64; n += 8) {
      int from = (int) (order >>> n) & 0xff;
      if (from < 0x80) {
        result |= (((from & 8) != 0 ? high : low) >>> 8 * (from & 7) & 0xff) << n;
      }
    }
    return result;
  }

  /**
   * Returns the 8 bytes from byte {@code from} of the 32 bytes a:b, above which there are zeros.
   */
  private static long window(long aLow, long aHigh, long bLow, long bHigh, int from) {
    int word = from >> 3;
    int shift = 8 * (from & 7);
    long lower = word(aLow, aHigh, bLow, bHigh, word);
    return shift == 0
        ? lower
        : lower >>> shift | word(aLow, aHigh, bLow, bHigh, word + 1) << 64 - shift;
  }

  private static long word(long aLow, long aHigh, long bLow, long bHigh, int n) {
    return switch (n) {
      case 0 -> bLow;
      case 1 -> bHigh;
      case 2 -> aLow;
      case 3 -> aHigh;
      default -> 0;
    };
  }

  private static void shiftRight(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int bytes = (int) i.immediate & 0xff;
    long low = s.xmmLow(i.destination);
    long high = s.xmmHigh(i.destination);
    long newLow = window(0, 0, low, high, bytes);
    SseAccess.set(s, i.destination, newLow, window(0, 0, low, high, bytes + 8));
  }

  private static void shiftLeft(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int from = 16 - Math.min((int) i.immediate & 0xff, 16);
    long low = s.xmmLow(i.destination);
    long high = s.xmmHigh(i.destination);
    long newLow = window(low, high, 0, 0, from);
    SseAccess.set(s, i.destination, newLow, window(low, high, 0, 0, from + 8));
  }

  private static void blend(Semantics semantics) {
    put(
        semantics,
        "BLENDPS",
        (al, ah, bl, bh, n) -> merge(al, bl, pairMask(n)),
        (al, ah, bl, bh, n) -> merge(ah, bh, pairMask(n >> 2)));
    put(
        semantics,
        "BLENDPD",
        (al, ah, bl, bh, n) -> (n & 1) != 0 ? bl : al,
        (al, ah, bl, bh, n) -> (n & 2) != 0 ? bh : ah);
    put(
        semantics,
        "PBLENDW",
        (al, ah, bl, bh, n) -> merge(al, bl, wordMask(n)),
        (al, ah, bl, bh, n) -> merge(ah, bh, wordMask(n >> 4)));
    semantics.put("PBLENDVB", blendBySigns(m -> (m >>> 7 & 0x0101_0101_0101_0101L) * 0xff));
    semantics.put("BLENDVPS", blendBySigns(m -> (m >>> 31 & 0x1_0000_0001L) * INT));
    semantics.put("BLENDVPD", blendBySigns(m -> m >> 63));
  }

  private static long merge(long a, long b, long mask) {
    return a & ~mask | b & mask;
  }

  private static long pairMask(int n) {
    return ((n & 1) != 0 ? INT : 0) | ((n & 2) != 0 ? ~INT : 0);
  }

  private static long wordMask(int n) {
    long mask = 0;
    for (int k = 0; k < 4; k++) {
      mask |= (n >> k & 1) * 0xffffL << 16 * k;
    }
    return mask;
  }

  /** Takes the source's elements where XMM0's have their sign bit set. */
  private static Operation blendBySigns(LongUnaryOperator maskOfSigns) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      long maskLow = maskOfSigns.applyAsLong(s.xmmLow(0));
      long maskHigh = maskOfSigns.applyAsLong(s.xmmHigh(0));
      int d = i.destination;
      SseAccess.set(s, d, merge(s.xmmLow(d), low, maskLow), merge(s.xmmHigh(d), high, maskHigh));
    };
  }

  private static void duplicate(Semantics semantics) {
    put(
        semantics,
        "MOVSLDUP",
        (al, ah, bl, bh, n) -> bl & INT | bl << 32,
        (al, ah, bl, bh, n) -> bh & INT | bh << 32);
    put(
        semantics,
        "MOVSHDUP",
        (al, ah, bl, bh, n) -> bl >>> 32 | bl & ~INT,
        (al, ah, bl, bh, n) -> bh >>> 32 | bh & ~INT);
    semantics.put(
        "MOVDDUP",
        (cpu, i) -> {
          FloatGuard.sse(cpu.state);
          long value = SseAccess.source64(cpu, i);
          SseAccess.set(cpu.state, i.destination, value, value);
        });
  }

  private static void widen(Semantics semantics) {
    String letters = "BWDQ";
    for (int from = 0; from < 3; from++) {
      for (int to = from + 1; to < 4; to++) {
        String sizes = letters.substring(from, from + 1) + letters.charAt(to);
        semantics.put("PMOVSX" + sizes, widen(8 << from, 8 << to, true));
        semantics.put("PMOVZX" + sizes, widen(8 << from, 8 << to, false));
      }
    }
  }

  /** Extends elements of {@code from} bits to {@code to} bits. */
  private static Operation widen(int from, int to, boolean signed) {
    int bytes = 16 * from / to;
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long source = i.memory ? cpu.memory.load(i, bytes) : s.xmmLow(i.source);
      long low = widen(source, from, to, signed);
      SseAccess.set(s, i.destination, low, widen(source >>> bytes * 4, from, to, signed));
    };
  }

  private static long widen(long source, int from, int to, boolean signed) {
    long result = 0;
    for (int n = 0; n < 64 / to; n++) {
      long element = source << 64 - from - n * from;
      long extended = signed ? element >> 64 - from : element >>> 64 - from;
      result |= (extended & -1L >>> 64 - to) << n * to;
    }
    return result;
  }

  private static void put(Semantics semantics, String name, Half low, Half high) {
    semantics.put(name, operation(low, high));
  }

  private static void choose(Semantics semantics, String name, Operation mmx, Half low, Half high) {
    Operation xmm = operation(low, high);
    semantics.choose(name, i -> MmxAccess.isMmx(i, 0) ? mmx : xmm);
  }

  private static Operation operation(Half low, Half high) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long bLow = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long bHigh = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      int d = i.destination;
      long aLow = s.xmmLow(d);
      long aHigh = s.xmmHigh(d);
      int immediate = (int) i.immediate & 0xff;
      s.xmmLow(d, low.of(aLow, aHigh, bLow, bHigh, immediate));
      s.xmmHigh(d, high.of(aLow, aHigh, bLow, bHigh, immediate));
    };
  }
}
