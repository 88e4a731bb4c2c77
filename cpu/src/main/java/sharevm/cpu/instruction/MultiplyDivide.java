package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** MUL, IMUL, DIV, IDIV (Intel SDM Vol. 1 5.1.2). */
final class MultiplyDivide {
  /** Number of AH as {@link CpuState#r8(int)} wants it. */
  private static final int AH = 32;

  private MultiplyDivide() {}

  static void bind(Semantics s) {
    s.put("MUL", MultiplyDivide::mul);
    s.choose("IMUL", i -> i.opcode.operands().size() == 1 ? MultiplyDivide::imul : imulForm(i));
    s.put("DIV", MultiplyDivide::div);
    s.put("IDIV", MultiplyDivide::idiv);
  }

  private static Operation imulForm(Instruction i) {
    return i.opcode.operands().size() == 2
        ? (c, n) -> product(c, n, Operands.read(c, n, n.destination, n.size))
        : (c, n) -> product(c, n, n.immediate);
  }

  /** IMUL with two or three operands: truncated to the operand size. */
  private static void product(Cpu c, Instruction i, long factor) {
    int shift = Arithmetic.shift(i.size);
    long a = factor << shift >> shift;
    long b = Operands.read(c, i, i.source, i.size) << shift >> shift;
    long low = a * b;
    long truncated = low << shift >> shift;
    boolean lost = i.size == 8 ? Math.multiplyHigh(a, b) != low >> 63 : truncated != low;
    Arithmetic.result(c.state, truncated, lost, lost);
    c.state.r(i.destination, i.size, truncated);
  }

  private static void mul(Cpu c, Instruction i) {
    int size = i.size;
    long a = Operands.register(c.state, CpuState.RAX, size);
    long b = Operands.read(c, i, i.destination, size);
    long low = a * b;
    long high = size == 8 ? Math.unsignedMultiplyHigh(a, b) : low >>> 8 * size;
    boolean wide = high != 0;
    int shift = Arithmetic.shift(size);
    Arithmetic.result(c.state, low << shift >> shift, wide, wide);
    setPair(c.state, size, low, high);
  }

  private static void imul(Cpu c, Instruction i) {
    int size = i.size;
    int shift = Arithmetic.shift(size);
    long a = Operands.register(c.state, CpuState.RAX, size) << shift >> shift;
    long b = Operands.read(c, i, i.destination, size) << shift >> shift;
    long low = a * b;
    long high = size == 8 ? Math.multiplyHigh(a, b) : low >> 8 * size;
    long truncated = low << shift >> shift;
    boolean wide = high != truncated >> 63;
    Arithmetic.result(c.state, truncated, wide, wide);
    setPair(c.state, size, low, high);
  }

  private static void div(Cpu c, Instruction i) {
    CpuState s = c.state;
    int size = i.size;
    long divisor = Operands.read(c, i, i.destination, size);
    long high = high(s, size);
    if (Long.compareUnsigned(high, divisor) >= 0) {
      throw GuestFault.of(GuestFault.DE);
    }
    long low = low(s, size);
    if (size == 8) {
      long quotient = quotient(high, low, divisor);
      setPair(s, 8, quotient, low - quotient * divisor);
    } else {
      long dividend = high << 8 * size | low;
      setPair(
          s,
          size,
          Long.divideUnsigned(dividend, divisor),
          Long.remainderUnsigned(dividend, divisor));
    }
  }

  private static void idiv(Cpu c, Instruction i) {
    CpuState s = c.state;
    int size = i.size;
    int shift = Arithmetic.shift(size);
    long divisor = Operands.read(c, i, i.destination, size) << shift >> shift;
    if (divisor == 0) {
      throw GuestFault.of(GuestFault.DE);
    }
    long high = high(s, size);
    long low = low(s, size);
    if (size == 8) {
      idivWide(s, high, low, divisor);
      return;
    }
    int wide = Math.max(0, 64 - 16 * size);
    long dividend = (high << 8 * size | low) << wide >> wide;
    boolean overflow = dividend == Long.MIN_VALUE && divisor == -1;
    long quotient = dividend / divisor;
    if (overflow || quotient << shift >> shift != quotient) {
      throw GuestFault.of(GuestFault.DE);
    }
    setPair(s, size, quotient, dividend % divisor);
  }

  private static void idivWide(CpuState s, long high, long low, long divisor) {
    boolean negative = high < 0;
    long absoluteLow = negative ? -low : low;
    long absoluteHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
    long absoluteDivisor = Math.abs(divisor);
    if (Long.compareUnsigned(absoluteHigh, absoluteDivisor) >= 0) {
      throw GuestFault.of(GuestFault.DE);
    }
    long quotient = quotient(absoluteHigh, absoluteLow, absoluteDivisor);
    long remainder = absoluteLow - quotient * absoluteDivisor;
    boolean negativeQuotient = negative != divisor < 0;
    boolean fits = quotient >= 0 || negativeQuotient && quotient == Long.MIN_VALUE;
    if (!fits) {
      throw GuestFault.of(GuestFault.DE);
    }
    setPair(s, 8, negativeQuotient ? -quotient : quotient, negative ? -remainder : remainder);
  }

  /**
   * Returns the low 64 bits of (high:low) / divisor, all unsigned (Knuth, The Art of Computer
   * Programming, 4.3.1 D).
   */
  private static long quotient(long high, long low, long divisor) {
    if (high == 0) {
      return Long.divideUnsigned(low, divisor);
    }
    int normal = Long.numberOfLeadingZeros(divisor);
    long d = divisor << normal;
    long top = normal == 0 ? high : high << normal | low >>> 64 - normal;
    long rest = low << normal;
    long q1 = digit(top, rest >>> 32, d);
    long middle = (top << 32 | rest >>> 32) - q1 * d;
    long q0 = digit(middle, rest & 0xffff_ffffL, d);
    return q1 << 32 | q0;
  }

  /** Returns one 32-bit digit: (top * 2^32 + next) / d, top below d. */
  private static long digit(long top, long next, long d) {
    long dHigh = d >>> 32;
    long dLow = d & 0xffff_ffffL;
    long q = Long.divideUnsigned(top, dHigh);
    long r = top - q * dHigh;
    while (q >>> 32 != 0 || Long.compareUnsigned(q * dLow, r << 32 | next) > 0) {
      q--;
      r += dHigh;
      if (r >>> 32 != 0) {
        break;
      }
    }
    return q;
  }

  private static long high(CpuState s, int size) {
    return size == 1 ? s.r8(AH) : s.r(CpuState.RDX, size);
  }

  private static long low(CpuState s, int size) {
    return Operands.register(s, CpuState.RAX, size);
  }

  /** Sets AH:AL or rDX:rAX. */
  private static void setPair(CpuState s, int size, long low, long high) {
    if (size == 1) {
      s.r16(CpuState.RAX, (int) (high << 8 | low & 0xff));
    } else {
      s.r(CpuState.RAX, size, low);
      s.r(CpuState.RDX, size, high);
    }
  }
}
