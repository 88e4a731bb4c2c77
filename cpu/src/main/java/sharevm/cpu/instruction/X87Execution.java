package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.FloatException;
import sharevm.cpu.real.X87Context;
import sharevm.cpu.real.X87State;

/**
 * What x87 instructions have in common: guards, the pointers for exception handlers, stack faults,
 * delivery. SDM Vol. 1, 8.1.8, 8.5.1.1 and 8.7.
 */
final class X87Execution {
  private static final int STACK_EXCEPTION = FloatException.INVALID | X87State.STACK_FAULT;

  private X87Execution() {}

  /** Begins an instruction without memory operand. */
  static X87State begin(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    return note(cpu, i);
  }

  /** Begins an instruction whose memory operand was read, or is to be written last. */
  static X87State beginMemory(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    s.x87.setData(i.address(s), s.selector[i.segment]);
    return note(cpu, i);
  }

  private static X87State note(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    X87State x = s.x87;
    x.setInstruction(i.ownRip(s), s.selector[CpuState.CS], (i.opcode.code() & 7) << 8 | i.modrm);
    return x;
  }

  /** The arithmetic's context under the present control word. */
  static X87Context context(Cpu cpu) {
    X87Context context = cpu.x87.context();
    context.setControl(cpu.state.x87.controlWord());
    return context;
  }

  static boolean invalidMasked(X87State x) {
    return (x.controlWord() & FloatException.INVALID) != 0;
  }

  /** Writes an operation's result to ST(destination) and pops, unless an exception forbids it. */
  static void deliver(X87State x, X87Context context, int destination, boolean pop) {
    x.setC1(context.roundedUp());
    if (!context.stopsRegister()) {
      x.set(destination, context);
      if (pop) {
        x.pop();
      }
    }
    x.raise(context.raised());
  }

  /** The response to an empty source whose result would have gone to ST(destination). */
  static void underflow(X87State x, int destination, boolean pop) {
    if (invalidMasked(x)) {
      x.setIndefinite(destination);
      if (pop) {
        x.pop();
      }
    }
    underflow(x);
  }

  /** Notes that an empty register was read. */
  static void underflow(X87State x) {
    x.setC1(false);
    x.raise(STACK_EXCEPTION);
  }

  /** Whether a push would hit a register that is not empty. */
  static boolean full(X87State x) {
    return !x.isEmpty(7);
  }

  /** The response to a push onto a full stack. */
  static void overflow(X87State x) {
    if (invalidMasked(x)) {
      x.decrementTop();
      x.setIndefinite(0);
    }
    x.setC1(true);
    x.raise(STACK_EXCEPTION);
  }

  /** Pushes an operation's result on a stack that is not full. */
  static void push(X87State x, X87Context context) {
    x.decrementTop();
    x.set(0, context);
  }
}
