package sharevm.cpu.instruction;

import java.util.OptionalLong;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuFeature;
import sharevm.cpu.CpuState;
import sharevm.cpu.Msrs;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * RDMSR and WRMSR (Intel SDM Vol. 4; AMD64 manual Vol. 2 appendix A). What is not listed is a
 * general-protection fault.
 */
final class ModelRegisters {
  private static final int P5_MC_ADDR = 0x0;
  private static final int P5_MC_TYPE = 0x1;
  private static final int TIME_STAMP_COUNTER = 0x10;
  private static final int PLATFORM_ID = 0x17;
  private static final int EBL_CR_POWERON = 0x2a;
  private static final int TSC_ADJUST = 0x3b;
  private static final int FEATURE_CONTROL = 0x3a;
  private static final int SPEC_CTRL = 0x48;
  private static final int PRED_CMD = 0x49;
  private static final int BIOS_SIGN_ID = 0x8b;
  private static final int PERF_COUNTER_0 = 0xc1;
  private static final int PERF_COUNTER_1 = 0xc2;
  private static final int FSB_FREQUENCY = 0xcd;
  private static final int PLATFORM_INFO = 0xce;
  private static final int MTRR_CAP = 0xfe;
  private static final int ARCH_CAPABILITIES = 0x10a;
  private static final int MISC_FEATURES_ENABLES = 0x140;
  private static final int SYSENTER_CS = 0x174;
  private static final int SYSENTER_ESP = 0x175;
  private static final int SYSENTER_EIP = 0x176;
  private static final int MCG_CAP = 0x179;
  private static final int MCG_STATUS = 0x17a;
  private static final int MCG_CTL = 0x17b;
  private static final int PERF_SELECT_0 = 0x186;
  private static final int PERF_SELECT_1 = 0x187;
  private static final int PERF_STATUS = 0x198;
  private static final int PERF_CTL = 0x199;
  private static final int THERM_STATUS = 0x19c;
  private static final int MISC_ENABLE = 0x1a0;
  private static final int DEBUG_CTL = 0x1d9;
  private static final int MTRR_VARIABLE = 0x200;
  private static final int MTRR_FIX_64K = 0x250;
  private static final int MTRR_FIX_16K = 0x258;
  private static final int MTRR_FIX_4K = 0x268;
  private static final int PAT = 0x277;
  private static final int MTRR_DEF_TYPE = 0x2ff;
  private static final int MC0_CTL = 0x400;
  private static final int EFER = 0xc000_0080;
  private static final int STAR = 0xc000_0081;
  private static final int LSTAR = 0xc000_0082;
  private static final int CSTAR = 0xc000_0083;
  private static final int SFMASK = 0xc000_0084;
  private static final int FS_BASE = 0xc000_0100;
  private static final int GS_BASE = 0xc000_0101;
  private static final int KERNEL_GS_BASE = 0xc000_0102;
  private static final int TSC_AUX = 0xc000_0103;
  private static final int AMD_SYSCFG = 0xc001_0010;
  private static final int AMD_HWCR = 0xc001_0015;
  private static final int AMD_INT_PENDING = 0xc001_0055;
  private static final int AMD_DECODE_CFG = 0xc001_1029;

  /** IA32_MISC_ENABLE: branch trace storage and event sampling are unavailable (table 2-2). */
  private static final long MISC_NO_TRACES = 1 << 12 | 1 << 11;

  private static final int MC_BANKS = 2;
  private static final int MTRRS = 8;

  /**
   * Fixed-range MTRRs and write combining are there, and 8 variable ranges (Intel SDM Vol. 3A
   * 12.11.1).
   */
  private static final long MTRR_CAP_VALUE = 1 << 10 | 1 << 8 | MTRRS;

  /** What a microcode revision is read as: newer than any that guests distrust. */
  private static final long MICROCODE = 1L << 32;

  private static final long PHYSICAL_40 = (1L << 40) - 1;

  private ModelRegisters() {}

  static void bind(Semantics s) {
    s.put("RDMSR", ModelRegisters::rdmsr);
    s.put("WRMSR", ModelRegisters::wrmsr);
  }

  private static void rdmsr(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long value = read(cpu, s.r32(CpuState.RCX));
    s.r32(CpuState.RAX, (int) value);
    s.r32(CpuState.RDX, (int) (value >>> 32));
  }

  private static void wrmsr(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long value = s.gpr[CpuState.RAX] & 0xffff_ffffL | s.gpr[CpuState.RDX] << 32;
    int index = s.r32(CpuState.RCX);
    switch (cpu.hypervisor.wrmsr(cpu, index, value)) {
      case DONE -> {}
      case REFUSED -> throw GuestFault.generalProtection();
      case NOT_MINE -> write(cpu, index, value);
    }
  }

