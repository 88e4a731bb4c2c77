package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType.Kind;

/** The MMX registers, which are the significands of the x87 registers (Intel SDM Vol. 3A 13.1). */
final class MmxAccess {
  private MmxAccess() {}

  /** Returns whether an instruction's operand is an MMX register or its memory form. */
  static boolean isMmx(Instruction i, int operand) {
    return i.opcode.operands().get(operand).kind() == Kind.MMX;
  }

  /**
   * Makes all registers valid and TOP 0, as every MMX instruction but EMMS does once it cannot
   * fault any more.
   */
  static void enter(Cpu cpu) {
    cpu.state.x87.enterMmx();
  }

  /** Returns a register. */
  static long get(Cpu cpu, int n) {
    return cpu.state.x87.mmx(n);
  }

  /** Sets a register and does what {@link #enter} does. */
  static void set(Cpu cpu, int n, long value) {
    enter(cpu);
    cpu.state.x87.setMmx(n, value);
  }

  /** Returns a source that is an MMX register or 8 bytes in memory. */
  static long source(Cpu cpu, Instruction i) {
    return i.memory ? cpu.memory.load64(i) : get(cpu, i.source);
  }
}
