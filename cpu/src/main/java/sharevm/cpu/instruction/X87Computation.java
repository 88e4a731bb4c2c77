package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.Real;
import sharevm.cpu.real.X87Arithmetic;
import sharevm.cpu.real.X87Context;
import sharevm.cpu.real.X87Remainder;
import sharevm.cpu.real.X87State;
import sharevm.cpu.real.X87Unit;

/** x87 arithmetic and comparison. SDM Vol. 1, 8.3.5 and 8.3.6. */
final class X87Computation {
  /** Opcode bytes with integers in memory: of 32 and of 16 bits. */
  private static final int INTEGER_32 = 0xda;

  private static final int INTEGER_16 = 0xde;
  private static final int REAL_32 = 0xd8;

  private X87Computation() {}

  private interface Binary {
    void apply(X87Arithmetic arithmetic, Real destination, Real source);
  }

  private interface Unary {
    void apply(X87Arithmetic arithmetic, Real a);
  }

  static void bind(Semantics semantics) {
    bindBinary(semantics, "ADD", X87Arithmetic::add);
    bindBinary(semantics, "MUL", X87Arithmetic::multiply);
    bindBinary(semantics, "SUB", X87Arithmetic::subtract);
    bindBinary(semantics, "SUBR", (unit, a, b) -> unit.subtract(b, a));
    bindBinary(semantics, "DIV", X87Arithmetic::divide);
    bindBinary(semantics, "DIVR", (unit, a, b) -> unit.divide(b, a));
    bindUnary(semantics, "FSQRT", X87Arithmetic::squareRoot);
    bindUnary(semantics, "FRNDINT", X87Arithmetic::roundToInteger);
    semantics.put("FSCALE", X87Computation::scale);
    semantics.put("FPREM", (cpu, i) -> remainder(cpu, i, false));
    semantics.put("FPREM1", (cpu, i) -> remainder(cpu, i, true));
    semantics.put("FXTRACT", X87Computation::extract);
    semantics.put("FCHS", (cpu, i) -> sign(cpu, i, 0xffff, 0x8000));
    semantics.put("FABS", (cpu, i) -> sign(cpu, i, 0x7fff, 0));
    semantics.put("FXAM", X87Computation::examine);
    semantics.put("FTST", X87Computation::test);
    bindCompare(semantics, "FCOM", 0, true);
    bindCompare(semantics, "FCOMP", 1, true);
    bindCompare(semantics, "FICOM", 0, true);
    bindCompare(semantics, "FICOMP", 1, true);
    bindCompare(semantics, "FCOMPP", 2, true);
    bindCompare(semantics, "FUCOM", 0, false);
    bindCompare(semantics, "FUCOMP", 1, false);
    bindCompare(semantics, "FUCOMPP", 2, false);
    semantics.put("FCOMI", (cpu, i) -> compareFlags(cpu, i, false, true));
    semantics.put("FCOMIP", (cpu, i) -> compareFlags(cpu, i, true, true));
    semantics.put("FUCOMI", (cpu, i) -> compareFlags(cpu, i, false, false));
    semantics.put("FUCOMIP", (cpu, i) -> compareFlags(cpu, i, true, false));
  }

  private static void bindBinary(Semantics semantics, String name, Binary operation) {
    semantics.choose("F" + name, i -> binary(operation, i));
    semantics.choose("FI" + name, i -> binary(operation, i));
    Operation popping =
        (cpu, i) -> registers(cpu, X87Execution.begin(cpu, i), operation, i.destination, true);
    semantics.put("F" + name + "P", popping);
  }

  private static Operation binary(Binary operation, Instruction form) {
    if (form.memory) {
      return (cpu, i) -> withMemory(cpu, i, operation);
    }
    if (form.destination == 0) {
      return (cpu, i) -> fromStack(cpu, X87Execution.begin(cpu, i), operation, i.source);
    }
    return (cpu, i) -> registers(cpu, X87Execution.begin(cpu, i), operation, i.destination, false);
  }