  private static long read(Cpu cpu, int index) {
    OptionalLong ofHypervisor = cpu.hypervisor.rdmsr(cpu, index);
    if (ofHypervisor.isPresent()) {
      return ofHypervisor.getAsLong();
    }
    if (cpu.interrupts.ownsMsr(index)) {
      return cpu.interrupts.readMsr(index);
    }
    checkPresent(cpu, index);
    CpuState s = cpu.state;
    Msrs m = s.msr;
    return switch (index) {
      case TIME_STAMP_COUNTER -> cpu.timestamp();
      case TSC_ADJUST -> m.tscAdjust;
      case TSC_AUX -> m.tscAux;
      case SYSENTER_CS -> m.sysenterCs;
      case SYSENTER_ESP -> m.sysenterEsp;
      case SYSENTER_EIP -> m.sysenterEip;
      case EFER -> s.efer;
      case STAR -> m.star;
      case LSTAR -> m.lstar;
      case CSTAR -> m.cstar;
      case SFMASK -> m.sfmask;
      case FS_BASE -> s.segmentBase[CpuState.FS];
      case GS_BASE -> s.segmentBase[CpuState.GS];
      case KERNEL_GS_BASE -> m.kernelGsBase;
      case PAT -> m.pat;
      case MISC_ENABLE -> m.miscEnable | MISC_NO_TRACES;
      case SPEC_CTRL -> m.specCtrl;
      case ARCH_CAPABILITIES -> cpu.model.archCapabilities();
      case MTRR_CAP -> MTRR_CAP_VALUE;
      case MTRR_DEF_TYPE -> m.mtrrDefType;
      case BIOS_SIGN_ID -> cpu.model.isAmd() ? MICROCODE >>> 32 : MICROCODE;
      case FEATURE_CONTROL -> 1;
      case MCG_CAP -> MC_BANKS;
      case P5_MC_ADDR,
          P5_MC_TYPE,
          PLATFORM_ID,
          EBL_CR_POWERON,
          PERF_COUNTER_0,
          PERF_COUNTER_1,
          FSB_FREQUENCY,
          PLATFORM_INFO,
          MISC_FEATURES_ENABLES,
          MCG_STATUS,
          MCG_CTL,
          PERF_SELECT_0,
          PERF_SELECT_1,
          PERF_STATUS,
          PERF_CTL,
          THERM_STATUS,
          DEBUG_CTL ->
          0;
      default -> readRange(cpu, index);
    };
  }

  /** What is not here to be switched stays off. */
  private static long miscEnableBits(Cpu cpu) {
    boolean monitor = cpu.model.has(CpuFeature.MONITOR);
    return Msrs.MISC_FAST_STRINGS | (monitor ? Msrs.MISC_MONITOR : 0);
  }

  /** Faults on a register that came with a feature which this processor has not. */
  private static void checkPresent(Cpu cpu, int index) {
    CpuFeature needed =
        switch (index) {
          case TIME_STAMP_COUNTER -> CpuFeature.TSC;
          case TSC_ADJUST -> CpuFeature.TSC_ADJUST;
          case TSC_AUX -> CpuFeature.RDTSCP;
          case SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP -> CpuFeature.SEP;
          case STAR, SFMASK -> CpuFeature.SYSCALL;
          case EFER, LSTAR, CSTAR, FS_BASE, GS_BASE, KERNEL_GS_BASE -> CpuFeature.LONG_MODE;
          case PAT -> CpuFeature.PAT;
          case MTRR_CAP, MTRR_DEF_TYPE -> CpuFeature.MTRR;
          case MCG_CAP, MCG_STATUS, MCG_CTL -> CpuFeature.MCA;
          case SPEC_CTRL, PRED_CMD -> CpuFeature.SPEC_CTRL;
          case ARCH_CAPABILITIES -> CpuFeature.ARCH_CAPABILITIES;
          // Not before the Pentium 4, which has no bit of its own.
          case MISC_ENABLE -> CpuFeature.SSE2;
          default -> fixedRange(index) >= 0 ? CpuFeature.MTRR : CpuFeature.MSR;
        };
    require(cpu.model.has(needed) && !(index == MISC_ENABLE && cpu.model.isAmd()));
  }

  private static long readRange(Cpu cpu, int index) {
    Msrs m = cpu.state.msr;
    int fixed = fixedRange(index);
    if (fixed >= 0) {
      return m.mtrrFixed[fixed];
    }
    if (index >= MTRR_VARIABLE && index < MTRR_VARIABLE + 2 * MTRRS) {
      return m.mtrrVariable[index - MTRR_VARIABLE];
    }
    if (isMachineCheckBank(index) || isAmdStorage(cpu, index)) {
      return 0;
    }
    throw GuestFault.generalProtection();
  }

  /**
   * Returns the number of a fixed-range MTRR, in the order of the ranges, or -1 (Intel SDM Vol. 3A
   * table 12-9).
   */
  private static int fixedRange(int index) {
    if (index == MTRR_FIX_64K) {
      return 0;
    }
    if (index == MTRR_FIX_16K || index == MTRR_FIX_16K + 1) {
      return 1 + index - MTRR_FIX_16K;
    }
    return index >= MTRR_FIX_4K && index < MTRR_FIX_4K + 8 ? 3 + index - MTRR_FIX_4K : -1;
  }

  private static boolean isMachineCheckBank(int index) {
    return index >= MC0_CTL && index < MC0_CTL + 4 * MC_BANKS;
  }

