package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.SseDouble;
import sharevm.cpu.real.SseSingle;
import sharevm.cpu.real.SseUnit;

/** Conversion between integers, single and double precision. */
final class SseConvert {
  private SseConvert() {}

  /** What makes an integer of a single. */
  @FunctionalInterface
  private interface FromSingle {
    int apply(SseSingle unit, int bits);
  }

  /** What makes an integer or a single of a double. */
  @FunctionalInterface
  private interface FromDouble {
    int apply(SseDouble unit, long bits);
  }

  static void bind(Semantics semantics) {
    semantics.put("CVTSI2SS", SseConvert::integerToSingle);
    semantics.put("CVTSI2SD", SseConvert::integerToDouble);
    semantics.put("CVTSS2SI", (cpu, i) -> singleToInteger(cpu, i, false));
    semantics.put("CVTTSS2SI", (cpu, i) -> singleToInteger(cpu, i, true));
    semantics.put("CVTSD2SI", (cpu, i) -> doubleToInteger(cpu, i, false));
    semantics.put("CVTTSD2SI", (cpu, i) -> doubleToInteger(cpu, i, true));
    semantics.put("CVTSS2SD", SseConvert::singleToDouble);
    semantics.put("CVTSD2SS", SseConvert::doubleToSingle);
    semantics.put("CVTPS2PD", SseConvert::singlesToDoubles);
    semantics.put("CVTPD2PS", doublesToInts(SseDouble::toSingle));
    semantics.put("CVTDQ2PS", SseArithmetic.packedSingle((unit, a, b) -> unit.fromInt(b)));
    semantics.put("CVTPS2DQ", SseArithmetic.packedSingle((unit, a, b) -> unit.toInt(b)));
    semantics.put("CVTTPS2DQ", SseArithmetic.packedSingle((unit, a, b) -> unit.truncateToInt(b)));
    semantics.put("CVTPD2DQ", doublesToInts(SseDouble::toInt));
    semantics.put("CVTTPD2DQ", doublesToInts(SseDouble::truncateToInt));
    semantics.put("CVTDQ2PD", SseConvert::intsToDoubles);
    semantics.put("CVTPI2PS", SseConvert::mmxToSingles);
    semantics.put("CVTPI2PD", SseConvert::mmxToDoubles);
    semantics.put("CVTPS2PI", singlesToMmx(SseSingle::toInt));
    semantics.put("CVTTPS2PI", singlesToMmx(SseSingle::truncateToInt));
    semantics.put("CVTPD2PI", doublesToMmx(SseDouble::toInt));
    semantics.put("CVTTPD2PI", doublesToMmx(SseDouble::truncateToInt));
  }

  /** Returns the general register or memory that is the source, sign-extended. */
  private static long integer(Cpu cpu, Instruction i) {
    if (i.size == 8) {
      return i.memory ? cpu.memory.load64(i) : cpu.state.r64(i.source);
    }
    return i.memory ? cpu.memory.load32(i) : cpu.state.r32(i.source);
  }

  private static void integerToSingle(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long value = integer(cpu, i);
    int result = SseAccess.begin(cpu).singles().fromLong(value);
    SseAccess.commit(cpu);
    cpu.state.xmmInt(i.destination, result);
  }

  private static void integerToDouble(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long value = integer(cpu, i);
    if (value == (int) value) {
      cpu.state.xmmLow(i.destination, Double.doubleToRawLongBits((double) value));
      return;
    }
    long result = SseAccess.begin(cpu).doubles().fromLong(value);
    SseAccess.commit(cpu);
    cpu.state.xmmLow(i.destination, result);
  }

  private static void singleToInteger(Cpu cpu, Instruction i, boolean truncate) {
    FloatGuard.sse(cpu.state);
    int source = SseAccess.source32(cpu, i);
    SseSingle unit = SseAccess.begin(cpu).singles();
    long result;
    if (i.size == 8) {
      result = truncate ? unit.truncateToLong(source) : unit.toLong(source);
    } else {
      result = truncate ? unit.truncateToInt(source) : unit.toInt(source);
    }
    SseAccess.commit(cpu);
    cpu.state.r(i.destination, i.size, result);
  }

