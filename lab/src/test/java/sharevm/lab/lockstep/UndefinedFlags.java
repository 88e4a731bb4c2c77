package sharevm.lab.lockstep;

import java.util.Set;
import sharevm.cpu.Flags;
import sharevm.cpu.opcode.Opcode;

/** Keeps account of flags that the manual leaves undefined, so that no instruction reads them. */
public final class UndefinedFlags {
  private static final Set<String> SHIFTS =
      Set.of("ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAR", "SHLD", "SHRD");

  private final CodeBuffer code;
  private int undefined = Flags.STATUS;

  /** Begins with all undefined, in code that instructions are put into to define them. */
  public UndefinedFlags(CodeBuffer code) {
    this.code = code;
  }

  /** Says that flags are as on any way to a place: of the undefined ones only AF may be. */
  public void settle() {
    if ((undefined & ~Flags.AF) != 0) {
      define();
    }
    undefined = Flags.AF;
  }

  /** Sees to it that flags are defined. */
  public void want(int flags) {
    if ((undefined & flags) != 0) {
      define();
    }
  }

  /** CMP EAX, EDX: defines all. */
  private void define() {
    code.put(0x39, 0xd0);
    undefined = 0;
  }

  /** Says that an instruction put by others has written all flags. */
  public void defined() {
    undefined = 0;
  }

  /** Says that an instruction put by others has left some flags undefined. */
  public void undefined(int flags) {
    undefined |= flags;
  }

  /** Notes what the manual says of flags. */
  public void account(Opcode row, int size) {
    if (SHIFTS.contains(row.mnemonic())) {
      undefined |= row.flagsUndefined() | Flags.OF | (size < 4 ? Flags.CF : 0);
      boolean bytes = row.operands().getFirst().size() == 1;
      undefined |= bytes ? Flags.CF : 0;
    } else {
      undefined = undefined & ~row.flagsWritten() | row.flagsUndefined();
    }
    undefined &= Flags.STATUS;
  }
}
