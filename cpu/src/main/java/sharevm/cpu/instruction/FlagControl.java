package sharevm.cpu.instruction;

import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;

/** CLC, STC, CMC, CLD, STD, LAHF, SAHF, SALC (Intel SDM Vol. 1 5.1.10). */
final class FlagControl {
  /** Number of AH as {@link CpuState#r8(int)} wants it. */
  private static final int AH = 32;

  private static final int IN_AH = Flags.SF | Flags.ZF | Flags.AF | Flags.PF | Flags.CF;

  private FlagControl() {}

  static void bind(Semantics s) {
    s.put("CLC", (c, i) -> Flags.cf(c.state, false));
    s.put("STC", (c, i) -> Flags.cf(c.state, true));
    s.put("CMC", (c, i) -> Flags.cf(c.state, !Flags.cf(c.state)));
    s.put("CLD", (c, i) -> c.state.flagsSystem &= ~Flags.DF);
    s.put("STD", (c, i) -> c.state.flagsSystem |= Flags.DF);
    s.put("LAHF", (c, i) -> c.state.r8(AH, Flags.status(c.state) & IN_AH | Flags.FIXED));
    s.put("SAHF", (c, i) -> sahf(c.state));
    s.put("SALC", (c, i) -> c.state.r8(CpuState.RAX, Flags.cf(c.state) ? 0xff : 0));
  }

  private static void sahf(CpuState s) {
    Flags.status(s, Flags.status(s) & Flags.OF | s.r8(AH) & IN_AH);
  }
}
