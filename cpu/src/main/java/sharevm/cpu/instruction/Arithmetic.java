package sharevm.cpu.instruction;

import sharevm.cpu.CpuState;

/**
 * Addition, subtraction and logic with their flags, for every operand size: operands are moved to
 * the top of 64 bits by {@code shift} (64 minus the size in bits), so that carry and sign are
 * always bit 63; bits above the operand size are ignored. The result comes back sign-extended.
 */
final class Arithmetic {
  private static final long TOP_CARRIES = 3L << 62;

  private Arithmetic() {}

  /** Returns the shift for an operand size in bytes. */
  static int shift(int size) {
    return 64 - 8 * size;
  }

  static long add(CpuState s, int shift, long destination, long source) {
    long a = destination << shift;
    long b = source << shift;
    long sum = a + b;
    return carries(s, shift, sum, a & b | (a | b) & ~sum);
  }

  static long adc(CpuState s, int shift, long destination, long source) {
    long a = destination << shift;
    long b = source << shift;
    long sum = a + b + (s.flagsCarry >>> 63 << shift);
    return carries(s, shift, sum, a & b | (a | b) & ~sum);
  }

  static long sub(CpuState s, int shift, long destination, long source) {
    long a = destination << shift;
    long b = source << shift;
    long difference = a - b;
    return carries(s, shift, difference, ~a & b | (~a | b) & difference);
  }

  static long sbb(CpuState s, int shift, long destination, long source) {
    long a = destination << shift;
    long b = source << shift;
    long difference = a - b - (s.flagsCarry >>> 63 << shift);
    return carries(s, shift, difference, ~a & b | (~a | b) & difference);
  }

  static long and(CpuState s, int shift, long destination, long source) {
    return logic(s, shift, destination & source);
  }

  static long or(CpuState s, int shift, long destination, long source) {
    return logic(s, shift, destination | source);
  }

  static long xor(CpuState s, int shift, long destination, long source) {
    return logic(s, shift, destination ^ source);
  }

  static long inc(CpuState s, int shift, long destination) {
    long old = s.flagsCarry;
    long result = add(s, shift, destination, 1);
    keepCarry(s, old);
    return result;
  }

  static long dec(CpuState s, int shift, long destination) {
    long old = s.flagsCarry;
    long result = sub(s, shift, destination, 1);
    keepCarry(s, old);
    return result;
  }

  static long neg(CpuState s, int shift, long destination) {
    return sub(s, shift, 0, destination);
  }

  /** Sets the flags of a logical result: CF, OF and AF are cleared. */
  static long logic(CpuState s, int shift, long value) {
    long result = value << shift >> shift;
    s.flagsResult = result;
    s.flagsCarry = 0;
    return result;
  }

  /** Sets ZF, SF and PF from a result, CF and OF as given, and clears AF. */
  static void result(CpuState s, long signExtended, boolean cf, boolean of) {
    s.flagsResult = signExtended;
    s.flagsCarry = (cf ? 1L << 63 : 0) | (cf != of ? 1L << 62 : 0);
  }

  private static long carries(CpuState s, int shift, long top, long carries) {
    long result = top >> shift;
    s.flagsResult = result;
    s.flagsCarry = carries & TOP_CARRIES | carries >>> shift & 8;
    return result;
  }

  /** Brings CF back to what it was, leaving OF as it is. */
  private static void keepCarry(CpuState s, long old) {
    long differs = (s.flagsCarry ^ old) & 1L << 63;
    s.flagsCarry ^= differs | differs >>> 1;
  }
}
