package sharevm.cpu;

import java.util.Arrays;

/** What RESET and INIT set (Intel SDM Vol. 3A table 10-1). */
public final class Reset {
  private static final int RESET_CS_BASE = 0xffff_0000;

  /** E and FE of IA32_MTRR_DEF_TYPE (Intel SDM Vol. 3A 12.11.2.1). */
  private static final long MTRRS_ENABLED = 3 << 10;

  private static final long WRITE_BACK = 6;
  private static final long WRITE_PROTECTED = 5;

  /** A fixed-range MTRR has a byte for each of its eight ranges. */
  private static final long EIGHT_RANGES = 0x0101_0101_0101_0101L;

  /** Number of the fixed-range MTRR for A0000H to BFFFFH. */
  private static final int FIXED_VIDEO = 2;

  private Reset() {}

  /** Sets everything as after power-up. */
  public static void powerUp(Cpu cpu) {
    CpuState s = cpu.state;
    init(cpu);
    s.cr0 = Control.CR0_CD | Control.CR0_NW | Control.CR0_ET;
    s.xcr0 = 1;
    s.msr.tscOffset = 0;
    memoryTypes(s.msr);
    for (int n = 0; n < 16; n++) {
      s.xmmLow(n, 0);
      s.xmmHigh(n, 0);
    }
    s.mxcsr(CpuState.MXCSR_DEFAULT);
    s.x87.powerUp();
    cpu.contextChanged();
  }

  /**
   * Sets the memory types as a PC's firmware leaves them, since not every guest has had one: all
   * memory write-back, but the video memory uncached and the ROMs write-protected (Intel SDM Vol.
   * 3A 12.11). Nothing here depends on them.
   */
  private static void memoryTypes(Msrs m) {
    m.mtrrDefType = MTRRS_ENABLED | WRITE_BACK;
    Arrays.fill(m.mtrrVariable, 0);
    Arrays.fill(m.mtrrFixed, 0, FIXED_VIDEO, EIGHT_RANGES * WRITE_BACK);
    m.mtrrFixed[FIXED_VIDEO] = 0;
    Arrays.fill(m.mtrrFixed, FIXED_VIDEO + 1, m.mtrrFixed.length, EIGHT_RANGES * WRITE_PROTECTED);
  }

  /** Sets what INIT sets; caches, XMM, x87 and most MSRs keep what they hold. */
  public static void init(Cpu cpu) {
    CpuState s = cpu.state;
    Arrays.fill(s.gpr, 0);
    s.gpr[CpuState.RDX] = cpu.model.signature();
    s.rip = 0xfff0;
    s.flagsSystem = Flags.FIXED;
    Flags.status(s, 0);
    s.cr0 = s.cr0 & (Control.CR0_CD | Control.CR0_NW) | Control.CR0_ET;
    s.cr2 = 0;
    s.cr3 = 0;
    s.cr4 = 0;
    s.efer = 0;
    s.cpl = 0;
    s.halted = false;
    s.waitForStartup = false;
    s.interruptShadow = false;
    s.trapShadow = false;
    s.pendingDebug = 0;
    s.nmiBlocked = false;
    Arrays.fill(s.dr, 0);
    s.dr[6] = 0xffff_0ff0L;
    s.dr[7] = 0x400;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      segment(s, n, 0, 0, Segment.REAL_DATA);
    }
    segment(s, CpuState.CS, 0xf000, RESET_CS_BASE & 0xffff_ffffL, Segment.REAL_DATA | Segment.CODE);
    segment(s, CpuState.LDTR, 0, 0, Segment.PRESENT | 2);
    segment(s, CpuState.TR, 0, 0, Segment.PRESENT | 11);
    s.gdtBase = 0;
    s.gdtLimit = 0xffff;
    s.idtBase = 0;
    s.idtLimit = 0xffff;
    cpu.contextChanged();
    cpu.flushTranslations(true);
  }

  /**
   * Starts a processor that waits for it at page {@code vector} of real-address mode (Intel SDM
   * Vol. 3A 9.4.4).
   */
  public static void startup(Cpu cpu, int vector) {
    CpuState s = cpu.state;
    s.waitForStartup = false;
    s.halted = false;
    segment(s, CpuState.CS, vector << 8, (long) vector << 12, Segment.REAL_DATA | Segment.CODE);
    s.rip = 0;
    cpu.contextChanged();
  }

  private static void segment(CpuState s, int n, int selector, long base, int attributes) {
    s.selector[n] = selector;
    s.segmentBase[n] = base;
    s.segmentLimit[n] = 0xffff;
    s.segmentAttributes[n] = attributes;
  }
}
