package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;

/** Jcc, SETcc and CMOVcc: the sixteen conditions (Intel SDM Vol. 1 appendix B). */
final class Conditions {
  private Conditions() {}

  static void bind(Semantics s) {
    bindJumps(s);
    bindSets(s);
    bindMoves(s);
  }

  private static void bindJumps(Semantics s) {
    s.put("JO", (c, i) -> jumpIf(c, i, overflow(c.state)));
    s.put("JNO", (c, i) -> jumpIf(c, i, noOverflow(c.state)));
    s.put("JB", (c, i) -> jumpIf(c, i, below(c.state)));
    s.put("JAE", (c, i) -> jumpIf(c, i, aboveOrEqual(c.state)));
    s.put("JE", (c, i) -> jumpIf(c, i, equal(c.state)));
    s.put("JNE", (c, i) -> jumpIf(c, i, notEqual(c.state)));
    s.put("JBE", (c, i) -> jumpIf(c, i, belowOrEqual(c.state)));
    s.put("JA", (c, i) -> jumpIf(c, i, above(c.state)));
    s.put("JS", (c, i) -> jumpIf(c, i, sign(c.state)));
    s.put("JNS", (c, i) -> jumpIf(c, i, noSign(c.state)));
    s.put("JP", (c, i) -> jumpIf(c, i, parity(c.state)));
    s.put("JNP", (c, i) -> jumpIf(c, i, noParity(c.state)));
    s.put("JL", (c, i) -> jumpIf(c, i, less(c.state)));
    s.put("JGE", (c, i) -> jumpIf(c, i, greaterOrEqual(c.state)));
    s.put("JLE", (c, i) -> jumpIf(c, i, lessOrEqual(c.state)));
    s.put("JG", (c, i) -> jumpIf(c, i, greater(c.state)));
  }

  private static void bindSets(Semantics s) {
    s.put("SETO", (c, i) -> set(c, i, overflow(c.state)));
    s.put("SETNO", (c, i) -> set(c, i, noOverflow(c.state)));
    s.put("SETB", (c, i) -> set(c, i, below(c.state)));
    s.put("SETAE", (c, i) -> set(c, i, aboveOrEqual(c.state)));
    s.put("SETE", (c, i) -> set(c, i, equal(c.state)));
    s.put("SETNE", (c, i) -> set(c, i, notEqual(c.state)));
    s.put("SETBE", (c, i) -> set(c, i, belowOrEqual(c.state)));
    s.put("SETA", (c, i) -> set(c, i, above(c.state)));
    s.put("SETS", (c, i) -> set(c, i, sign(c.state)));
    s.put("SETNS", (c, i) -> set(c, i, noSign(c.state)));
    s.put("SETP", (c, i) -> set(c, i, parity(c.state)));
    s.put("SETNP", (c, i) -> set(c, i, noParity(c.state)));
    s.put("SETL", (c, i) -> set(c, i, less(c.state)));
    s.put("SETGE", (c, i) -> set(c, i, greaterOrEqual(c.state)));
    s.put("SETLE", (c, i) -> set(c, i, lessOrEqual(c.state)));
    s.put("SETG", (c, i) -> set(c, i, greater(c.state)));
  }

  private static void bindMoves(Semantics s) {
    s.put("CMOVO", (c, i) -> move(c, i, overflow(c.state)));
    s.put("CMOVNO", (c, i) -> move(c, i, noOverflow(c.state)));
    s.put("CMOVB", (c, i) -> move(c, i, below(c.state)));
    s.put("CMOVAE", (c, i) -> move(c, i, aboveOrEqual(c.state)));
    s.put("CMOVE", (c, i) -> move(c, i, equal(c.state)));
    s.put("CMOVNE", (c, i) -> move(c, i, notEqual(c.state)));
    s.put("CMOVBE", (c, i) -> move(c, i, belowOrEqual(c.state)));
    s.put("CMOVA", (c, i) -> move(c, i, above(c.state)));
    s.put("CMOVS", (c, i) -> move(c, i, sign(c.state)));
    s.put("CMOVNS", (c, i) -> move(c, i, noSign(c.state)));
    s.put("CMOVP", (c, i) -> move(c, i, parity(c.state)));
    s.put("CMOVNP", (c, i) -> move(c, i, noParity(c.state)));
    s.put("CMOVL", (c, i) -> move(c, i, less(c.state)));
    s.put("CMOVGE", (c, i) -> move(c, i, greaterOrEqual(c.state)));
    s.put("CMOVLE", (c, i) -> move(c, i, lessOrEqual(c.state)));
    s.put("CMOVG", (c, i) -> move(c, i, greater(c.state)));
  }

  private static boolean overflow(CpuState s) {
    return Flags.of(s);
  }

  private static boolean noOverflow(CpuState s) {
    return !Flags.of(s);
  }

  private static boolean below(CpuState s) {
    return s.flagsCarry < 0;
  }

  private static boolean aboveOrEqual(CpuState s) {
    return s.flagsCarry >= 0;
  }

  private static boolean equal(CpuState s) {
    return s.flagsResult == 0;
  }

  private static boolean notEqual(CpuState s) {
    return s.flagsResult != 0;
  }

  private static boolean belowOrEqual(CpuState s) {
    return s.flagsResult == 0 || s.flagsCarry < 0;
  }

  private static boolean above(CpuState s) {
    return s.flagsResult != 0 && s.flagsCarry >= 0;
  }

  private static boolean sign(CpuState s) {
    return Flags.sf(s);
  }

  private static boolean noSign(CpuState s) {
    return !Flags.sf(s);
  }

  private static boolean parity(CpuState s) {
    return Flags.pf(s);
  }

  private static boolean noParity(CpuState s) {
    return !Flags.pf(s);
  }

  private static boolean less(CpuState s) {
    return Flags.less(s);
  }

  private static boolean greaterOrEqual(CpuState s) {
    return !Flags.less(s);
  }

  private static boolean lessOrEqual(CpuState s) {
    return s.flagsResult == 0 || Flags.less(s);
  }

  private static boolean greater(CpuState s) {
    return s.flagsResult != 0 && !Flags.less(s);
  }

  private static void jumpIf(Cpu c, Instruction i, boolean condition) {
    if (condition) {
      ControlTransfer.branch(c, i);
    }
  }

  private static void set(Cpu c, Instruction i, boolean condition) {
    Operands.write(c, i, i.destination, 1, condition ? 1 : 0);
  }

  /**
   * The source is read, and a 32-bit destination's upper half cleared, whatever the condition
   * (Intel SDM Vol. 2A CMOVcc).
   */
  private static void move(Cpu c, Instruction i, boolean condition) {
    long value = Operands.read(c, i, i.source, i.size);
    c.state.r(i.destination, i.size, condition ? value : c.state.gpr[i.destination]);
  }
}
