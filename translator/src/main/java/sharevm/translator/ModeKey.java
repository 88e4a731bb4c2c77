package sharevm.translator;

import sharevm.cpu.Control;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.real.FloatException;

/**
 * What a translation depends on beside the code's bytes, as a small number: code and stack size,
 * whether segments count, which TLB answers, and whether SSE and x87 instructions run without more
 * ado.
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

  /**
   * Segments have bases and limits that count: every access adds the one and looks at the other.
   * All 16-bit code is taken to be so.
   */
  static final int SEGMENTED = 1 << 8;

  static final int CODE_16 = 1 << 9;

  /** The stack pointer is SP. */
  static final int STACK_16 = 1 << 10;

  /**
   * Segments are loaded by value times 16, with limits that stay; user code is in virtual-8086 mode
   * then, other code in real-address mode.
   */
  static final int REAL = 1 << 11;

  private static final int ALL_MASKED = 0x1f80;
  private static final int REAL_LIMIT = 0xffff;

  private ModeKey() {}

  /**
   * Returns the key of a processor's present mode.
   *
   * @param withX87 whether x87 instructions are translated at all
   */
  static int of(CpuState s, boolean withX87) {
    boolean downwards = (s.flagsSystem & Flags.DF) != 0;
    if (downwards || s.cpl == 1 || s.cpl == 2) {
      return NONE;
    }
    boolean ac = (s.flagsSystem & Flags.AC) != 0;
    if (s.cpl == 3 && ac && (s.cr0 & Control.CR0_AM) != 0) {
      return NONE;
    }
    int segments = segments(s);
    if (segments == NONE) {
      return NONE;
    }
    boolean smap = (s.cr4 & Control.CR4_SMAP) != 0;
    int tlb = s.cpl == 3 ? 0 : ac && smap ? 2 : SUPERVISOR_TLB;
    boolean unit = (s.cr0 & (Control.CR0_EM | Control.CR0_TS)) == 0;
    boolean sse =
        unit
            && s.codeSize != 2
            && (s.cr4 & Control.CR4_OSFXSR) != 0
            && (s.mxcsr() & ALL_MASKED) == ALL_MASKED;
    boolean x87 =
        withX87 && unit && (s.x87.controlWord() & FloatException.ALL) == FloatException.ALL;
    return segments | tlb << TLB_SHIFT | (sse ? SSE : 0) | (smap ? SMAP : 0) | (x87 ? X87 : 0);
  }

  /** Returns what segments make of a key, or {@link #NONE}. */
  private static int segments(CpuState s) {
    if (s.code64) {
      return CODE_64;
    }
    if (s.codeSize == 4 && isFlat(s)) {
      return (free(s, CpuState.FS) ? FS_FLAT : 0) | (free(s, CpuState.GS) ? GS_FLAT : 0);
    }
    boolean real = s.realSegments();
    if (real && !areOrdinary(s)) {
      return NONE;
    }
    return SEGMENTED
        | (s.codeSize == 2 ? CODE_16 : 0)
        | (s.stackMask == 0xffff ? STACK_16 : 0)
        | (real ? REAL : 0);
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

  /** Whether a key is one of virtual-8086 mode. */
  static boolean isVirtual(int key) {
    return (key & REAL) != 0 && isUser(key);
  }

  /** Whether a key is one of a mode where segments are what the instructions of systems expect. */
  static boolean isFlat(int key) {
    return (key & SEGMENTED) == 0;
  }

  private static boolean free(CpuState s, int segment) {
    return s.segmentCheck[segment] == 0;
  }

  /** Whether code, data and stack segments are the whole address space. */
  private static boolean isFlat(CpuState s) {
    for (int n = CpuState.ES; n <= CpuState.DS; n++) {
      if (s.segmentBase[n] != 0 || n != CpuState.CS && !free(s, n)) {
        return false;
      }
    }
    return s.segmentLimit[CpuState.CS] == -1 && s.stackMask == 0xffff_ffffL;
  }

  /**
   * Whether a load of a segment register would change no more than its base: not so right after
   * protected mode has been left, until all registers are loaded.
   */
  private static boolean areOrdinary(CpuState s) {
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      boolean limited = !s.virtual8086() || s.segmentLimit[n] == REAL_LIMIT;
      if (!limited || n != CpuState.CS && !isOrdinary(s.segmentAttributes[n])) {
        return false;
      }
    }
    return true;
  }

  private static boolean isOrdinary(int attributes) {
    int odd = Segment.CODE | Segment.EXPAND_CONFORM | Segment.UNUSABLE;
    return (attributes & (Segment.READ_WRITE | odd)) == Segment.READ_WRITE;
  }
}
