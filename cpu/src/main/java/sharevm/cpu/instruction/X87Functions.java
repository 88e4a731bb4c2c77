package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.Real;
import sharevm.cpu.real.X87Constant;
import sharevm.cpu.real.X87Context;
import sharevm.cpu.real.X87State;
import sharevm.cpu.real.X87Transcendental;

/** x87 transcendental instructions. SDM Vol. 1, 8.3.7 to 8.3.10. */
final class X87Functions {
  private X87Functions() {}

  private interface Unary {
    void apply(X87Transcendental functions, Real a);
  }

  /** A function of ST(0) and ST(1). */
  private interface Binary {
    void apply(X87Transcendental functions, Real top, Real second);
  }

  static void bind(Semantics semantics) {
    semantics.put("F2XM1", X87Functions::powerOfTwo);
    semantics.put("FSIN", angle(X87Transcendental::sine));
    semantics.put("FCOS", angle(X87Transcendental::cosine));
    semantics.put("FPTAN", (cpu, i) -> pushing(cpu, i, false));
    semantics.put("FSINCOS", (cpu, i) -> pushing(cpu, i, true));
    semantics.put("FPATAN", popping((functions, top, second) -> functions.arcTangent(second, top)));
    semantics.put("FYL2X", popping(X87Transcendental::yLog2));
    semantics.put("FYL2XP1", popping(X87Transcendental::yLog2Plus1));
  }

  private static void powerOfTwo(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(0)) {
      X87Execution.underflow(x, 0, false);
      return;
    }
    X87Context context = X87Execution.context(cpu);
    x.load(0, cpu.x87.first());
    cpu.x87.transcendental().powerOfTwoLessOne(cpu.x87.first());
    X87Execution.deliver(x, context, 0, false);
  }

  private static Operation angle(Unary function) {
    return (cpu, i) -> {
      X87State x = X87Execution.begin(cpu, i);
      x.clearC2();
      if (x.isEmpty(0)) {
        X87Execution.underflow(x, 0, false);
        return;
      }
      X87Context context = X87Execution.context(cpu);
      x.load(0, cpu.x87.first());
      if (outOfRange(x, cpu.x87.first())) {
        return;
      }
      function.apply(cpu.x87.transcendental(), cpu.x87.first());
      X87Execution.deliver(x, context, 0, false);
    };
  }

  /** The operand stays and C2 says so where it is too large to be reduced. */
  private static boolean outOfRange(X87State x, Real a) {
    if (!X87Transcendental.outOfRange(a)) {
      return false;
    }
    x.setC1(false);
    x.setC2();
    return true;
  }

  /** FPTAN pushes 1 after its result, FSINCOS the cosine. */
  private static void pushing(Cpu cpu, Instruction i, boolean cosine) {
    X87State x = X87Execution.begin(cpu, i);
    x.clearC2();
    if (x.isEmpty(0) || X87Execution.full(x)) {
      stackFault(x);
      return;
    }
    X87Context context = X87Execution.context(cpu);
    X87Transcendental functions = cpu.x87.transcendental();
    Real a = cpu.x87.first();
    x.load(0, a);
    if (outOfRange(x, a)) {
      return;
    }
    if (cosine) {
      functions.sine(a);
    } else {
      functions.tangent(a);
    }
    int raised = context.raised();
    X87Execution.deliver(x, context, 0, false);
    if (context.stopsRegister()) {
      return;
    }
    if (cosine) {
      functions.cosine(a);
      raised |= context.raised();
      x.setC1(context.roundedUp());
      X87Execution.push(x, context);
    } else if (isNan(x)) {
      x.decrementTop();
      x.set(0, x.signExponent(1), x.significand(1));
    } else {
      x.decrementTop();
      x.set(0, X87Constant.FLD1.signExponent(), X87Constant.FLD1.significand(0));
    }
    x.raise(raised);
  }

  private static boolean isNan(X87State x) {
    return (x.signExponent(0) & 0x7fff) == 0x7fff;
  }

  private static void stackFault(X87State x) {
    boolean empty = x.isEmpty(0);
    if (X87Execution.invalidMasked(x)) {
      x.setIndefinite(0);
      if (empty) {
        x.decrementTop();
        x.setIndefinite(0);
      }
    }
    if (empty) {
      X87Execution.underflow(x);
    } else {
      X87Execution.overflow(x);
    }
  }

  private static Operation popping(Binary function) {
    return (cpu, i) -> {
      X87State x = X87Execution.begin(cpu, i);
      if (x.isEmpty(0) || x.isEmpty(1)) {
        X87Execution.underflow(x, 1, true);
        return;
      }
      X87Context context = X87Execution.context(cpu);
      x.load(0, cpu.x87.first());
      x.load(1, cpu.x87.second());
      function.apply(cpu.x87.transcendental(), cpu.x87.first(), cpu.x87.second());
      X87Execution.deliver(x, context, 1, true);
    };
  }
}
