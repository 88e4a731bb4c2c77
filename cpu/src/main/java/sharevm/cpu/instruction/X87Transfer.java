package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.X87Constant;
import sharevm.cpu.real.X87Context;
import sharevm.cpu.real.X87Conversion;
import sharevm.cpu.real.X87State;

/** x87 loads, stores, constants and moves between registers. SDM Vol. 1, 8.3.3 and 8.3.4. */
final class X87Transfer {
  private static final int INDEFINITE_SINGLE = 0xffc0_0000;
  private static final long INDEFINITE_DOUBLE = 0xfff8_0000_0000_0000L;
  private static final long INDEFINITE_SIGNIFICAND = 0xc000_0000_0000_0000L;

  private X87Transfer() {}

  /** Takes a memory operand into the result. */
  private interface Load {
    void convert(Cpu cpu, X87Conversion conversion, Instruction i);
  }

  /** Makes the bits to write from the first operand. */
  private interface Store {
    long convert(X87Conversion conversion, X87State x, Cpu cpu);
  }

  private interface Condition {
    boolean holds(CpuState s);
  }

  static void bind(Semantics semantics) {
    semantics.choose("FLD", X87Transfer::chooseLoad);
    semantics.choose("FILD", X87Transfer::chooseIntegerLoad);
    semantics.put("FBLD", X87Transfer::loadDecimal);
    semantics.choose("FST", i -> chooseStore(i, false));
    semantics.choose("FSTP", i -> chooseStore(i, true));
    semantics.choose("FIST", i -> integerStore(i, false, false));
    semantics.choose("FISTP", i -> integerStore(i, true, false));
    semantics.choose("FISTTP", i -> integerStore(i, true, true));
    semantics.put("FBSTP", X87Transfer::storeDecimal);
    semantics.put("FSTPNCE", X87Transfer::copyUnchecked);
    semantics.put("FXCH", X87Transfer::exchange);
    for (X87Constant constant : X87Constant.values()) {
      semantics.put(constant.name(), (cpu, i) -> loadConstant(cpu, i, constant));
    }
    bindMove(semantics, "FCMOVB", Flags::cf);
    bindMove(semantics, "FCMOVE", Flags::zf);
    bindMove(semantics, "FCMOVBE", s -> Flags.cf(s) || Flags.zf(s));
    bindMove(semantics, "FCMOVU", Flags::pf);
    bindMove(semantics, "FCMOVNB", s -> !Flags.cf(s));
    bindMove(semantics, "FCMOVNE", s -> !Flags.zf(s));
    bindMove(semantics, "FCMOVNBE", s -> !Flags.cf(s) && !Flags.zf(s));
    bindMove(semantics, "FCMOVNU", s -> !Flags.pf(s));
  }

  private static Operation chooseLoad(Instruction form) {
    if (!form.memory) {
      return X87Transfer::duplicate;
    }
    return switch (form.opcode.code()) {
      case 0xd9 -> load((cpu, c, i) -> c.fromSingle(cpu.memory.load32(i)));
      case 0xdd -> load((cpu, c, i) -> c.fromDouble(cpu.memory.load64(i)));
      default -> X87Transfer::loadExtended;
    };
  }

  private static Operation chooseIntegerLoad(Instruction form) {
    if (form.opcode.code() == 0xdb) {
      return load((cpu, c, i) -> c.fromInteger(cpu.memory.load32(i)));
    }
    return (form.modrm >> 3 & 7) == 0
        ? load((cpu, c, i) -> c.fromInteger((short) cpu.memory.load16(i)))
        : load((cpu, c, i) -> c.fromInteger(cpu.memory.load64(i)));
  }

  private static Operation load(Load load) {
    return (cpu, i) -> {
      FloatGuard.x87(cpu);
      X87Context context = X87Execution.context(cpu);
      load.convert(cpu, cpu.x87.conversion(), i);
      pushLoaded(cpu, i, context);
    };
  }