  /** {@code ST(destination) = ST(destination) op ST(0)}. */
  private static void registers(
      Cpu cpu, X87State x, Binary operation, int destination, boolean pop) {
    if (x.isEmpty(0) || x.isEmpty(destination)) {
      X87Execution.underflow(x, destination, pop);
      return;
    }
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(destination, unit.first());
    x.load(0, unit.second());
    operation.apply(unit.arithmetic(), unit.first(), unit.second());
    X87Execution.deliver(x, context, destination, pop);
  }

  /** {@code ST(0) = ST(0) op ST(source)}. */
  private static void fromStack(Cpu cpu, X87State x, Binary operation, int source) {
    if (x.isEmpty(0) || x.isEmpty(source)) {
      X87Execution.underflow(x, 0, false);
      return;
    }
    x.load(source, cpu.x87.second());
    toTop(cpu, x, operation);
  }

  private static void withMemory(Cpu cpu, Instruction i, Binary operation) {
    X87State x = loadOperand(cpu, i);
    if (x.isEmpty(0)) {
      X87Execution.underflow(x, 0, false);
      return;
    }
    toTop(cpu, x, operation);
  }

  /** {@code ST(0) = ST(0) op second operand}. */
  private static void toTop(Cpu cpu, X87State x, Binary operation) {
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(0, unit.first());
    operation.apply(unit.arithmetic(), unit.first(), unit.second());
    X87Execution.deliver(x, context, 0, false);
  }

  /** Begins an instruction and takes its memory operand as the second operand. */
  private static X87State loadOperand(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    Real operand = cpu.x87.second();
    switch (i.opcode.code()) {
      case REAL_32 -> operand.setSingle(cpu.memory.load32(i));
      case INTEGER_32 -> operand.setInteger(cpu.memory.load32(i));
      case INTEGER_16 -> operand.setInteger((short) cpu.memory.load16(i));
      default -> operand.setDouble(cpu.memory.load64(i));
    }
    return X87Execution.beginMemory(cpu, i);
  }

  private static void bindUnary(Semantics semantics, String name, Unary operation) {
    semantics.put(
        name,
        (cpu, i) -> {
          X87State x = X87Execution.begin(cpu, i);
          if (x.isEmpty(0)) {
            X87Execution.underflow(x, 0, false);
            return;
          }
          X87Context context = X87Execution.context(cpu);
          x.load(0, cpu.x87.first());
          operation.apply(cpu.x87.arithmetic(), cpu.x87.first());
          X87Execution.deliver(x, context, 0, false);
        });
  }

  private static void scale(Cpu cpu, Instruction i) {
    fromStack(cpu, X87Execution.begin(cpu, i), X87Arithmetic::scale, 1);
  }

