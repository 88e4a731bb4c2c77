package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.SseDouble;
import sharevm.cpu.real.SseSingle;

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
    extremes(semantics, "MIN", SseSingle::minimum, SseDouble::minimum);
    extremes(semantics, "MAX", SseSingle::maximum, SseDouble::maximum);
    semantics.put("ADDPS", packedSingle(SseSingle::add));
    semantics.put("SUBPS", packedSingle(SseSingle::subtract));
    semantics.put("MULPS", packedSingle(SseSingle::multiply));
    semantics.put("DIVPS", packedSingle(SseSingle::divide));
    semantics.put("DIVPD", packedDouble(SseDouble::divide));
    semantics.put("SQRTPS", packedSingle((u, a, b) -> u.squareRoot(b)));
    semantics.put("SQRTSS", scalarSingle((u, a, b) -> u.squareRoot(b)));
    semantics.put("SQRTPD", packedDouble((u, a, b) -> u.squareRoot(b)));
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
  private static void extremes(Semantics semantics, String name, OnSingle single, OnDouble dual) {
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
      FloatGuard.sse(cpu.state);
      scalarSingle(cpu, i.destination, element, SseAccess.source32(cpu, i));
    };
  }

  /** Applies an operation to the lowest element of a register and a source. */
  static void scalarSingle(Cpu cpu, int destination, OnSingle element, int source) {
    SseSingle unit = SseAccess.begin(cpu).singles();
    int result = element.apply(unit, cpu.state.xmmInt(destination), source);
    SseAccess.commit(cpu);
    cpu.state.xmmInt(destination, result);
  }

  static Operation scalarDouble(OnDouble element) {
    return (cpu, i) -> {
      FloatGuard.sse(cpu.state);
      scalarDouble(cpu, i.destination, element, SseAccess.source64(cpu, i));
    };
  }

  /** Applies an operation to the lower element of a register and a source. */
  static void scalarDouble(Cpu cpu, int destination, OnDouble element, long source) {
    SseDouble unit = SseAccess.begin(cpu).doubles();
    long result = element.apply(unit, cpu.state.xmmLow(destination), source);
    SseAccess.commit(cpu);
    cpu.state.xmmLow(destination, result);
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
      packed(cpu, i.destination, element, low, high);
    };
  }

  /** Applies an operation to both elements of a register and a source. */
  static void packed(Cpu cpu, int destination, OnDouble element, long low, long high) {
    CpuState s = cpu.state;
    SseDouble unit = SseAccess.begin(cpu).doubles();
    long newLow = element.apply(unit, s.xmmLow(destination), low);
    long newHigh = element.apply(unit, s.xmmHigh(destination), high);
    SseAccess.commit(cpu);
    SseAccess.set(s, destination, newLow, newHigh);
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