  private static void pushLoaded(Cpu cpu, Instruction i, X87Context context) {
    X87State x = X87Execution.beginMemory(cpu, i);
    if (X87Execution.full(x)) {
      X87Execution.overflow(x);
      return;
    }
    x.setC1(false);
    if (!context.stopsLoad()) {
      X87Execution.push(x, context);
    }
    x.raise(context.raised());
  }

  private static void loadExtended(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    long offset = i.address(cpu.state);
    long significand = cpu.memory.load64(i.segment, offset);
    int signExponent = cpu.memory.load16(i.segment, offset + 8 & i.addressMask);
    push(X87Execution.beginMemory(cpu, i), signExponent, significand);
  }

  private static void push(X87State x, int signExponent, long significand) {
    if (X87Execution.full(x)) {
      X87Execution.overflow(x);
      return;
    }
    x.setC1(false);
    x.decrementTop();
    x.set(0, signExponent, significand);
  }

  private static void loadDecimal(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    long offset = i.address(cpu.state);
    long low = cpu.memory.load64(i.segment, offset);
    int high = cpu.memory.load16(i.segment, offset + 8 & i.addressMask);
    X87Context context = X87Execution.context(cpu);
    cpu.x87.conversion().fromBcd(low, high);
    pushLoaded(cpu, i, context);
  }

  private static void loadConstant(Cpu cpu, Instruction i, X87Constant constant) {
    X87State x = X87Execution.begin(cpu, i);
    push(x, constant.signExponent(), constant.significand(x.controlWord()));
  }

