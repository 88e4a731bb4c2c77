package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * PUSHF, POPF, CLI, STI, CLAC, STAC: who may see and change which system flag (Intel SDM Vol. 2,
 * and Vol. 3B 20.3 for virtual-8086 mode extensions and protected-mode virtual interrupts).
 */
final class FlagTransfer {
  private FlagTransfer() {}

  static void bind(Semantics s) {
    s.put("PUSHF", FlagTransfer::pushf);
    s.put("POPF", FlagTransfer::popf);
    s.put("CLI", FlagTransfer::cli);
    s.put("STI", FlagTransfer::sti);
    s.put("CLAC", (cpu, i) -> ac(cpu, 0));
    s.put("STAC", (cpu, i) -> ac(cpu, Flags.AC));
  }

  /** Sets the status flags and those system flags that a mask has. */
  static void set(Cpu cpu, long value, int mask) {
    CpuState s = cpu.state;
    int before = s.flagsSystem;
    Flags.status(s, value);
    s.flagsSystem = before & ~mask | (int) value & mask;
    int changed = before ^ s.flagsSystem;
    if ((changed & (Flags.AC | Flags.VM)) != 0) {
      cpu.contextChanged();
    }
    if ((changed & s.flagsSystem & Flags.IF) != 0) {
      cpu.interruptsEnabled();
    }
  }

  /**
   * Whether virtual-8086 code below IOPL 3 works on VIF instead of IF: only 16-bit forms, with
   * CR4.VME.
   */
  static boolean virtualInterrupts(CpuState s, int size) {
    return size == 2 && (s.cr4 & Control.CR4_VME) != 0;
  }

  /**
   * Checks flags that virtual-8086 code below IOPL 3 loads: no interrupt may wait, and no single
   * step begin.
   */
  static void checkVirtual(CpuState s, long flags) {
    boolean waiting = (flags & Flags.IF) != 0 && (s.flagsSystem & Flags.VIP) != 0;
    if (waiting || (flags & Flags.TF) != 0) {
      throw GuestFault.generalProtection();
    }
  }

  /** Loads flags in virtual-8086 mode below IOPL 3: IF goes to VIF. */
  static void loadVirtual(Cpu cpu, long flags) {
    long value = flags | ((flags & Flags.IF) != 0 ? Flags.VIF : 0);
    set(cpu, value, Flags.TF | Flags.DF | Flags.NT | Flags.VIF);
  }

  private static int iopl(CpuState s) {
    return (s.flagsSystem & Flags.IOPL) >> Flags.IOPL_SHIFT;
  }

  private static void pushf(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long flags = s.rflags() & ~(Flags.VM | Flags.RF);
    if (s.virtual8086() && iopl(s) < 3) {
      if (!virtualInterrupts(s, i.size)) {
        throw GuestFault.generalProtection();
      }
      flags = flags & ~Flags.IF | Flags.IOPL | ((flags & Flags.VIF) != 0 ? Flags.IF : 0);
    }
    Stack.push(cpu, i.size, flags);
  }

  private static void popf(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    boolean virtual = s.virtual8086() && iopl(s) < 3;
    if (virtual && !virtualInterrupts(s, i.size)) {
      throw GuestFault.generalProtection();
    }
    long flags = Stack.peek(cpu, i.size);
    if (virtual) {
      checkVirtual(s, flags);
    }
    Stack.drop(s, i.size);
    s.flagsSystem &= ~Flags.RF;
    if (virtual) {
      loadVirtual(cpu, flags);
      return;
    }
    int mask = Flags.TF | Flags.DF | Flags.NT;
    mask |= s.cpl <= iopl(s) ? Flags.IF : 0;
    mask |= s.cpl == 0 ? Flags.IOPL : 0;
    mask |= i.size > 2 ? Flags.AC | Flags.ID : 0;
    set(cpu, flags, mask);
  }

  private static void cli(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    s.flagsSystem &= ~controlled(s);
  }

  private static void sti(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int flag = controlled(s);
    if (flag == Flags.VIF) {
      if ((s.flagsSystem & Flags.VIP) != 0) {
        throw GuestFault.generalProtection();
      }
    } else if ((s.flagsSystem & Flags.IF) == 0) {
      s.interruptShadow = true;
      cpu.interruptsEnabled();
    }
    s.flagsSystem |= flag;
  }

  /** Returns the flag that CLI and STI work on, IF or VIF (Intel SDM Vol. 2 CLI, table 3-7). */
  private static int controlled(CpuState s) {
    if (!s.protectedMode() || s.cpl <= iopl(s)) {
      return Flags.IF;
    }
    boolean virtual =
        s.virtual8086()
            ? (s.cr4 & Control.CR4_VME) != 0
            : s.cpl == 3 && (s.cr4 & Control.CR4_PVI) != 0;
    if (!virtual) {
      throw GuestFault.generalProtection();
    }
    return Flags.VIF;
  }

  private static void ac(Cpu cpu, int value) {
    CpuState s = cpu.state;
    if (s.cpl != 0) {
      throw GuestFault.undefined();
    }
    s.flagsSystem = s.flagsSystem & ~Flags.AC | value;
    cpu.contextChanged();
  }
}
