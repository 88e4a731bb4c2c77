package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;

/** PCLMULQDQ: the product of two polynomials over GF(2) (Intel SDM Vol. 2B PCLMULQDQ). */
final class CarrylessMultiply {
  private CarrylessMultiply() {}

  static void bind(Semantics semantics) {
    semantics.put("PCLMULQDQ", CarrylessMultiply::multiply);
  }

  /** Bits 0 and 4 of the immediate choose the halves of destination and source. */
  private static void multiply(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long a = (i.immediate & 1) != 0 ? s.xmmHigh(i.destination) : s.xmmLow(i.destination);
    long b = (i.immediate & 0x10) != 0 ? high : low;
    long productLow = 0;
    long productHigh = 0;
    for (int n = 0; n < 64; n++) {
      long mask = -(b >>> n & 1);
      productLow ^= a << n & mask;
      productHigh ^= a >>> 1 >>> 63 - n & mask;
    }
    SseAccess.set(s, i.destination, productLow, productHigh);
  }
}