  private static void duplicate(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(i.destination)) {
      if (X87Execution.invalidMasked(x)) {
        x.decrementTop();
        x.setIndefinite(0);
      }
      X87Execution.underflow(x);
    } else {
      push(x, x.signExponent(i.destination), x.significand(i.destination));
    }
  }

  private static Operation chooseStore(Instruction form, boolean pop) {
    if (!form.memory) {
      return (cpu, i) -> copy(cpu, i, pop);
    }
    return switch (form.opcode.code()) {
      case 0xd9 -> store(4, pop, INDEFINITE_SINGLE, (c, x, cpu) -> c.toSingle(cpu.x87.first()));
      case 0xdd -> store(8, pop, INDEFINITE_DOUBLE, (c, x, cpu) -> c.toDouble(cpu.x87.first()));
      default -> X87Transfer::storeExtended;
    };
  }

  private static Operation integerStore(Instruction form, boolean pop, boolean truncate) {
    int size =
        switch (form.opcode.code()) {
          case 0xdb -> 4;
          case 0xdd -> 8;
          default -> (form.modrm >> 3 & 7) == 7 ? 8 : 2;
        };
    return store(
        size,
        pop,
        -1L << (8 * size - 1),
        (c, x, cpu) -> c.toInteger(cpu.x87.first(), 8 * size, truncate));
  }

  private static Operation store(int size, boolean pop, long indefinite, Store store) {
    return (cpu, i) -> {
      FloatGuard.x87(cpu);
      X87State x = cpu.state.x87;
      if (x.isEmpty(0)) {
        write(cpu, i, size, indefinite, X87Execution.invalidMasked(x));
        emptyStored(X87Execution.beginMemory(cpu, i), pop);
        return;
      }
      X87Context context = X87Execution.context(cpu);
      x.load(0, cpu.x87.first());
      long bits = store.convert(cpu.x87.conversion(), x, cpu);
      write(cpu, i, size, bits, !context.stopsMemory());
      stored(X87Execution.beginMemory(cpu, i), context, pop);
    };
  }

  private static void emptyStored(X87State x, boolean pop) {
    boolean masked = X87Execution.invalidMasked(x);
    X87Execution.underflow(x);
    if (masked && pop) {
      x.pop();
    }
  }

  private static void stored(X87State x, X87Context context, boolean pop) {
    x.setC1(context.roundedUp());
    if (!context.stopsMemory() && pop) {
      x.pop();
    }
    x.raise(context.raised());
  }

  /**
   * Writes to memory unless an exception keeps the value back; a fault of the access comes before
   * that.
   */
  private static void write(Cpu cpu, Instruction i, int size, long value, boolean really) {
    if (really) {
      cpu.memory.store(i, size, value);
    } else {
      cpu.memory.probeWrite(i.segment, i.address(cpu.state), size);
    }
  }

  /** The same for ten bytes, none of which is written when some cannot be. */
  private static void writeTen(Cpu cpu, Instruction i, long low, int high, boolean really) {
    long offset = i.address(cpu.state);
    cpu.memory.probeWrite(i.segment, offset, 8); // alignment counts for the first eight
    cpu.memory.probeWrite(i.segment, offset, 10);
    if (really) {
      cpu.memory.store64(i.segment, offset, low);
      cpu.memory.store16(i.segment, offset + 8 & i.addressMask, high);
    }
  }

  private static void storeExtended(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    X87State x = cpu.state.x87;
    if (x.isEmpty(0)) {
      writeTen(cpu, i, INDEFINITE_SIGNIFICAND, 0xffff, X87Execution.invalidMasked(x));
      emptyStored(X87Execution.beginMemory(cpu, i), true);
      return;
    }
    writeTen(cpu, i, x.significand(0), x.signExponent(0), true);
    X87Execution.beginMemory(cpu, i);
    x.setC1(false);
    x.pop();
  }

  private static void storeDecimal(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    X87State x = cpu.state.x87;
    if (x.isEmpty(0)) {
      writeTen(cpu, i, INDEFINITE_SIGNIFICAND, 0xffff, X87Execution.invalidMasked(x));
      emptyStored(X87Execution.beginMemory(cpu, i), true);
      return;
    }
    X87Context context = X87Execution.context(cpu);
    x.load(0, cpu.x87.first());
    X87Conversion conversion = cpu.x87.conversion();
    long low = conversion.toBcd(cpu.x87.first());
    writeTen(cpu, i, low, conversion.bcdHigh(), !context.stopsMemory());
    stored(X87Execution.beginMemory(cpu, i), context, true);
  }

  private static void copy(Cpu cpu, Instruction i, boolean pop) {
    X87State x = X87Execution.begin(cpu, i);
    if (x.isEmpty(0)) {
      X87Execution.underflow(x, i.destination, pop);
      return;
    }
    x.setC1(false);
    x.set(i.destination, x.signExponent(0), x.significand(0));
    if (pop) {
      x.pop();
    }
  }

  /** An alias of FSTP that does not mind an empty register. */
  private static void copyUnchecked(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    x.setC1(false);
    if (!x.isEmpty(0)) {
      x.set(i.destination, x.signExponent(0), x.significand(0));
    }
    x.pop();
  }

  private static void exchange(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    int other = i.destination;
    if (x.isEmpty(0) || x.isEmpty(other)) {
      boolean masked = X87Execution.invalidMasked(x);
      X87Execution.underflow(x);
      if (!masked) {
        return;
      }
      fillEmpty(x, 0);
      fillEmpty(x, other);
    } else {
      x.setC1(false);
    }
    int signExponent = x.signExponent(0);
    long significand = x.significand(0);
    x.set(0, x.signExponent(other), x.significand(other));
    x.set(other, signExponent, significand);
  }

  private static void fillEmpty(X87State x, int register) {
    if (x.isEmpty(register)) {
      x.setIndefinite(register);
    }
  }

  private static void bindMove(Semantics semantics, String mnemonic, Condition condition) {
    semantics.put(
        mnemonic,
        (cpu, i) -> {
          X87State x = X87Execution.begin(cpu, i);
          if (x.isEmpty(0) || x.isEmpty(i.source)) {
            X87Execution.underflow(x, 0, false);
            return;
          }
          if (condition.holds(cpu.state)) {
            x.set(0, x.signExponent(i.source), x.significand(i.source));
          }
        });
  }
}