  private static void remainder(Cpu cpu, Instruction i, boolean nearest) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(0) || x.isEmpty(1)) {
      X87Execution.underflow(x, 0, false);
      x.clearC2();
      return;
    }
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(0, unit.first());
    x.load(1, unit.second());
    int conditions = unit.remainder().remainder(unit.first(), unit.second(), nearest);
    X87Execution.deliver(x, context, 0, false);
    if (conditions == X87Remainder.NO_QUOTIENT) {
      x.clearC2();
    } else {
      x.setConditions(conditions);
    }
  }

  private static void extract(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(0)) {
      if (X87Execution.invalidMasked(x)) {
        x.setIndefinite(0);
        x.decrementTop();
        x.setIndefinite(0);
      }
      X87Execution.underflow(x);
      return;
    }
    if (X87Execution.full(x)) {
      if (X87Execution.invalidMasked(x)) {
        x.setIndefinite(0);
      }
      X87Execution.overflow(x);
      return;
    }
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(0, unit.first());
    unit.arithmetic().extract(unit.first());
    x.setC1(false);
    if (!context.stopsRegister()) {
      X87Execution.push(x, context);
      unit.arithmetic().deliverExtractedExponent();
      x.set(1, context);
    }
    x.raise(context.raised());
  }

  private static void sign(Cpu cpu, Instruction i, int keep, int flip) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(0)) {
      X87Execution.underflow(x, 0, false);
      return;
    }
    x.set(0, x.signExponent(0) & keep ^ flip, x.significand(0));
    x.setC1(false);
  }

  private static void examine(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    Real a = cpu.x87.first();
    x.load(0, a);
    int kind = x.isEmpty(0) ? X87State.C3 | X87State.C0 : X87Arithmetic.examine(a);
    x.setConditions(kind | ((x.signExponent(0) & 0x8000) != 0 ? X87State.C1 : 0));
  }

  private static void test(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    cpu.x87.second().setInteger(0);
    compare(cpu, x, true);
  }

  private static void bindCompare(
      Semantics semantics, String name, int pops, boolean quietNanInvalid) {
    semantics.put(
        name,
        (cpu, i) -> {
          X87State x = i.memory ? loadOperand(cpu, i) : X87Execution.begin(cpu, i);
          boolean done;
          if (!i.memory && x.isEmpty(comparand(i))) {
            done = compareEmpty(x);
          } else {
            if (!i.memory) {
              x.load(comparand(i), cpu.x87.second());
            }
            done = compare(cpu, x, quietNanInvalid);
          }
          for (int n = 0; done && n < pops; n++) {
            x.pop();
          }
        });
  }

  /** The forms without operands compare with ST(1). */
  private static int comparand(Instruction i) {
    return i.opcode.operands().isEmpty() ? 1 : i.destination;
  }

  /** Compares ST(0) with the second operand; returns whether to go on and pop. */
  private static boolean compare(Cpu cpu, X87State x, boolean quietNanInvalid) {
    if (x.isEmpty(0)) {
      return compareEmpty(x);
    }
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(0, unit.first());
    x.setConditions(unit.arithmetic().compare(unit.first(), unit.second(), quietNanInvalid));
    x.raise(context.raised());
    return !context.stopsRegister();
  }

  private static boolean compareEmpty(X87State x) {
    x.setConditions(X87Arithmetic.UNORDERED);
    X87Execution.underflow(x);
    return X87Execution.invalidMasked(x);
  }

  /**
   * FCOMI and its kin. The manual keeps EFLAGS on an unmasked invalid operation and clears C1; AMD
   * family 19h sets EFLAGS all the same and leaves C1 alone but for stack faults, and so does this.
   */
  private static void compareFlags(Cpu cpu, Instruction i, boolean pop, boolean quietNanInvalid) {
    X87State x = X87Execution.begin(cpu, i);
    CpuState s = cpu.state;
    if (x.isEmpty(0) || x.isEmpty(i.source)) {
      X87Execution.underflow(x);
      Flags.status(s, flags(X87Arithmetic.UNORDERED));
      if (pop && X87Execution.invalidMasked(x)) {
        x.pop();
      }
      return;
    }
    X87Unit unit = cpu.x87;
    X87Context context = X87Execution.context(cpu);
    x.load(0, unit.first());
    x.load(i.source, unit.second());
    int order = unit.arithmetic().compare(unit.first(), unit.second(), quietNanInvalid);
    x.raise(context.raised());
    Flags.status(s, flags(order));
    if (pop && !context.stopsRegister()) {
      x.pop();
    }
  }

  /** C3, C2, C0 as ZF, PF, CF; OF, SF and AF are cleared. */
  private static int flags(int order) {
    return ((order & X87State.C3) != 0 ? Flags.ZF : 0)
        | ((order & X87State.C2) != 0 ? Flags.PF : 0)
        | ((order & X87State.C0) != 0 ? Flags.CF : 0);
  }
}
