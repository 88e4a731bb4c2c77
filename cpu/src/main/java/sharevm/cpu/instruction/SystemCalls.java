package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.Events;
import sharevm.cpu.event.GuestFault;

/**
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS (Intel SDM Vol. 2; AMD64 manual Vol. 3 for SYSCALL
 * outside 64-bit mode).
 */
public final class SystemCalls {
  private static final int FLAT_CODE =
      Segment.PRESENT
          | Segment.CODE_OR_DATA
          | Segment.CODE
          | Segment.READ_WRITE
          | Segment.ACCESSED
          | Segment.GRANULAR;
  private static final int FLAT_DATA = Segment.REAL_DATA | Segment.GRANULAR | Segment.DEFAULT_BIG;

  private SystemCalls() {}

  static void bind(Semantics s) {
    s.put("SYSCALL", SystemCalls::syscall);
    s.put("SYSRET", SystemCalls::sysret);
    s.put("SYSENTER", SystemCalls::sysenter);
    s.put("SYSEXIT", SystemCalls::sysexit);
    s.put("SWAPGS", SystemCalls::swapgs);
  }

  private static void code(CpuState s, int selector, int cpl, boolean is64) {
    set(
        s,
        CpuState.CS,
        selector,
        FLAT_CODE | (is64 ? Segment.LONG : Segment.DEFAULT_BIG) | cpl << Segment.DPL_SHIFT);
    s.cpl = cpl;
  }

  private static void stack(CpuState s, int selector, int cpl) {
    set(s, CpuState.SS, selector, FLAT_DATA | cpl << Segment.DPL_SHIFT);
  }

  private static void set(CpuState s, int n, int selector, int attributes) {
    s.selector[n] = selector & 0xffff;
    s.segmentBase[n] = 0;
    s.segmentLimit[n] = -1;
    s.segmentAttributes[n] = attributes;
  }

  private static void checkEnabled(Cpu cpu) {
    CpuState s = cpu.state;
    boolean modeFits = s.code64 || cpu.model.isAmd() && s.protectedMode();
    if ((s.efer & Control.EFER_SCE) == 0 || !modeFits) {
      throw GuestFault.undefined();
    }
  }

  /** Loads CS, SS and CPL as SYSCALL does; the caller tells that the context changed. */
  public static void segmentsOfSyscall(CpuState s) {
    int selector = (int) (s.msr.star >>> 32) & 0xfffc;
    code(s, selector, 0, s.longMode());
    stack(s, selector + 8, 0);
  }

  /**
   * Loads CS, SS and CPL as SYSRET does; the caller tells that the context changed.
   *
   * @param to64 whether it goes to 64-bit code
   */
  public static void segmentsOfSysret(CpuState s, boolean to64) {
    int base = (int) (s.msr.star >>> 48);
    code(s, base + (to64 ? 16 : 0) | 3, 3, to64);
    stack(s, base + 8 | 3, 3);
  }

  private static void syscall(Cpu cpu, Instruction i) {
    checkEnabled(cpu);
    CpuState s = cpu.state;
    if (s.longMode()) {
      s.gpr[CpuState.RCX] = s.rip;
      s.gpr[CpuState.R11] = s.rflags() & ~Flags.RF;
      s.rip = s.code64 ? s.msr.lstar : s.msr.cstar;
      long kept = s.rflags() & ~(s.msr.sfmask | Flags.RF);
      s.rflags(kept);
    } else {
      s.gpr[CpuState.RCX] = s.rip & 0xffff_ffffL;
      s.rip = s.msr.star & 0xffff_ffffL;
      s.flagsSystem &= ~(Flags.IF | Flags.VM | Flags.RF);
    }
    segmentsOfSyscall(s);
    if ((s.flagsSystem & Flags.TF) == 0) {
      cpu.events.withoutStepTrap();
    }
    cpu.contextChanged();
  }

  private static void sysret(Cpu cpu, Instruction i) {
    checkEnabled(cpu);
    CpuState s = cpu.state;
    if (s.cpl != 0 || !s.protectedMode()) {
      throw GuestFault.generalProtection();
    }
    boolean to64 = i.rexW && s.code64;
    long target = to64 ? s.gpr[CpuState.RCX] : s.gpr[CpuState.RCX] & 0xffff_ffffL;
    if (!cpu.model.isAmd()) {
      DescriptorTables.checkCanonical(target);
    }
    if (s.longMode()) {
      int fixed = Flags.RF | Flags.VM;
      s.rflags(s.gpr[CpuState.R11] & ~fixed);
    } else {
      s.flagsSystem |= Flags.IF;
    }
    segmentsOfSysret(s, to64);
    s.rip = target;
    cpu.contextChanged();
    if ((s.flagsSystem & Flags.IF) != 0) {
      cpu.interruptsEnabled();
    }
    if ((s.flagsSystem & Flags.TF) != 0) {
      cpu.events.withoutStepTrap();
      cpu.events.trapAfter(Events.DR6_BS);
    }
  }

  /** Loads CS, SS and CPL as SYSENTER does; the caller tells that the context changed. */
  public static void segmentsOfSysenter(CpuState s) {
    int selector = (int) s.msr.sysenterCs & 0xfffc;
    code(s, selector, 0, s.longMode());
    stack(s, selector + 8, 0);
  }

  /**
   * Loads CS, SS and CPL as SYSEXIT does; the caller tells that the context changed.
   *
   * @param to64 whether it goes to 64-bit code
   */
  public static void segmentsOfSysexit(CpuState s, boolean to64) {
    int selector = (int) s.msr.sysenterCs & 0xfffc;
    code(s, selector + (to64 ? 32 : 16) | 3, 3, to64);
    stack(s, selector + (to64 ? 40 : 24) | 3, 3);
  }

  private static void sysenter(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    checkSysenter(cpu);
    if (!s.protectedMode() || (s.msr.sysenterCs & 0xfffc) == 0) {
      throw GuestFault.generalProtection();
    }
    boolean longMode = s.longMode();
    long mask = longMode ? -1L : 0xffff_ffffL;
    s.flagsSystem &= ~(Flags.VM | Flags.IF | Flags.RF);
    segmentsOfSysenter(s);
    s.gpr[CpuState.RSP] = s.msr.sysenterEsp & mask;
    s.rip = s.msr.sysenterEip & mask;
    cpu.contextChanged();
  }

  /** AMD processors have SYSENTER and SYSEXIT in legacy mode only (AMD64 manual Vol. 2 6.1.2). */
  private static void checkSysenter(Cpu cpu) {
    if (cpu.model.isAmd() && cpu.state.longMode()) {
      throw GuestFault.undefined();
    }
  }

  private static void sysexit(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    checkSysenter(cpu);
    if (!s.protectedMode() || (s.msr.sysenterCs & 0xfffc) == 0 || s.cpl != 0) {
      throw GuestFault.generalProtection();
    }
    boolean to64 = i.rexW && s.code64;
    long mask = to64 ? -1L : 0xffff_ffffL;
    long target = s.gpr[CpuState.RDX] & mask;
    long top = s.gpr[CpuState.RCX] & mask;
    DescriptorTables.checkCanonical(target);
    DescriptorTables.checkCanonical(top);
    segmentsOfSysexit(s, to64);
    s.gpr[CpuState.RSP] = top;
    s.rip = target;
    cpu.contextChanged();
  }

  private static void swapgs(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long base = s.segmentBase[CpuState.GS];
    s.segmentBase[CpuState.GS] = s.msr.kernelGsBase;
    s.msr.kernelGsBase = base;
  }
}
