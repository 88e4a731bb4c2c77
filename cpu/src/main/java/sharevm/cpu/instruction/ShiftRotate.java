package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/**
 * SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD (Intel SDM Vol. 1 5.1.5). OF, which the manual
 * defines for counts of 1 only, follows the same formula for other counts.
 */
final class ShiftRotate {
  private ShiftRotate() {}

  static void bind(Semantics s) {
    s.choose("SHL", i -> quick(i, ShiftRotate::shl64, ShiftRotate::shl32, shift(ShiftRotate::shl)));
    s.choose("SHR", i -> quick(i, ShiftRotate::shr64, ShiftRotate::shr32, shift(ShiftRotate::shr)));
    s.put("SAR", shift(ShiftRotate::sar));
    s.put("ROL", shift(ShiftRotate::rol));
    s.put("ROR", shift(ShiftRotate::ror));
    s.put("RCL", shift(ShiftRotate::rcl));
    s.put("RCR", shift(ShiftRotate::rcr));
    s.put("SHLD", ShiftRotate::shld);
    s.put("SHRD", ShiftRotate::shrd);
  }

  /** Chooses the operation for a register shifted by a constant, which is most of them. */
  private static Operation quick(Instruction i, Operation o64, Operation o32, Operation other) {
    boolean constant = i.source == CpuState.ZERO && (i.immediate & (i.size == 8 ? 63 : 31)) != 0;
    if (i.destination == Instruction.MEMORY || !constant || i.size < 4) {
      return other;
    }
    return i.size == 8 ? o64 : o32;
  }

  private static void shl32(Cpu c, Instruction i) {
    CpuState s = c.state;
    s.gpr[i.destination] = shl(s, 32, s.gpr[i.destination], i.immediate & 31) & 0xffff_ffffL;
  }

  private static void shl64(Cpu c, Instruction i) {
    CpuState s = c.state;
    s.gpr[i.destination] = shl(s, 0, s.gpr[i.destination], i.immediate & 63);
  }

  private static void shr32(Cpu c, Instruction i) {
    CpuState s = c.state;
    s.gpr[i.destination] = shr(s, 32, s.gpr[i.destination], i.immediate & 31) & 0xffff_ffffL;
  }

  private static void shr64(Cpu c, Instruction i) {
    CpuState s = c.state;
    s.gpr[i.destination] = shr(s, 0, s.gpr[i.destination], i.immediate & 63);
  }

  /** A shift: nothing happens, not even to flags, when the masked count is 0. */
  private static Operation shift(Operands.Change change) {
    return (c, i) -> {
      long count = count(c, i);
      Operands.change(c, i, count, count == 0 ? ShiftRotate::nothing : change);
    };
  }

  private static long nothing(CpuState s, int shift, long value, long count) {
    return value;
  }

  /**
   * Returns the count from CL or the immediate, masked as Intel SDM Vol. 2B SAL/SAR/SHL/SHR says.
   */
  private static long count(Cpu c, Instruction i) {
    long count = i.source == CpuState.ZERO ? i.immediate : c.state.gpr[CpuState.RCX];
    return count & (i.size == 8 ? 63 : 31);
  }

  private static long shl(CpuState s, int shift, long value, long count) {
    long top = value << shift;
    int bits = 64 - shift;
    boolean cf = count <= bits && (top << count - 1) < 0;
    long result = count >= 64 ? 0 : top << count;
    Arithmetic.result(s, result >> shift, cf, cf != result < 0);
    return result >> shift;
  }

  private static long shr(CpuState s, int shift, long value, long count) {
    long zeroExtended = value << shift >>> shift;
    boolean cf = (zeroExtended >>> count - 1 & 1) != 0;
    long result = zeroExtended >>> count;
    boolean of = (result << shift ^ result << shift << 1) < 0;
    Arithmetic.result(s, result << shift >> shift, cf, of);
    return result;
  }

  private static long sar(CpuState s, int shift, long value, long count) {
    long signExtended = value << shift >> shift;
    long result = signExtended >> count;
    Arithmetic.result(s, result, (signExtended >> count - 1 & 1) != 0, false);
    return result;
  }