  /**
   * Registers of AMD processors that guests read and write back; nothing follows from their bits
   * here.
   */
  private static boolean isAmdStorage(Cpu cpu, int index) {
    boolean counters = index >= 0xc001_0000 && index <= 0xc001_0007;
    return cpu.model.isAmd()
        && (counters
            || index == AMD_SYSCFG
            || index == AMD_HWCR
            || index == AMD_INT_PENDING
            || index == AMD_DECODE_CFG);
  }

  private static void write(Cpu cpu, int index, long value) {
    if (cpu.interrupts.ownsMsr(index)) {
      require(cpu.interrupts.writeMsr(index, value));
      return;
    }
    checkPresent(cpu, index);
    CpuState s = cpu.state;
    Msrs m = s.msr;
    switch (index) {
      case TIME_STAMP_COUNTER -> timestamp(cpu, value);
      case TSC_ADJUST -> {
        m.tscOffset += value - m.tscAdjust;
        m.tscAdjust = value;
      }
      case TSC_AUX -> m.tscAux = checked(value, 0xffff_ffffL);
      case SYSENTER_CS -> m.sysenterCs = value & 0xffff_ffffL;
      case SYSENTER_ESP -> m.sysenterEsp = canonical(value);
      case SYSENTER_EIP -> m.sysenterEip = canonical(value);
      case EFER -> efer(cpu, value);
      case STAR -> m.star = value;
      case LSTAR -> m.lstar = canonical(value);
      case CSTAR -> m.cstar = canonical(value);
      case SFMASK -> m.sfmask = value & 0xffff_ffffL;
      case FS_BASE -> s.segmentBase[CpuState.FS] = canonical(value);
      case GS_BASE -> s.segmentBase[CpuState.GS] = canonical(value);
      case KERNEL_GS_BASE -> m.kernelGsBase = canonical(value);
      case PAT -> pat(m, value);
      case MISC_ENABLE -> m.miscEnable = value & miscEnableBits(cpu);
      case SPEC_CTRL -> m.specCtrl = checked(value, 7);
      case PRED_CMD -> checked(value, 1);
      case MTRR_DEF_TYPE -> m.mtrrDefType = checked(value, 0xcff);
      case BIOS_SIGN_ID,
          MISC_FEATURES_ENABLES,
          MCG_STATUS,
          MCG_CTL,
          PERF_CTL,
          DEBUG_CTL,
          PERF_COUNTER_0,
          PERF_COUNTER_1,
          PERF_SELECT_0,
          PERF_SELECT_1,
          P5_MC_ADDR,
          P5_MC_TYPE,
          EBL_CR_POWERON,
          THERM_STATUS -> {}
      default -> writeRange(cpu, index, value);
    }
  }

  private static void writeRange(Cpu cpu, int index, long value) {
    Msrs m = cpu.state.msr;
    int fixed = fixedRange(index);
    if (fixed >= 0) {
      for (int i = 0; i < 8; i++) {
        require(isMemoryType((int) (value >>> 8 * i) & 0xff));
      }
      m.mtrrFixed[fixed] = value;
    } else if (index >= MTRR_VARIABLE && index < MTRR_VARIABLE + 2 * MTRRS) {
      boolean mask = (index & 1) != 0;
      m.mtrrVariable[index - MTRR_VARIABLE] =
          checked(value, PHYSICAL_40 & (mask ? ~0x7ffL : ~0xf00L));
    } else {
      require(isMachineCheckBank(index) || isAmdStorage(cpu, index));
    }
  }

  private static void timestamp(Cpu cpu, long value) {
    Msrs m = cpu.state.msr;
    long change = value - cpu.timestamp();
    m.tscOffset += change;
    m.tscAdjust += change;
  }

  /** UC, WC, WT, WP, WB (Intel SDM Vol. 3A table 12-8). */
  private static boolean isMemoryType(int type) {
    return type == 0 || type == 1 || type >= 4 && type <= 6;
  }

  private static void pat(Msrs m, long value) {
    for (int i = 0; i < 8; i++) {
      int type = (int) (value >>> 8 * i) & 0xff;
      require(isMemoryType(type) || type == 7);
    }
    m.pat = value;
  }

  /** LMA is read-only; LME cannot change while paging is on (Intel SDM Vol. 3A 2.2.1). */
  private static void efer(Cpu cpu, long value) {
    CpuState s = cpu.state;
    checked(value, cpu.model.efer());
    long wanted = value & ~Control.EFER_LMA | s.efer & Control.EFER_LMA;
    long changed = wanted ^ s.efer;
    require((changed & Control.EFER_LME) == 0 || (s.cr0 & Control.CR0_PG) == 0);
    s.efer = wanted;
    if ((changed & Control.EFER_NXE) != 0) {
      cpu.flushTranslations(true);
    }
    cpu.trace.control(cpu, "EFER", wanted);
  }

  private static long checked(long value, long defined) {
    require((value & ~defined) == 0);
    return value;
  }

  private static long canonical(long value) {
    DescriptorTables.checkCanonical(value);
    return value;
  }

  private static void require(boolean allowed) {
    if (!allowed) {
      throw GuestFault.generalProtection();
    }
  }
}
