package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;

/**
 * Reads and writes operands of any form and size; for instructions that are not worth a form of
 * their own.
 */
final class Operands {
  private Operands() {}

  /**
   * Returns a general register's value, zero-extended; a byte register is numbered as {@link
   * CpuState#r8(int)} says.
   */
  static long register(CpuState s, int number, int size) {
    return size == 1 ? s.r8(number) : s.r(number, size);
  }

  /** Sets a general register by the rules of its size. */
  static void register(CpuState s, int number, int size, long value) {
    if (size == 1) {
      s.r8(number, (int) value);
    } else {
      s.r(number, size, value);
    }
  }

  /** Returns an operand that is a register or in memory, zero-extended. */
  static long read(Cpu cpu, Instruction i, int operand, int size) {
    return operand == Instruction.MEMORY
        ? cpu.memory.load(i, size)
        : register(cpu.state, operand, size);
  }

  /** Writes an operand that is a register or in memory. */
  static void write(Cpu cpu, Instruction i, int operand, int size, long value) {
    if (operand == Instruction.MEMORY) {
      cpu.memory.store(i, size, value);
    } else {
      register(cpu.state, operand, size, value);
    }
  }

  /** Returns the second operand: register, memory or immediate. */
  static long source(Cpu cpu, Instruction i) {
    if (i.source == Instruction.MEMORY) {
      return cpu.memory.load(i, i.size);
    }
    return i.source == CpuState.ZERO ? i.immediate : register(cpu.state, i.source, i.size);
  }

  /** What a read-modify-write instruction makes of its destination. */
  @FunctionalInterface
  interface Change {
    /** Returns the new value and sets flags. */
    long apply(CpuState s, int shift, long destination, long source);
  }

  /** Changes the destination, atomically where the instruction is locked. */
  static void change(Cpu cpu, Instruction i, long source, Change change) {
    int size = i.size;
    int shift = Arithmetic.shift(size);
    CpuState s = cpu.state;
    if (i.destination != Instruction.MEMORY) {
      long value = register(s, i.destination, size);
      register(s, i.destination, size, change.apply(s, shift, value, source));
    } else if (i.lock) {
      changeLocked(cpu, i, source, change);
    } else {
      long value = cpu.memory.loadForUpdate(i, size);
      cpu.memory.update(size, change.apply(s, shift, value, source));
    }
  }

  private static void changeLocked(Cpu cpu, Instruction i, long source, Change change) {
    CpuState s = cpu.state;
    long result = s.flagsResult;
    long carry = s.flagsCarry;
    while (true) {
      long value = cpu.memory.loadForUpdate(i, i.size);
      long changed = change.apply(s, Arithmetic.shift(i.size), value, source);
      if (cpu.memory.compareAndSet(i, i.size, value, changed)) {
        return;
      }
      s.flagsResult = result;
      s.flagsCarry = carry;
    }
  }
}
