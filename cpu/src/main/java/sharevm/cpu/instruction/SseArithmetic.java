package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.SseDouble;
import sharevm.cpu.real.SseSingle;
import sharevm.cpu.real.SseUnit;

/** Floating-point arithmetic on one or all elements of XMM registers. */
final class SseArithmetic {
  /** What becomes of one element of destination and source. */
  @FunctionalInterface
  interface OnSingle {
    /** Returns the new destination's bits. */
    int apply(SseSingle unit, int destination, int source);
  }

  /** What becomes of one element of destination and source. */
  @FunctionalInterface
  interface OnDouble {
    /** Returns the new destination's bits. */
    long apply(SseDouble unit, long destination, long source);
  }

  private SseArithmetic() {}

  static void bind(Semantics semantics) {
    four(semantics, "SUB", SseSingle::subtract, SseDouble::subtract);
    four(semantics, "MUL", SseSingle::multiply, SseDouble::multiply);
    four(semantics, "DIV", SseSingle::divide, SseDouble::divide);
    four(semantics, "MIN", SseSingle::minimum, SseDouble::minimum);
    four(semantics, "MAX", SseSingle::maximum, SseDouble::maximum);
    four(semantics, "ADD", SseSingle::add, SseDouble::add);
    four(semantics, "SQRT", (u, a, b) -> u.squareRoot(b), (u, a, b) -> u.squareRoot(b));
    semantics.put("RCPPS", packedSingle((u, a, b) -> u.reciprocal(b)));
    semantics.put("RCPSS", scalarSingle((u, a, b) -> u.reciprocal(b)));
    semantics.put("RSQRTPS", packedSingle((u, a, b) -> u.reciprocalRoot(b)));
    semantics.put("RSQRTSS", scalarSingle((u, a, b) -> u.reciprocalRoot(b)));
    semantics.choose("ROUNDPS", i -> packedSingle(rounding((int) i.immediate)));
    semantics.choose("ROUNDSS", i -> scalarSingle(rounding((int) i.immediate)));
    semantics.choose("ROUNDPD", i -> packedDouble(roundingDouble((int) i.immediate)));
    semantics.choose("ROUNDSD", i -> scalarDouble(roundingDouble((int) i.immediate)));
    semantics.put("HADDPS", horizontalSingle(SseSingle::add));
    semantics.put("HSUBPS", horizontalSingle(SseSingle::subtract));
    semantics.put("HADDPD", horizontalDouble(SseDouble::add));
    semantics.put("HSUBPD", horizontalDouble(SseDouble::subtract));
    semantics.put("ADDSUBPS", SseArithmetic::addSubtractSingles);
    semantics.put("ADDSUBPD", SseArithmetic::addSubtractDoubles);
    semantics.put("DPPS", SseArithmetic::dotProductOfSingles);
    semantics.put("DPPD", SseArithmetic::dotProductOfDoubles);
  }

  /** Binds the packed and scalar forms for both formats. */
  private static void four(Semantics semantics, String name, OnSingle single, OnDouble dual) {
    semantics.put(name + "PS", packedSingle(single));
    semantics.put(name + "SS", scalarSingle(single));
    semantics.put(name + "PD", packedDouble(dual));
    semantics.put(name + "SD", scalarDouble(dual));
  }

  private static OnSingle rounding(int immediate) {
    return (unit, a, b) -> unit.roundToIntegral(b, immediate);
  }

  private static OnDouble roundingDouble(int immediate) {
    return (unit, a, b) -> unit.roundToIntegral(b, immediate);
  }