  private static void doubleToInteger(Cpu cpu, Instruction i, boolean truncate) {
    FloatGuard.sse(cpu.state);
    long source = SseAccess.source64(cpu, i);
    SseDouble unit = SseAccess.begin(cpu).doubles();
    long result;
    if (i.size == 8) {
      result = truncate ? unit.truncateToLong(source) : unit.toLong(source);
    } else {
      result = truncate ? unit.truncateToInt(source) : unit.toInt(source);
    }
    SseAccess.commit(cpu);
    cpu.state.r(i.destination, i.size, result);
  }

  private static void singleToDouble(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    int source = SseAccess.source32(cpu, i);
    long result = SseAccess.begin(cpu).singles().toDouble(source);
    SseAccess.commit(cpu);
    cpu.state.xmmLow(i.destination, result);
  }

  private static void doubleToSingle(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long source = SseAccess.source64(cpu, i);
    int result = SseAccess.begin(cpu).doubles().toSingle(source);
    SseAccess.commit(cpu);
    cpu.state.xmmInt(i.destination, result);
  }

  private static void singlesToDoubles(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long source = SseAccess.source64(cpu, i);
    SseSingle unit = SseAccess.begin(cpu).singles();
    long low = unit.toDouble((int) source);
    long high = unit.toDouble((int) (source >>> 32));
    SseAccess.commit(cpu);
    SseAccess.set(cpu.state, i.destination, low, high);
  }

  private static void intsToDoubles(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long source = SseAccess.source64(cpu, i);
    long low = Double.doubleToRawLongBits((int) source);
    SseAccess.set(cpu.state, i.destination, low, Double.doubleToRawLongBits((int) (source >>> 32)));
  }

  /** Converts both doubles to 32 bits each and clears the upper half. */
  private static Operation doublesToInts(FromDouble element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      long result = both(SseAccess.begin(cpu), element, low, high);
      SseAccess.commit(cpu);
      SseAccess.set(s, i.destination, result, 0);
    };
  }

  private static long both(SseUnit unit, FromDouble element, long low, long high) {
    int first = element.apply(unit.doubles(), low);
    return SseArithmetic.pair(first, element.apply(unit.doubles(), high));
  }

  /** The unit is in MMX state also when arithmetic faults, as on processors. */
  private static Operation doublesToMmx(FromDouble element) {
    return (cpu, i) -> {
      CpuState s = cpu.state;
      FloatGuard.sse(s);
      FloatGuard.mmx(cpu);
      long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
      long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
      long result = both(SseAccess.begin(cpu), element, low, high);
      MmxAccess.enter(cpu);
      SseAccess.commit(cpu);
      MmxAccess.set(cpu, i.destination, result);
    };
  }

  private static Operation singlesToMmx(FromSingle element) {
    return (cpu, i) -> {
      FloatGuard.sse(cpu.state);
      FloatGuard.mmx(cpu);
      long source = SseAccess.source64(cpu, i);
      SseSingle unit = SseAccess.begin(cpu).singles();
      int low = element.apply(unit, (int) source);
      long result = SseArithmetic.pair(low, element.apply(unit, (int) (source >>> 32)));
      MmxAccess.enter(cpu);
      SseAccess.commit(cpu);
      MmxAccess.set(cpu, i.destination, result);
    };
  }

  /**
   * Returns two integers; from memory they leave the x87 state alone (Intel SDM Vol. 2A CVTPI2PD).
   */
  private static long integers(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    if (i.memory) {
      return cpu.memory.load64(i);
    }
    FloatGuard.mmx(cpu);
    MmxAccess.enter(cpu);
    return MmxAccess.get(cpu, i.source);
  }

  private static void mmxToSingles(Cpu cpu, Instruction i) {
    long source = integers(cpu, i);
    SseSingle unit = SseAccess.begin(cpu).singles();
    int low = unit.fromInt((int) source);
    long result = SseArithmetic.pair(low, unit.fromInt((int) (source >>> 32)));
    SseAccess.commit(cpu);
    cpu.state.xmmLow(i.destination, result);
  }

  private static void mmxToDoubles(Cpu cpu, Instruction i) {
    long source = integers(cpu, i);
    long low = Double.doubleToRawLongBits((int) source);
    SseAccess.set(cpu.state, i.destination, low, Double.doubleToRawLongBits((int) (source >>> 32)));
  }
}
