package sharevm.cpu.instruction;

import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * Arithmetic on integers in MMX and XMM registers: {@link IntegerLanes} says how 64 bits of it
 * work.
 */
final class IntegerVector {
  /** What becomes of 64 bits of destination and source. */
  @FunctionalInterface
  interface Lanes {
    /** Returns the new destination. */
    long apply(long destination, long source);
  }

  private IntegerVector() {}

  static void bind(Semantics semantics) {
    additions(semantics);
    comparisons(semantics);
    products(semantics);
    pairs(semantics);
    shifts(semantics);
    semantics.choose(
        "PCMPEQB", i -> MmxAccess.isMmx(i, 0) ? mmx(IntegerLanes::equalBytes) : equalBytes(i));
  }

  private static void additions(Semantics semantics) {
    lanes(semantics, "PADDB", IntegerLanes::addBytes);
    lanes(semantics, "PADDW", IntegerLanes::addWords);
    lanes(semantics, "PADDD", IntegerLanes::addDoublewords);
    lanes(semantics, "PADDQ", Long::sum);
    lanes(semantics, "PSUBB", IntegerLanes::subtractBytes);
    lanes(semantics, "PSUBW", IntegerLanes::subtractWords);
    lanes(semantics, "PSUBD", IntegerLanes::subtractDoublewords);
    lanes(semantics, "PSUBQ", (a, b) -> a - b);
    lanes(semantics, "PADDSB", Lane.signedBytes((a, b) -> Lane.toSignedByte(a + b)));
    lanes(semantics, "PADDSW", Lane.signedWords((a, b) -> Lane.toSignedWord(a + b)));
    lanes(semantics, "PADDUSB", Lane.bytes((a, b) -> Lane.toByte(a + b)));
    lanes(semantics, "PADDUSW", Lane.words((a, b) -> Lane.toWord(a + b)));
    lanes(semantics, "PSUBSB", Lane.signedBytes((a, b) -> Lane.toSignedByte(a - b)));
    lanes(semantics, "PSUBSW", Lane.signedWords((a, b) -> Lane.toSignedWord(a - b)));
    lanes(semantics, "PSUBUSB", Lane.bytes((a, b) -> Lane.toByte(a - b)));
    lanes(semantics, "PSUBUSW", Lane.words((a, b) -> Lane.toWord(a - b)));
    lanes(semantics, "PAVGB", Lane.bytes((a, b) -> a + b + 1 >> 1));
    lanes(semantics, "PAVGW", Lane.words((a, b) -> a + b + 1 >> 1));
    lanes(semantics, "PABSB", Lane.signedBytes((a, b) -> Math.abs(b)));
    lanes(semantics, "PABSW", Lane.signedWords((a, b) -> Math.abs(b)));
    lanes(semantics, "PABSD", Lane.doublewords((a, b) -> Math.abs(b)));
    lanes(semantics, "PSIGNB", Lane.signedBytes((a, b) -> a * Integer.signum(b)));
    lanes(semantics, "PSIGNW", Lane.signedWords((a, b) -> a * Integer.signum(b)));
    lanes(semantics, "PSIGND", Lane.doublewords((a, b) -> a * Integer.signum(b)));
  }