  private static long rol(CpuState s, int shift, long value, long count) {
    int bits = 64 - shift;
    int n = (int) count & bits - 1;
    long zeroExtended = value << shift >>> shift;
    long result = n == 0 ? zeroExtended : zeroExtended << n | zeroExtended >>> bits - n;
    boolean cf = (result & 1) != 0;
    Flags.cfOf(s, cf, cf != result << shift < 0);
    return result;
  }

  private static long ror(CpuState s, int shift, long value, long count) {
    int bits = 64 - shift;
    int n = (int) count & bits - 1;
    long zeroExtended = value << shift >>> shift;
    long result = n == 0 ? zeroExtended : zeroExtended >>> n | zeroExtended << bits - n;
    long top = result << shift;
    Flags.cfOf(s, top < 0, (top ^ top << 1) < 0);
    return result;
  }

  private static long rcl(CpuState s, int shift, long value, long count) {
    int bits = 64 - shift;
    long result = value << shift >>> shift;
    boolean cf = Flags.cf(s);
    for (int n = (int) count % (bits + 1); n > 0; n--) {
      boolean out = result << shift < 0;
      result = result << 1 | (cf ? 1 : 0);
      cf = out;
    }
    Flags.cfOf(s, cf, cf != result << shift < 0);
    return result;
  }

  private static long rcr(CpuState s, int shift, long value, long count) {
    int bits = 64 - shift;
    long result = value << shift >>> shift;
    boolean cf = Flags.cf(s);
    for (int n = (int) count % (bits + 1); n > 0; n--) {
      boolean out = (result & 1) != 0;
      result = result >>> 1 | (cf ? 1L << bits - 1 : 0);
      cf = out;
    }
    long top = result << shift;
    Flags.cfOf(s, cf, (top ^ top << 1) < 0);
    return result;
  }

  private static void shld(Cpu c, Instruction i) {
    doubleShift(c, i, ShiftRotate::shiftLeftDouble);
  }

  private static void shrd(Cpu c, Instruction i) {
    doubleShift(c, i, ShiftRotate::shiftRightDouble);
  }

  private static void doubleShift(Cpu c, Instruction i, Operands.Change change) {
    long given = i.third == CpuState.ZERO ? i.immediate : c.state.gpr[CpuState.RCX];
    long count = given & (i.size == 8 ? 63 : 31);
    if (count == 0) {
      Operands.change(c, i, 0, ShiftRotate::nothing);
      return;
    }
    long filler = c.state.r(i.source, i.size);
    Operands.change(
        c, i, filler, (s, shift, a, b) -> change.apply(s, shift | (int) count << 8, a, b));
  }

  /**
   * SHLD: {@code shift} holds the count in bits 8 and up. For 16 bits and counts over 16 the filler
   * comes round.
   */
  private static long shiftLeftDouble(CpuState s, int packed, long value, long filler) {
    int shift = packed & 0xff;
    int count = packed >>> 8;
    int bits = 64 - shift;
    long result;
    boolean cf;
    if (count <= bits) {
      result = value << count | (count == 0 ? 0 : filler >>> bits - count);
      cf = (value >>> bits - count & 1) != 0;
    } else {
      long wide = filler << bits | value;
      result = filler << count - bits | value >>> 2 * bits - count;
      cf = (wide >>> 2 * bits - count & 1) != 0;
    }
    long signExtended = result << shift >> shift;
    Arithmetic.result(s, signExtended, cf, (value << shift ^ result << shift) < 0);
    return result;
  }

  private static long shiftRightDouble(CpuState s, int packed, long value, long filler) {
    int shift = packed & 0xff;
    int count = packed >>> 8;
    int bits = 64 - shift;
    long result;
    boolean cf;
    if (count <= bits) {
      result = value >>> count | (count == 0 ? 0 : filler << bits - count);
      cf = (value >>> count - 1 & 1) != 0;
    } else {
      result = filler >>> count - bits | value << 2 * bits - count;
      cf = (filler >>> count - bits - 1 & 1) != 0;
    }
    long signExtended = result << shift >> shift;
    Arithmetic.result(s, signExtended, cf, (value << shift ^ result << shift) < 0);
    return result;
  }
}
