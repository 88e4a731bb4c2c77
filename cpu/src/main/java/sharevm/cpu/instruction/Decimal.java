package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** DAA, DAS, AAA, AAS, AAM, AAD (Intel SDM Vol. 1 5.1.3). */
final class Decimal {
  private static final int AH = 32;

  private Decimal() {}

  static void bind(Semantics s) {
    s.put("DAA", (c, i) -> adjust(c.state, 1));
    s.put("DAS", (c, i) -> adjust(c.state, -1));
    s.put("AAA", (c, i) -> adjustUnpacked(c.state, 1));
    s.put("AAS", (c, i) -> adjustUnpacked(c.state, -1));
    s.put("AAM", Decimal::aam);
    s.put("AAD", Decimal::aad);
  }

  private static void adjust(CpuState s, int sign) {
    int old = s.r8(CpuState.RAX);
    boolean oldCarry = Flags.cf(s);
    boolean low = (old & 15) > 9 || Flags.af(s);
    boolean high = old > 0x99 || oldCarry;
    boolean borrow = sign < 0 && low && old < 6;
    int value = old + sign * ((low ? 6 : 0) + (high ? 0x60 : 0)) & 0xff;
    s.r8(CpuState.RAX, value);
    byteResult(s, value, (high || borrow ? Flags.CF : 0) | (low ? Flags.AF : 0));
  }

  private static void adjustUnpacked(CpuState s, int sign) {
    int ax = s.r16(CpuState.RAX);
    boolean adjust = (ax & 15) > 9 || Flags.af(s);
    if (adjust) {
      ax += sign * 0x106;
    }
    s.r16(CpuState.RAX, ax & 0xff0f);
    byteResult(s, ax & 15, adjust ? Flags.CF | Flags.AF : 0);
  }

  private static void aam(Cpu c, Instruction i) {
    CpuState s = c.state;
    int base = (int) i.immediate & 0xff;
    if (base == 0) {
      throw GuestFault.of(GuestFault.DE);
    }
    int al = s.r8(CpuState.RAX);
    s.r16(CpuState.RAX, al / base << 8 | al % base);
    byteResult(s, al % base, 0);
  }

  private static void aad(Cpu c, Instruction i) {
    CpuState s = c.state;
    int value = s.r8(CpuState.RAX) + s.r8(AH) * (int) i.immediate & 0xff;
    s.r16(CpuState.RAX, value);
    byteResult(s, value, 0);
  }

  /** Sets SF, ZF and PF from a byte and the others as given. */
  private static void byteResult(CpuState s, int value, int others) {
    Arithmetic.logic(s, Arithmetic.shift(1), value);
    Flags.status(s, Flags.status(s) | others);
  }
}
