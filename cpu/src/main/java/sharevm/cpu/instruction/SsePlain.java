package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.instruction.SseArithmetic.OnDouble;
import sharevm.cpu.instruction.SseArithmetic.OnSingle;
import sharevm.cpu.real.PlainDouble;
import sharevm.cpu.real.PlainSingle;
import sharevm.cpu.real.SseDouble;
import sharevm.cpu.real.SseSingle;
import sharevm.cpu.real.SseUnit;

/**
 * The arithmetic that programs spend their time in: a method for each instruction, so that nothing
 * is called through an interface, which tries Java's arithmetic first and leaves what that refuses
 * to {@link SseArithmetic}.
 */
final class SsePlain {
  private SsePlain() {}

  static void bind(Semantics semantics) {
    semantics.put("ADDSD", SsePlain::addsd);
    semantics.put("SUBSD", SsePlain::subsd);
    semantics.put("MULSD", SsePlain::mulsd);
    semantics.put("DIVSD", SsePlain::divsd);
    semantics.put("SQRTSD", SsePlain::sqrtsd);
    semantics.put("ADDSS", SsePlain::addss);
    semantics.put("SUBSS", SsePlain::subss);
    semantics.put("MULSS", SsePlain::mulss);
    semantics.put("DIVSS", SsePlain::divss);
    semantics.put("ADDPD", SsePlain::addpd);
    semantics.put("SUBPD", SsePlain::subpd);
    semantics.put("MULPD", SsePlain::mulpd);
  }

  private static void finishDouble(
      Cpu cpu, Instruction i, long result, OnDouble element, long source) {
    if (result != PlainDouble.REFUSED && SseUnit.onlyRounds(cpu.state.mxcsr())) {
      cpu.state.xmmLow(i.destination, result);
    } else {
      SseArithmetic.scalarDouble(cpu, i.destination, element, source);
    }
  }

  private static void finishSingle(
      Cpu cpu, Instruction i, int result, OnSingle element, int source) {
    if (result != PlainSingle.REFUSED && SseUnit.onlyRounds(cpu.state.mxcsr())) {
      cpu.state.xmmInt(i.destination, result);
    } else {
      SseArithmetic.scalarSingle(cpu, i.destination, element, source);
    }
  }

  private static boolean isPlain(Cpu cpu, long low, long high) {
    return low != PlainDouble.REFUSED
        && high != PlainDouble.REFUSED
        && SseUnit.onlyRounds(cpu.state.mxcsr());
  }

  private static void addsd(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long b = SseAccess.source64(cpu, i);
    long result = PlainDouble.add(cpu.state.xmmLow(i.destination), b);
    finishDouble(cpu, i, result, SseDouble::add, b);
  }

  private static void subsd(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long b = SseAccess.source64(cpu, i);
    long result = PlainDouble.subtract(cpu.state.xmmLow(i.destination), b);
    finishDouble(cpu, i, result, SseDouble::subtract, b);
  }

  private static void mulsd(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long b = SseAccess.source64(cpu, i);
    long result = PlainDouble.multiply(cpu.state.xmmLow(i.destination), b);
    finishDouble(cpu, i, result, SseDouble::multiply, b);
  }

  private static void divsd(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long b = SseAccess.source64(cpu, i);
    long result = PlainDouble.divide(cpu.state.xmmLow(i.destination), b);
    finishDouble(cpu, i, result, SseDouble::divide, b);
  }

  private static void sqrtsd(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    long b = SseAccess.source64(cpu, i);
    finishDouble(cpu, i, PlainDouble.squareRoot(b), (unit, a, x) -> unit.squareRoot(x), b);
  }

  private static void addss(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    int b = SseAccess.source32(cpu, i);
    int result = PlainSingle.add(cpu.state.xmmInt(i.destination), b);
    finishSingle(cpu, i, result, SseSingle::add, b);
  }

  private static void subss(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    int b = SseAccess.source32(cpu, i);
    int result = PlainSingle.subtract(cpu.state.xmmInt(i.destination), b);
    finishSingle(cpu, i, result, SseSingle::subtract, b);
  }

  private static void mulss(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    int b = SseAccess.source32(cpu, i);
    int result = PlainSingle.multiply(cpu.state.xmmInt(i.destination), b);
    finishSingle(cpu, i, result, SseSingle::multiply, b);
  }

  private static void divss(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    int b = SseAccess.source32(cpu, i);
    int result = PlainSingle.divide(cpu.state.xmmInt(i.destination), b);
    finishSingle(cpu, i, result, SseSingle::divide, b);
  }

  private static void addpd(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long bLow = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long bHigh = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long low = PlainDouble.add(s.xmmLow(i.destination), bLow);
    long high = PlainDouble.add(s.xmmHigh(i.destination), bHigh);
    if (isPlain(cpu, low, high)) {
      SseAccess.set(s, i.destination, low, high);
    } else {
      SseArithmetic.packed(cpu, i.destination, SseDouble::add, bLow, bHigh);
    }
  }

  private static void subpd(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long bLow = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long bHigh = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long low = PlainDouble.subtract(s.xmmLow(i.destination), bLow);
    long high = PlainDouble.subtract(s.xmmHigh(i.destination), bHigh);
    if (isPlain(cpu, low, high)) {
      SseAccess.set(s, i.destination, low, high);
    } else {
      SseArithmetic.packed(cpu, i.destination, SseDouble::subtract, bLow, bHigh);
    }
  }

  private static void mulpd(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long bLow = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long bHigh = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long low = PlainDouble.multiply(s.xmmLow(i.destination), bLow);
    long high = PlainDouble.multiply(s.xmmHigh(i.destination), bHigh);
    if (isPlain(cpu, low, high)) {
      SseAccess.set(s, i.destination, low, high);
    } else {
      SseArithmetic.packed(cpu, i.destination, SseDouble::multiply, bLow, bHigh);
    }
  }
}
