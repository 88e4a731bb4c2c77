package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.event.TaskSwitch;

/** IRET in all modes (Intel SDM Vol. 2 IRET/IRETD/IRETQ). */
final class InterruptReturn {
  private static final int ALWAYS = Flags.TF | Flags.DF | Flags.NT;

  private InterruptReturn() {}

  static void bind(Semantics s) {
    s.put("IRET", InterruptReturn::iret);
  }

  private static void iret(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    if (!s.protectedMode()) {
      real(cpu, i.size);
    } else if (s.virtual8086()) {
      virtual(cpu, i.size);
    } else if ((s.flagsSystem & Flags.NT) != 0) {
      nested(cpu);
    } else {
      protectedMode(cpu, i.size);
    }
    s.nmiBlocked = false;
  }

  private static void real(Cpu cpu, int size) {
    CpuState s = cpu.state;
    long rip = FarReturn.word(cpu, 0, size);
    int code = (int) FarReturn.word(cpu, size, size) & 0xffff;
    long flags = FarReturn.word(cpu, 2L * size, size);
    FarReturn.checkLimit(s.segmentLimit[CpuState.CS], rip);
    Stack.drop(s, 3L * size);
    SegmentLoader.loadReal(s, CpuState.CS, code);
    s.rip = rip;
    flags(cpu, flags, size, 0);
    s.flagsSystem &= ~(Flags.VIF | Flags.VIP);
    cpu.contextChanged();
  }

  private static void virtual(Cpu cpu, int size) {
    CpuState s = cpu.state;
    boolean full = (s.flagsSystem & Flags.IOPL) == Flags.IOPL;
    if (!full && !FlagTransfer.virtualInterrupts(s, size)) {
      throw GuestFault.generalProtection();
    }
    long rip = FarReturn.word(cpu, 0, size);
    int code = (int) FarReturn.word(cpu, size, size) & 0xffff;
    long flags = FarReturn.word(cpu, 2L * size, size);
    FarReturn.checkLimit(s.segmentLimit[CpuState.CS], rip);
    if (!full) {
      FlagTransfer.checkVirtual(s, flags);
    }
    Stack.drop(s, 3L * size);
    SegmentLoader.loadReal(s, CpuState.CS, code);
    s.rip = rip;
    if (full) {
      flags(cpu, flags, size, 3);
    } else {
      FlagTransfer.loadVirtual(cpu, flags);
    }
    cpu.contextChanged();
  }

  private static void nested(Cpu cpu) {
    if (cpu.state.longMode()) {
      throw GuestFault.generalProtection();
    }
    TaskSwitch.byReturn(cpu);
  }

  private static void protectedMode(Cpu cpu, int size) {
    CpuState s = cpu.state;
    long rip = FarReturn.word(cpu, 0, size);
    int code = (int) FarReturn.word(cpu, size, size) & 0xffff;
    long flags = FarReturn.word(cpu, 2L * size, size);
    if ((flags & Flags.VM) != 0 && s.cpl == 0 && size == 4 && !s.longMode()) {
      toVirtual(cpu, rip, code, flags);
    } else {
      FarReturn.toProtected(cpu, new FarReturn.Frame(size, rip, code, flags, true, 3L * size, 0));
    }
  }

  private static void toVirtual(Cpu cpu, long rip, int code, long flags) {
    CpuState s = cpu.state;
    long rsp = FarReturn.word(cpu, 12, 4);
    int stack = (int) FarReturn.word(cpu, 16, 4);
    int[] data = {CpuState.ES, CpuState.DS, CpuState.FS, CpuState.GS};
    int[] selectors = new int[4];
    for (int n = 0; n < 4; n++) {
      selectors[n] = (int) FarReturn.word(cpu, 20 + 4L * n, 4) & 0xffff;
    }
    FarReturn.checkLimit(0xffff, rip);
    s.rflags(flags);
    s.cpl = 3;
    SegmentLoader.loadReal(s, CpuState.CS, code);
    SegmentLoader.loadReal(s, CpuState.SS, stack);
    for (int n = 0; n < 4; n++) {
      SegmentLoader.loadReal(s, data[n], selectors[n]);
    }
    s.gpr[CpuState.RSP] = rsp;
    s.rip = rip;
    cpu.contextChanged();
    interruptsMayHaveCome(cpu);
  }

  /** Loads RFLAGS as IRET at a level may: what the level has no right to stays. */
  static void flags(Cpu cpu, long value, int size, int cpl) {
    CpuState s = cpu.state;
    int iopl = (s.flagsSystem & Flags.IOPL) >> Flags.IOPL_SHIFT;
    int mask = ALWAYS;
    mask |= cpl <= iopl ? Flags.IF : 0;
    mask |= cpl == 0 ? Flags.IOPL : 0;
    if (size > 2) {
      mask |= Flags.RF | Flags.AC | Flags.ID | (cpl == 0 ? Flags.VIF | Flags.VIP : 0);
    }
    FlagTransfer.set(cpu, value, mask);
  }

  private static void interruptsMayHaveCome(Cpu cpu) {
    if ((cpu.state.flagsSystem & Flags.IF) != 0) {
      cpu.interruptsEnabled();
    }
  }
}
