package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Binder;
import sharevm.cpu.decode.Instruction;

/**
 * ADD, ADC, SUB, SBB, CMP, AND, OR, XOR, TEST, INC, DEC, NEG, NOT (Intel SDM Vol. 1 5.1.2, 5.1.4).
 * The forms that programs are full of, with a 32- or 64-bit register destination, have operations
 * of their own.
 */
final class BinaryArithmetic {
  private static final int SHIFT_32 = 32;
  private static final int SHIFT_64 = 0;
  private static final long MASK_32 = 0xffff_ffffL;

  private BinaryArithmetic() {}

  /** Operations of the common forms, by source and size. */
  private record Forms(Operation value32, Operation value64, Operation load32, Operation load64) {
    Operation of(Instruction i) {
      boolean load = i.source == Instruction.MEMORY;
      return i.size == 4 ? load ? load32 : value32 : load ? load64 : value64;
    }
  }

  static void bind(Semantics s) {
    s.choose("ADD", forms(add(), Arithmetic::add));
    s.choose("ADC", forms(adc(), Arithmetic::adc));
    s.choose("SUB", forms(sub(), Arithmetic::sub));
    s.choose("SBB", forms(sbb(), Arithmetic::sbb));
    s.choose("AND", forms(and(), Arithmetic::and));
    s.choose("OR", forms(or(), Arithmetic::or));
    s.choose("XOR", forms(xor(), Arithmetic::xor));
    s.choose("CMP", comparison(cmp(), Arithmetic::sub));
    s.choose("TEST", comparison(test(), Arithmetic::and));
    unary(s, "INC", (state, shift, a, b) -> Arithmetic.inc(state, shift, a));
    unary(s, "DEC", (state, shift, a, b) -> Arithmetic.dec(state, shift, a));
    unary(s, "NEG", (state, shift, a, b) -> Arithmetic.neg(state, shift, a));
    unary(s, "NOT", (state, shift, a, b) -> ~a);
  }

  private static void unary(Semantics s, String mnemonic, Operands.Change change) {
    s.put(mnemonic, (c, i) -> Operands.change(c, i, 0, change));
  }

  private static Binder forms(Forms common, Operands.Change change) {
    Operation other = (c, i) -> Operands.change(c, i, Operands.source(c, i), change);
    return i -> isCommon(i) ? common.of(i) : other;
  }

  private static Binder comparison(Forms common, Operands.Change change) {
    Operation other =
        (c, i) -> {
          long a = Operands.read(c, i, i.destination, i.size);
          long b = Operands.source(c, i);
          change.apply(c.state, Arithmetic.shift(i.size), a, b);
        };
    return i -> isCommon(i) ? common.of(i) : other;
  }

  private static boolean isCommon(Instruction i) {
    return i.size >= 4 && i.destination != Instruction.MEMORY;
  }

  private static Forms add() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.add(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.add(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.add(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.add(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms adc() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.adc(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.adc(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.adc(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.adc(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms sub() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.sub(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.sub(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.sub(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.sub(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms sbb() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.sbb(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.sbb(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.sbb(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.sbb(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms and() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.and(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.and(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.and(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.and(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms or() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.or(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.or(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.or(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.or(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms xor() {
    return new Forms(
        (c, i) -> set32(c, i, Arithmetic.xor(c.state, SHIFT_32, destination(c, i), value(c, i))),
        (c, i) -> set64(c, i, Arithmetic.xor(c.state, SHIFT_64, destination(c, i), value(c, i))),
        (c, i) ->
            set32(c, i, Arithmetic.xor(c.state, SHIFT_32, destination(c, i), c.memory.load32(i))),
        (c, i) ->
            set64(c, i, Arithmetic.xor(c.state, SHIFT_64, destination(c, i), c.memory.load64(i))));
  }

  private static Forms cmp() {
    return new Forms(
        (c, i) -> Arithmetic.sub(c.state, SHIFT_32, destination(c, i), value(c, i)),
        (c, i) -> Arithmetic.sub(c.state, SHIFT_64, destination(c, i), value(c, i)),
        (c, i) -> Arithmetic.sub(c.state, SHIFT_32, destination(c, i), c.memory.load32(i)),
        (c, i) -> Arithmetic.sub(c.state, SHIFT_64, destination(c, i), c.memory.load64(i)));
  }

  private static Forms test() {
    return new Forms(
        (c, i) -> Arithmetic.and(c.state, SHIFT_32, destination(c, i), value(c, i)),
        (c, i) -> Arithmetic.and(c.state, SHIFT_64, destination(c, i), value(c, i)),
        (c, i) -> Arithmetic.and(c.state, SHIFT_32, destination(c, i), c.memory.load32(i)),
        (c, i) -> Arithmetic.and(c.state, SHIFT_64, destination(c, i), c.memory.load64(i)));
  }

  private static long destination(Cpu c, Instruction i) {
    return c.state.gpr[i.destination];
  }

  private static long value(Cpu c, Instruction i) {
    return i.sourceValue(c.state);
  }

  private static void set32(Cpu c, Instruction i, long value) {
    c.state.gpr[i.destination] = value & MASK_32;
  }

  private static void set64(Cpu c, Instruction i, long value) {
    CpuState s = c.state;
    s.gpr[i.destination] = value;
  }
}
