package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.SseUnit;

/** What all instructions on XMM registers share: where their source is, how arithmetic ends. */
final class SseAccess {
  private SseAccess() {}

  /** Returns the low 8 bytes of a source that is an XMM register or 8 bytes in memory. */
  static long source64(Cpu cpu, Instruction i) {
    return i.memory ? cpu.memory.load64(i) : cpu.state.xmmLow(i.source);
  }

  /** Returns the low 4 bytes of a source that is an XMM register or 4 bytes in memory. */
  static int source32(Cpu cpu, Instruction i) {
    return i.memory ? cpu.memory.load32(i) : cpu.state.xmmInt(i.source);
  }

  /** Sets both halves of a register. */
  static void set(CpuState s, int n, long low, long high) {
    s.xmmLow(n, low);
    s.xmmHigh(n, high);
  }

  /** Starts floating-point arithmetic under MXCSR. */
  static SseUnit begin(Cpu cpu) {
    SseUnit unit = cpu.sse;
    unit.begin(cpu.state.mxcsr());
    return unit;
  }

  /**
   * Ends floating-point arithmetic, before its result is stored: MXCSR keeps the exceptions; an
   * unmasked one faults.
   */
  static void commit(Cpu cpu) {
    SseUnit unit = cpu.sse;
    if (!unit.raisedAny()) {
      return;
    }
    boolean fault = unit.commit();
    cpu.state.mxcsr(unit.mxcsr());
    if (fault) {
      throw FloatGuard.simdException(cpu.state);
    }
  }
}