  private static void comparisons(Semantics semantics) {
    lanes(semantics, "PCMPEQW", IntegerLanes::equalWords);
    lanes(semantics, "PCMPEQD", IntegerLanes::equalDoublewords);
    lanes(semantics, "PCMPEQQ", (a, b) -> a == b ? -1 : 0);
    lanes(semantics, "PCMPGTB", Lane.signedBytes((a, b) -> a > b ? -1 : 0));
    lanes(semantics, "PCMPGTW", Lane.signedWords((a, b) -> a > b ? -1 : 0));
    lanes(semantics, "PCMPGTD", Lane.doublewords((a, b) -> a > b ? -1 : 0));
    lanes(semantics, "PCMPGTQ", (a, b) -> a > b ? -1 : 0);
    lanes(semantics, "PMINUB", IntegerLanes::leastBytes);
    lanes(semantics, "PMINUW", Lane.words(Math::min));
    lanes(
        semantics, "PMINUD", Lane.doublewords((a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b));
    lanes(semantics, "PMINSB", Lane.signedBytes(Math::min));
    lanes(semantics, "PMINSW", Lane.signedWords(Math::min));
    lanes(semantics, "PMINSD", Lane.doublewords(Math::min));
    lanes(semantics, "PMAXUB", Lane.bytes(Math::max));
    lanes(semantics, "PMAXUW", Lane.words(Math::max));
    lanes(
        semantics, "PMAXUD", Lane.doublewords((a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b));
    lanes(semantics, "PMAXSB", Lane.signedBytes(Math::max));
    lanes(semantics, "PMAXSW", Lane.signedWords(Math::max));
    lanes(semantics, "PMAXSD", Lane.doublewords(Math::max));
  }

  private static void products(Semantics semantics) {
    lanes(semantics, "PMULLW", Lane.signedWords((a, b) -> a * b));
    lanes(semantics, "PMULHW", Lane.signedWords((a, b) -> a * b >> 16));
    lanes(semantics, "PMULHUW", Lane.words((a, b) -> a * b >>> 16));
    lanes(semantics, "PMULHRSW", Lane.signedWords((a, b) -> (a * b >> 14) + 1 >> 1));
    lanes(semantics, "PMULLD", Lane.doublewords((a, b) -> a * b));
    lanes(semantics, "PMULUDQ", (a, b) -> (a & 0xffff_ffffL) * (b & 0xffff_ffffL));
    lanes(semantics, "PMULDQ", (a, b) -> (long) (int) a * (int) b);
    lanes(semantics, "PMADDWD", IntegerLanes::multiplyAddWords);
    lanes(semantics, "PMADDUBSW", IntegerLanes::multiplyAddBytes);
    lanes(semantics, "PSADBW", IntegerLanes::sumOfDifferences);
  }

  /**
   * What makes the lower half of the result from the destination's two halves, the upper one from
   * the source's.
   */
  private static void pairs(Semantics semantics) {
    pair(semantics, "PACKSSWB", IntegerLanes::packSignedWords);
    pair(semantics, "PACKUSWB", IntegerLanes::packWords);
    pair(semantics, "PACKSSDW", IntegerLanes::packSignedDoublewords);
    pair(semantics, "PACKUSDW", IntegerLanes::packDoublewords);
    pair(semantics, "PHADDW", Lane.wordPairs(Integer::sum));
    pair(semantics, "PHADDSW", Lane.wordPairs((a, b) -> Lane.toSignedWord(a + b)));
    pair(semantics, "PHADDD", Lane.doublewordPairs(Integer::sum));
    pair(semantics, "PHSUBW", Lane.wordPairs((a, b) -> a - b));
    pair(semantics, "PHSUBSW", Lane.wordPairs((a, b) -> Lane.toSignedWord(a - b)));
    pair(semantics, "PHSUBD", Lane.doublewordPairs((a, b) -> a - b));
  }

  private static void shifts(Semantics semantics) {
    shift(semantics, "PSLLW", IntegerLanes::shiftWordsLeft);
    shift(semantics, "PSLLD", IntegerLanes::shiftDoublewordsLeft);
    shift(semantics, "PSLLQ", (a, n) -> Long.compareUnsigned(n, 63) > 0 ? 0 : a << n);
    shift(semantics, "PSRLW", IntegerLanes::shiftWordsRight);
    shift(semantics, "PSRLD", IntegerLanes::shiftDoublewordsRight);
    shift(semantics, "PSRLQ", (a, n) -> Long.compareUnsigned(n, 63) > 0 ? 0 : a >>> n);
    shift(semantics, "PSRAW", IntegerLanes::shiftSignedWords);
    shift(semantics, "PSRAD", IntegerLanes::shiftSignedDoublewords);
  }

  private static void lanes(Semantics semantics, String name, Lanes lanes) {
    semantics.choose(name, i -> MmxAccess.isMmx(i, 0) ? mmx(lanes) : xmm(lanes));
  }

  /** Returns the operation on MMX registers. */
  static Operation mmx(Lanes lanes) {
    return (cpu, i) -> {
      FloatGuard.mmx(cpu);
      long source = MmxAccess.source(cpu, i);
      MmxAccess.set(cpu, i.destination, lanes.apply(MmxAccess.get(cpu, i.destination), source));
    };
  }

  private static Operation xmm(Lanes lanes) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      int d = i.destination;
      if (i.memory) {
        s.xmmLow(d, lanes.apply(s.xmmLow(d), cpu.memory.loadAligned128(i)));
        s.xmmHigh(d, lanes.apply(s.xmmHigh(d), cpu.memory.high128()));
      } else {
        s.xmmLow(d, lanes.apply(s.xmmLow(d), s.xmmLow(i.source)));
        s.xmmHigh(d, lanes.apply(s.xmmHigh(d), s.xmmHigh(i.source)));
      }
    };
  }

