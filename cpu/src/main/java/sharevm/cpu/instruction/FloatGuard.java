package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.event.GuestFault;

/** What may keep an x87, MMX or SSE instruction from being executed at all. SDM Vol. 3A, 2.5. */
public final class FloatGuard {
  private FloatGuard() {}

  /** Before x87 instructions that do not wait: #NM when CR0 says that the unit is away. */
  public static void x87NoWait(CpuState s) {
    if ((s.cr0 & (Control.CR0_EM | Control.CR0_TS)) != 0) {
      throw GuestFault.of(GuestFault.NM);
    }
  }

  /** Before x87 instructions that wait: #NM, then a pending exception. */
  public static void x87(Cpu cpu) {
    x87NoWait(cpu.state);
    pending(cpu);
  }

  /** Before FWAIT: #NM only where CR0.MP extends CR0.TS to it. */
  public static void await(Cpu cpu) {
    long both = Control.CR0_MP | Control.CR0_TS;
    if ((cpu.state.cr0 & both) == both) {
      throw GuestFault.of(GuestFault.NM);
    }
    pending(cpu);
  }

  /** Before MMX instructions. */
  public static void mmx(Cpu cpu) {
    long away = cpu.state.cr0 & (Control.CR0_EM | Control.CR0_TS);
    if (away != 0) {
      throw away == Control.CR0_TS ? GuestFault.of(GuestFault.NM) : GuestFault.undefined();
    }
    pending(cpu);
  }

  /** Before SSE instructions: #UD for an operating system that does not save their registers. */
  public static void sse(CpuState s) {
    long away = s.cr0 & (Control.CR0_EM | Control.CR0_TS) | ~s.cr4 & Control.CR4_OSFXSR;
    if (away != 0) {
      throw away == Control.CR0_TS ? GuestFault.of(GuestFault.NM) : GuestFault.undefined();
    }
  }

  /** The fault of an unmasked SSE exception. SDM Vol. 1, 11.5.1. */
  public static GuestFault simdException(CpuState s) {
    return (s.cr4 & Control.CR4_OSXMMEXCPT) != 0
        ? GuestFault.of(GuestFault.XM)
        : GuestFault.undefined();
  }

  private static void pending(Cpu cpu) {
    if (!cpu.state.x87.pending()) {
      return;
    }
    if ((cpu.state.cr0 & Control.CR0_NE) != 0) {
      throw GuestFault.of(GuestFault.MF);
    }
    cpu.floatError.errorPending();
  }
}
