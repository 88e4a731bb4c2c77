package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * MOV to and from control registers, LMSW, SMSW, CLTS (Intel SDM Vol. 2; checks: Vol. 3A 2.5, 4.1,
 * 9.8.5).
 */
public final class ControlRegisters {
  private static final long CR0_DEFINED =
      Control.CR0_PE
          | Control.CR0_MP
          | Control.CR0_EM
          | Control.CR0_TS
          | Control.CR0_ET
          | Control.CR0_NE
          | Control.CR0_WP
          | Control.CR0_AM
          | Control.CR0_NW
          | Control.CR0_CD
          | Control.CR0_PG;

  /** Bits of CR0 whose change makes cached translations wrong. */
  private static final long CR0_MAPPING = Control.CR0_PE | Control.CR0_PG | Control.CR0_WP;

  private static final long CR4_MAPPING =
      Control.CR4_PSE
          | Control.CR4_PAE
          | Control.CR4_PGE
          | Control.CR4_PCIDE
          | Control.CR4_SMEP
          | Control.CR4_SMAP;

  /** Bits whose change reloads the PDPTE registers under PAE paging (Intel SDM Vol. 3A 4.4.1). */
  private static final long CR0_PDPTE = Control.CR0_CD | Control.CR0_NW | Control.CR0_PG;

  private static final long CR4_PDPTE =
      Control.CR4_PAE | Control.CR4_PGE | Control.CR4_PSE | Control.CR4_SMEP;

  private static final long PCID = 0xfff;
  private static final long KEEP_TRANSLATIONS = 1L << 63;
  private static final long PHYSICAL_40 = (1L << 40) - 1;

  private ControlRegisters() {}

  static void bind(Semantics s) {
    s.choose(
        "MOV",
        Kind.CONTROL,
        i -> i.opcode.code() == 0x22 ? ControlRegisters::write : ControlRegisters::read);
    s.put("LMSW", ControlRegisters::lmsw);
    s.put("SMSW", ControlRegisters::smsw);
    s.put("CLTS", (cpu, i) -> cpu.state.cr0 &= ~Control.CR0_TS);
  }

  private static void read(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long value =
        switch (i.source) {
          case 0 -> s.cr0;
          case 2 -> s.cr2;
          case 3 -> s.cr3;
          case 4 -> s.cr4;
          default -> cpu.interrupts.taskPriority();
        };
    s.r(i.destination, i.codeSize == 8 ? 8 : 4, value);
  }

  private static void write(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long value = s.r(i.source, i.codeSize == 8 ? 8 : 4);
    switch (i.destination) {
      case 0 -> cr0(cpu, value);
      case 2 -> s.cr2 = value;
      case 3 -> cr3(cpu, value);
      case 4 -> cr4(cpu, value);
      default -> cr8(cpu, value);
    }
  }

  private static void cr8(Cpu cpu, long value) {
    require((value & ~0xfL) == 0);
    cpu.interrupts.taskPriority((int) value);
    if ((cpu.state.flagsSystem & Flags.IF) != 0) {
      cpu.interruptsEnabled();
    }
  }

  private static void require(boolean allowed) {
    if (!allowed) {
      throw GuestFault.generalProtection();
    }
  }

  /** Sets CR0 with all that follows from it: paging, IA-32e mode. */
  private static void cr0(Cpu cpu, long value) {
    CpuState s = cpu.state;
    require(value >>> 32 == 0);
    long wanted = value & CR0_DEFINED | Control.CR0_ET;
    boolean paging = (wanted & Control.CR0_PG) != 0;
    require(!paging || (wanted & Control.CR0_PE) != 0);
    require((wanted & Control.CR0_NW) == 0 || (wanted & Control.CR0_CD) != 0);
    long changed = wanted ^ s.cr0;
    long efer = s.efer;
    if ((changed & Control.CR0_PG) != 0) {
      efer = pagingSwitched(s, paging);
    }
    boolean pae = paging && (s.cr4 & Control.CR4_PAE) != 0 && (efer & Control.EFER_LMA) == 0;
    if (pae && (changed & CR0_PDPTE) != 0) {
      require(cpu.memory.pageWalk().loadPdptes(s.cr3));
    }
    s.cr0 = wanted;
    s.efer = efer;
    if ((changed & Control.CR0_PE) != 0 && (wanted & Control.CR0_PE) == 0) {
      s.cpl = 0;
    }
    cpu.contextChanged();
    if ((changed & CR0_MAPPING) != 0) {
      cpu.flushTranslations(true);
    }
    cpu.trace.control(cpu, "CR0", wanted);
  }

  /** Returns EFER after CR0.PG changes: IA-32e mode begins or ends (Intel SDM Vol. 3A 9.8.5). */
  private static long pagingSwitched(CpuState s, boolean paging) {
    if (!paging) {
      require(!s.code64 && (s.cr4 & Control.CR4_PCIDE) == 0);
      return s.efer & ~Control.EFER_LMA;
    }
    if ((s.efer & Control.EFER_LME) == 0) {
      return s.efer;
    }
    boolean in64Segment = (s.segmentAttributes[CpuState.CS] & Segment.LONG) != 0;
    int tss = s.segmentAttributes[CpuState.TR] & 0xf;
    require((s.cr4 & Control.CR4_PAE) != 0 && !in64Segment && tss != 1 && tss != 3);
    return s.efer | Control.EFER_LMA;
  }

  private static void cr3(Cpu cpu, long value) {
    CpuState s = cpu.state;
    boolean pcids = (s.cr4 & Control.CR4_PCIDE) != 0;
    long wanted = pcids ? value & ~KEEP_TRANSLATIONS : value;
    if (s.longMode()) {
      require((wanted & ~PHYSICAL_40) == 0);
    } else if ((s.cr0 & Control.CR0_PG) != 0 && (s.cr4 & Control.CR4_PAE) != 0) {
      require(cpu.memory.pageWalk().loadPdptes(wanted));
    }
    s.cr3 = wanted;
    if (pcids) {
      cpu.enterAddressSpace(value != wanted);
    } else {
      cpu.flushTranslations(false);
    }
    cpu.trace.control(cpu, "CR3", wanted);
  }

  private static void cr4(Cpu cpu, long value) {
    CpuState s = cpu.state;
    require((value & ~cpu.model.cr4()) == 0);
    long changed = value ^ s.cr4;
    if (s.longMode()) {
      require((value & Control.CR4_PAE) != 0);
    }
    if ((changed & value & Control.CR4_PCIDE) != 0) {
      require(s.longMode() && (s.cr3 & PCID) == 0);
    }
    boolean paePaging =
        (s.cr0 & Control.CR0_PG) != 0 && (value & Control.CR4_PAE) != 0 && !s.longMode();
    if (paePaging && (changed & CR4_PDPTE) != 0) {
      require(cpu.memory.pageWalk().loadPdptes(s.cr3));
    }
    s.cr4 = value;
    cpu.contextChanged();
    if ((changed & CR4_MAPPING) != 0) {
      cpu.flushTranslations(true);
    }
    cpu.trace.control(cpu, "CR4", value);
  }

  /** Loads PE, MP, EM and TS; cannot clear PE. */
  private static void lmsw(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int value = i.memory ? cpu.memory.load16(i) : s.r16(i.destination);
    cr0(cpu, s.cr0 & ~0xeL | value & 0xf);
  }

  private static void smsw(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    DescriptorTables.checkUserMode(s);
    if (i.memory) {
      cpu.memory.store16(i, (int) s.cr0);
    } else {
      s.r(i.destination, i.size, s.cr0);
    }
  }
}