  /** PCMPEQB in XMM registers: string functions live on it. */
  private static Operation equalBytes(Instruction instruction) {
    return instruction.memory
        ? (cpu, i) -> {
          CpuState s = cpu.state;
          FloatGuard.sse(s);
          int d = i.destination;
          s.xmmLow(d, IntegerLanes.equalBytes(cpu.memory.loadAligned128(i), s.xmmLow(d)));
          s.xmmHigh(d, IntegerLanes.equalBytes(cpu.memory.high128(), s.xmmHigh(d)));
        }
        : (cpu, i) -> {
          CpuState s = cpu.state;
          FloatGuard.sse(s);
          int d = i.destination;
          s.xmmLow(d, IntegerLanes.equalBytes(s.xmmLow(d), s.xmmLow(i.source)));
          s.xmmHigh(d, IntegerLanes.equalBytes(s.xmmHigh(d), s.xmmHigh(i.source)));
        };
  }

  private static void pair(Semantics semantics, String name, Lanes lanes) {
    semantics.choose(name, i -> MmxAccess.isMmx(i, 0) ? mmx(lanes) : xmmPair(lanes));
  }

  private static Operation xmmPair(Lanes lanes) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      int d = i.destination;
      SseAccess.set(s, d, lanes.apply(s.xmmLow(d), s.xmmHigh(d)), lanes.apply(low, high));
    };
  }

  /** Binds a shift of all elements by one count: an immediate or the low 64 bits of the source. */
  private static void shift(Semantics semantics, String name, Lanes lanes) {
    semantics.choose(
        name,
        i -> {
          boolean byImmediate = i.opcode.operands().get(1).kind() == Kind.IMMEDIATE;
          if (MmxAccess.isMmx(i, 0)) {
            return byImmediate ? mmxByImmediate(lanes) : mmx(lanes);
          }
          return byImmediate ? xmmByImmediate(lanes) : xmmByRegister(lanes);
        });
  }

  private static Operation mmxByImmediate(Lanes lanes) {
    return (cpu, i) -> {
      FloatGuard.mmx(cpu);
      long count = i.immediate & 0xff;
      MmxAccess.set(cpu, i.destination, lanes.apply(MmxAccess.get(cpu, i.destination), count));
    };
  }

  private static Operation xmmByImmediate(Lanes lanes) {
    return (cpu, i) -> {
      FloatGuard.sse(cpu.state);
      shiftBy(cpu.state, i.destination, lanes, i.immediate & 0xff);
    };
  }

  private static Operation xmmByRegister(Lanes lanes) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long count = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      shiftBy(s, i.destination, lanes, count);
    };
  }

  private static void shiftBy(CpuState s, int d, Lanes lanes, long count) {
    s.xmmLow(d, lanes.apply(s.xmmLow(d), count));
    s.xmmHigh(d, lanes.apply(s.xmmHigh(d), count));
  }
}