  static Operation scalarSingle(OnSingle element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      int source = SseAccess.source32(cpu, i);
      SseUnit unit = SseAccess.begin(cpu);
      int result = element.apply(unit.singles(), s.xmmInt(i.destination), source);
      SseAccess.commit(cpu);
      s.xmmInt(i.destination, result);
    };
  }

  static Operation scalarDouble(OnDouble element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long source = SseAccess.source64(cpu, i);
      SseUnit unit = SseAccess.begin(cpu);
      long result = element.apply(unit.doubles(), s.xmmLow(i.destination), source);
      SseAccess.commit(cpu);
      s.xmmLow(i.destination, result);
    };
  }

  static Operation packedSingle(OnSingle element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      SseSingle unit = SseAccess.begin(cpu).singles();
      int d = i.destination;
      low = both(element, unit, s.xmmLow(d), low);
      high = both(element, unit, s.xmmHigh(d), high);
      SseAccess.commit(cpu);
      SseAccess.set(s, d, low, high);
    };
  }

  static Operation packedDouble(OnDouble element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      SseDouble unit = SseAccess.begin(cpu).doubles();
      int d = i.destination;
      low = element.apply(unit, s.xmmLow(d), low);
      high = element.apply(unit, s.xmmHigh(d), high);
      SseAccess.commit(cpu);
      SseAccess.set(s, d, low, high);
    };
  }

  private static long both(OnSingle element, SseSingle unit, long a, long b) {
    int low = element.apply(unit, (int) a, (int) b);
    return pair(low, element.apply(unit, (int) (a >>> 32), (int) (b >>> 32)));
  }

  static long pair(int low, int high) {
    return low & 0xffff_ffffL | (long) high << 32;
  }

  private static Operation horizontalSingle(OnSingle element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      SseSingle unit = SseAccess.begin(cpu).singles();
      int d = i.destination;
      long newLow = neighbours(element, unit, s.xmmLow(d), s.xmmHigh(d));
      long newHigh = neighbours(element, unit, low, high);
      SseAccess.commit(cpu);
      SseAccess.set(s, d, newLow, newHigh);
    };
  }

  private static long neighbours(OnSingle element, SseSingle unit, long low, long high) {
    int first = element.apply(unit, (int) low, (int) (low >>> 32));
    return pair(first, element.apply(unit, (int) high, (int) (high >>> 32)));
  }

  private static Operation horizontalDouble(OnDouble element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      SseDouble unit = SseAccess.begin(cpu).doubles();
      int d = i.destination;
      long newLow = element.apply(unit, s.xmmLow(d), s.xmmHigh(d));
      long newHigh = element.apply(unit, low, high);
      SseAccess.commit(cpu);
      SseAccess.set(s, d, newLow, newHigh);
    };
  }

  private static void addSubtractSingles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    SseSingle unit = SseAccess.begin(cpu).singles();
    low = subtractAdd(unit, s.xmmLow(i.destination), low);
    high = subtractAdd(unit, s.xmmHigh(i.destination), high);
    SseAccess.commit(cpu);
    SseAccess.set(s, i.destination, low, high);
  }

  private static long subtractAdd(SseSingle unit, long a, long b) {
    int low = unit.subtract((int) a, (int) b);
    return pair(low, unit.add((int) (a >>> 32), (int) (b >>> 32)));
  }

  private static void addSubtractDoubles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    SseDouble unit = SseAccess.begin(cpu).doubles();
    low = unit.subtract(s.xmmLow(i.destination), low);
    high = unit.add(s.xmmHigh(i.destination), high);
    SseAccess.commit(cpu);
    SseAccess.set(s, i.destination, low, high);
  }

  private static void dotProductOfSingles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    SseSingle unit = SseAccess.begin(cpu).singles();
    int n = (int) i.immediate;
    int d = i.destination;
    int sum = unit.dotProduct(s.xmmLow(d), s.xmmHigh(d), low, high, n);
    SseAccess.commit(cpu);
    low = pair((n & 1) != 0 ? sum : 0, (n & 2) != 0 ? sum : 0);
    SseAccess.set(s, d, low, pair((n & 4) != 0 ? sum : 0, (n & 8) != 0 ? sum : 0));
  }

  private static void dotProductOfDoubles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    SseDouble unit = SseAccess.begin(cpu).doubles();
    int n = (int) i.immediate;
    int d = i.destination;
    long sum = unit.dotProduct(s.xmmLow(d), s.xmmHigh(d), low, high, n);
    SseAccess.commit(cpu);
    SseAccess.set(s, d, (n & 1) != 0 ? sum : 0, (n & 2) != 0 ? sum : 0);
  }
}
