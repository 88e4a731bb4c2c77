package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;

/**
 * Pushes and pops (Intel SDM Vol. 1 6.2): the stack pointer wraps at the stack segment's address
 * size.
 */
public final class Stack {
  private Stack() {}

  /** Returns the segment for implicit stack accesses. */
  public static int segment(CpuState s) {
    return s.code64 ? CpuState.FLAT_STACK : CpuState.SS;
  }

  /** Returns the stack pointer. */
  public static long pointer(CpuState s) {
    return s.gpr[CpuState.RSP] & s.stackMask;
  }

  /** Moves the stack pointer, leaving the bits of RSP alone that are not part of it. */
  public static void pointer(CpuState s, long value) {
    long mask = s.stackMask;
    s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~mask | value & mask;
  }

  /** Pushes the low {@code size} bytes (2, 4, 8) of a value. */
  public static void push(Cpu cpu, int size, long value) {
    CpuState s = cpu.state;
    long top = s.gpr[CpuState.RSP] - size & s.stackMask;
    cpu.memory.store(segment(s), top, size, value);
    pointer(s, top);
  }

  /** Returns the value on top of the stack, zero-extended, and leaves it there. */
  public static long peek(Cpu cpu, int size) {
    return cpu.memory.load(segment(cpu.state), pointer(cpu.state), size);
  }

  /** Takes {@code bytes} off the stack. */
  public static void drop(CpuState s, long bytes) {
    pointer(s, s.gpr[CpuState.RSP] + bytes);
  }

  /** Pops {@code size} bytes (2, 4, 8), zero-extended. */
  public static long pop(Cpu cpu, int size) {
    long value = peek(cpu, size);
    drop(cpu.state, size);
    return value;
  }
}
