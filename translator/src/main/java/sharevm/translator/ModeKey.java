package sharevm.translator;

import sharevm.cpu.Control;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.real.FloatException;

/**
 * What a translation depends on beside the code's bytes, as a small number: code size, which TLB
 * answers, and whether SSE instructions run without more ado.
 */
final class ModeKey {
  /** A mode that is not translated. */
  static final int NONE = -1;

  static final int CODE_64 = 1;
  static final int TLB_SHIFT = 1;
  static final int TLB_MASK = 3 << TLB_SHIFT;
  static final int SSE = 1 << 3;

  /** The TLB of supervisor code that EFLAGS.AC does not let at user pages. */
  static final int SUPERVISOR_TLB = 1;

  /** Accesses through FS, and GS, need no check outside 64-bit mode. */
  static final int FS_FLAT = 1 << 4;

  static final int GS_FLAT = 1 << 5;

  /** CR4.SMAP: EFLAGS.AC chooses the TLB of supervisor code. */
  static final int SMAP = 1 << 6;

  /** x87 and MMX instructions run without more ado, and cannot trap. */
  static final int X87 = 1 << 7;

  private static final int ALL_MASKED = 0x1f80;

  private ModeKey() {}

  /**
   * Returns the key of a processor's present mode.
   *
   * @param withX87 whether x87 instructions are translated at all
   */
  static int of(CpuState s, boolean withX87) {
    boolean downwards = (s.flagsSystem & Flags.DF) != 0;
    if ((s.cr0 & Control.CR0_PG) == 0 || s.codeSize == 2 || downwards || !flat(s)) {
      return NONE;
    }
    if (s.cpl == 1 || s.cpl == 2) {
      return NONE;
    }
    boolean ac = (s.flagsSystem & Flags.AC) != 0;
    int tlb;
    if (s.cpl == 3) {
      if (ac && (s.cr0 & Control.CR0_AM) != 0) {
        return NONE;
      }
      tlb = 0;
    } else {
      tlb = ac && (s.cr4 & Control.CR4_SMAP) != 0 ? 2 : SUPERVISOR_TLB;
    }
    boolean sse =
        (s.cr0 & (Control.CR0_EM | Control.CR0_TS)) == 0
            && (s.cr4 & Control.CR4_OSFXSR) != 0
            && (s.mxcsr() & ALL_MASKED) == ALL_MASKED;
    boolean x87 =
        withX87
            && (s.cr0 & (Control.CR0_EM | Control.CR0_TS)) == 0
            && (s.x87.controlWord() & FloatException.ALL) == FloatException.ALL;
    boolean smap = (s.cr4 & Control.CR4_SMAP) != 0;
    int key =
        (s.code64 ? CODE_64 : 0)
            | tlb << TLB_SHIFT
            | (sse ? SSE : 0)
            | (smap ? SMAP : 0)
            | (x87 ? X87 : 0);
    return s.code64
        ? key
        : key | (free(s, CpuState.FS) ? FS_FLAT : 0) | (free(s, CpuState.GS) ? GS_FLAT : 0);
  }

  /** Returns the number of the TLB that answers: 0 is user code's. */
  static int tlb(int key) {
    return (key & TLB_MASK) >> TLB_SHIFT;
  }

  /** Whether a key is one of user code. */
  static boolean isUser(int key) {
    return tlb(key) == 0;
  }

  /** Returns the key of supervisor code in a mode that else is the same. */
  static int supervisor(int key, boolean alignmentCheck) {
    boolean suspended = alignmentCheck && (key & SMAP) != 0;
    return key & ~TLB_MASK | (suspended ? 2 : SUPERVISOR_TLB) << TLB_SHIFT;
  }

  /** Returns the key of user code in a mode that else is the same. */
  static int user(int key) {
    return key & ~TLB_MASK;
  }

  private static boolean free(CpuState s, int segment) {
    return s.segmentCheck[segment] == 0;
  }

  /** Whether code, data and stack segments are the whole address space. */
  private static boolean flat(CpuState s) {
    if (s.code64) {
      return true;
    }
    for (int n = CpuState.ES; n <= CpuState.DS; n++) {
      if (s.segmentBase[n] != 0 || n != CpuState.CS && !free(s, n)) {
        return false;
      }
    }
    return s.segmentLimit[CpuState.CS] == -1 && s.stackMask == 0xffff_ffffL;
  }
}
