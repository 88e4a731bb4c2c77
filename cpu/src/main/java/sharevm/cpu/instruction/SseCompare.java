package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.instruction.SseArithmetic.OnDouble;
import sharevm.cpu.instruction.SseArithmetic.OnSingle;
import sharevm.cpu.real.PlainDouble;

/** Comparison of floating-point numbers, into masks and into flags. */
final class SseCompare {
  private SseCompare() {}

  static void bind(Semantics semantics) {
    semantics.choose("CMPPS", i -> SseArithmetic.packedSingle(singles(i)));
    semantics.choose("CMPSS", i -> SseArithmetic.scalarSingle(singles(i)));
    semantics.choose("CMPPD", i -> SseArithmetic.packedDouble(doubles(i)));
    semantics.choose("CMPSD", i -> SseArithmetic.scalarDouble(doubles(i)));
    semantics.put("UCOMISS", (cpu, i) -> orderSingles(cpu, i, false));
    semantics.put("COMISS", (cpu, i) -> orderSingles(cpu, i, true));
    semantics.put("UCOMISD", (cpu, i) -> orderDoubles(cpu, i, false));
    semantics.put("COMISD", (cpu, i) -> orderDoubles(cpu, i, true));
  }

  /** The predicate is in the immediate's low three bits; the others are reserved and ignored. */
  private static OnSingle singles(Instruction i) {
    int predicate = (int) i.immediate & 7;
    return (unit, a, b) -> unit.compare(a, b, predicate) ? -1 : 0;
  }

  private static OnDouble doubles(Instruction i) {
    int predicate = (int) i.immediate & 7;
    return (unit, a, b) -> unit.compare(a, b, predicate) ? -1 : 0;
  }

  private static void orderSingles(Cpu cpu, Instruction i, boolean quietNanInvalid) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int b = SseAccess.source32(cpu, i);
    int a = s.xmmInt(i.destination);
    int flags = SseAccess.begin(cpu).singles().order(a, b, quietNanInvalid);
    SseAccess.commit(cpu);
    Flags.status(s, flags);
  }

  private static void orderDoubles(Cpu cpu, Instruction i, boolean quietNanInvalid) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long b = SseAccess.source64(cpu, i);
    long a = s.xmmLow(i.destination);
    if (PlainDouble.ordinary(a) && PlainDouble.ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      Flags.status(s, x < y ? Flags.CF : x == y ? Flags.ZF : 0);
      return;
    }
    int flags = SseAccess.begin(cpu).doubles().order(a, b, quietNanInvalid);
    SseAccess.commit(cpu);
    Flags.status(s, flags);
  }
}
