package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.real.SseUnit;
import sharevm.cpu.real.X87State;

/**
 * Saving and loading x87 and SSE state: FXSAVE (Intel SDM Vol. 1 10.5), the XSAVE family (Vol. 1
 * chapter 13), MXCSR.
 *
 * <pre>
 * bytes 0 to 159    x87 and MMX registers, but
 * bytes 24 to 31    MXCSR and its mask
 * bytes 160 to 415  XMM registers
 * bytes 512 to 575  XSAVE's header: XSTATE_BV, XCOMP_BV, zeros
 * </pre>
 */
final class StateSave {
  private static final int LEGACY_SIZE = 512;
  private static final int XSAVE_SIZE = 576;
  private static final int MXCSR = 24;
  private static final int XMM = 160;
  private static final int XSTATE_BV = 512;
  private static final int XCOMP_BV = 520;

  /** State components (Intel SDM Vol. 1 13.1). */
  private static final long X87 = 1;

  private static final long SSE = 2;
  private static final long AVX = 4;

  /** Bit of XCOMP_BV: the area is compacted. */
  private static final long COMPACTED = 1L << 63;

  /**
   * The x87 unit's initial state, as the legacy region has it: control word 037Fh (Intel SDM Vol. 1
   * 13.6).
   */
  private static final long INITIAL_X87 = 0x37f;

  /** How an instruction of the family saves. */
  private enum Kind {
    PLAIN,
    OPTIMIZED,
    COMPACT
  }

  private StateSave() {}

  static void bind(Semantics semantics) {
    semantics.put("FXSAVE", StateSave::fxsave);
    semantics.put("FXRSTOR", StateSave::fxrstor);
    semantics.put("XSAVE", (cpu, i) -> xsave(cpu, i, Kind.PLAIN));
    semantics.put("XSAVEOPT", (cpu, i) -> xsave(cpu, i, Kind.OPTIMIZED));
    semantics.put("XSAVEC", (cpu, i) -> xsave(cpu, i, Kind.COMPACT));
    semantics.put("XRSTOR", StateSave::xrstor);
    semantics.put("LDMXCSR", StateSave::loadMxcsr);
    semantics.put("STMXCSR", StateSave::storeMxcsr);
  }

  private static void loadMxcsr(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.mxcsr(checkedMxcsr(cpu.memory.load32(i)));
  }

  private static void storeMxcsr(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.memory.store32(i, cpu.state.mxcsr());
  }

  private static int checkedMxcsr(int value) {
    if ((value & ~SseUnit.MXCSR_MASK) != 0) {
      throw GuestFault.generalProtection();
    }
    return value;
  }

  /** Returns the offset of the area, which must lie at a multiple of {@code alignment}. */
  private static long area(Cpu cpu, Instruction i, int size, int alignment, boolean write) {
    long offset = i.address(cpu.state);
    if ((cpu.memory.linear(i.segment, offset, size, write) & alignment - 1) != 0) {
      throw GuestFault.generalProtection();
    }
    return offset;
  }

  private static void fxsave(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    long area = area(cpu, i, LEGACY_SIZE, 16, true);
    cpu.memory.probeWrite(i.segment, area, LEGACY_SIZE);
    saveX87(cpu, i, area);
    saveMxcsr(cpu, i, area);
    saveXmm(cpu, i, area);
  }

  private static void saveX87(Cpu cpu, Instruction i, long area) {
    for (int n = 0; n < X87State.LEGACY_WORDS; n++) {
      if (n != X87State.LEGACY_MXCSR_WORD) {
        cpu.memory.store64(i.segment, area + 8 * n, cpu.state.x87.legacyWord(n, i.rexW));
      }
    }
  }

  private static void saveMxcsr(Cpu cpu, Instruction i, long area) {
    cpu.memory.store32(i.segment, area + MXCSR, cpu.state.mxcsr());
    cpu.memory.store32(i.segment, area + MXCSR + 4, SseUnit.MXCSR_MASK);
  }

  private static void saveXmm(Cpu cpu, Instruction i, long area) {
    CpuState s = cpu.state;
    for (int n = 0; n < registers(s); n++) {
      cpu.memory.store64(i.segment, area + XMM + 16 * n, s.xmmLow(n));
      cpu.memory.store64(i.segment, area + XMM + 16 * n + 8, s.xmmHigh(n));
    }
  }

  private static int registers(CpuState s) {
    return s.code64 ? 16 : 8;
  }

  private static void fxrstor(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    long area = area(cpu, i, LEGACY_SIZE, 16, false);
    cpu.memory.probeRead(i.segment, area, LEGACY_SIZE);
    cpu.state.mxcsr(checkedMxcsr(cpu.memory.load32(i.segment, area + MXCSR)));
    loadX87(cpu, i, area, true);
    loadXmm(cpu, i, area, true);
  }

  /** Loads the x87 state, or makes it the initial one. */
  private static void loadX87(Cpu cpu, Instruction i, long area, boolean fromMemory) {
    long[] words = new long[X87State.LEGACY_WORDS];
    words[0] = INITIAL_X87;
    for (int n = 0; n < words.length && fromMemory; n++) {
      words[n] = cpu.memory.load64(i.segment, area + 8 * n);
    }
    cpu.state.x87.setLegacy(words, i.rexW);
  }

  private static void loadXmm(Cpu cpu, Instruction i, long area, boolean fromMemory) {
    CpuState s = cpu.state;
    for (int n = 0; n < registers(s); n++) {
      long at = area + XMM + 16 * n;
      long low = fromMemory ? cpu.memory.load64(i.segment, at) : 0;
      SseAccess.set(s, n, low, fromMemory ? cpu.memory.load64(i.segment, at + 8) : 0);
    }
  }

  private static void checkXsave(CpuState s) {
    if ((s.cr4 & Control.CR4_OSXSAVE) == 0) {
      throw GuestFault.undefined();
    }
    if ((s.cr0 & Control.CR0_TS) != 0) {
      throw GuestFault.of(GuestFault.NM);
    }
  }

  /** Returns the components that EDX:EAX asks for and XCR0 has. */
  private static long requested(CpuState s) {
    return s.xcr0 & (s.gpr[CpuState.RAX] & 0xffff_ffffL | s.gpr[CpuState.RDX] << 32);
  }

  private static void xsave(Cpu cpu, Instruction i, Kind kind) {
    CpuState s = cpu.state;
    checkXsave(s);
    long area = area(cpu, i, XSAVE_SIZE, 64, true);
    cpu.memory.probeWrite(i.segment, area, XSAVE_SIZE);
    long wanted = requested(s);
    long used = wanted & inUse(s, kind == Kind.COMPACT);
    long saved = kind == Kind.PLAIN ? wanted : used;
    if ((saved & X87) != 0) {
      saveX87(cpu, i, area);
    }
    if ((saved & SSE) != 0) {
      saveXmm(cpu, i, area);
    }
    if (kind == Kind.COMPACT ? (saved & SSE) != 0 : (wanted & (SSE | AVX)) != 0) {
      saveMxcsr(cpu, i, area);
    }
    if (kind == Kind.COMPACT) {
      cpu.memory.store64(i.segment, area + XSTATE_BV, used);
      cpu.memory.store64(i.segment, area + XCOMP_BV, wanted | COMPACTED);
    } else {
      long old = cpu.memory.load64(i.segment, area + XSTATE_BV);
      cpu.memory.store64(i.segment, area + XSTATE_BV, old & ~wanted | used);
    }
  }

  /** Returns the components that are not in their initial state: XINUSE (Intel SDM Vol. 1 13.6). */
  private static long inUse(CpuState s, boolean withMxcsr) {
    boolean x87 = s.x87.legacyWord(0, true) != INITIAL_X87;
    for (int n = 1; n < X87State.LEGACY_WORDS && !x87; n++) {
      x87 = s.x87.legacyWord(n, true) != 0;
    }
    boolean sse = withMxcsr && s.mxcsr() != CpuState.MXCSR_DEFAULT;
    for (int n = 0; n < registers(s) && !sse; n++) {
      sse = (s.xmmLow(n) | s.xmmHigh(n)) != 0;
    }
    return (x87 ? X87 : 0) | (sse ? SSE : 0);
  }

  private static void xrstor(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    checkXsave(s);
    long area = area(cpu, i, XSAVE_SIZE, 64, false);
    cpu.memory.probeRead(i.segment, area, XSAVE_SIZE);
    long present = cpu.memory.load64(i.segment, area + XSTATE_BV);
    boolean compacted = checkHeader(cpu, i, area, present);
    long wanted = requested(s);
    if ((wanted & (compacted ? SSE : SSE | AVX)) != 0) {
      boolean initial = compacted && (present & SSE) == 0;
      int loaded = cpu.memory.load32(i.segment, area + MXCSR);
      s.mxcsr(initial ? CpuState.MXCSR_DEFAULT : checkedMxcsr(loaded));
    }
    if ((wanted & X87) != 0) {
      loadX87(cpu, i, area, (present & X87) != 0);
    }
    if ((wanted & SSE) != 0) {
      loadXmm(cpu, i, area, (present & SSE) != 0);
    }
  }

  /**
   * Returns whether the area is compacted; faults on a header that XRSTOR refuses (Intel SDM Vol. 1
   * 13.8).
   */
  private static boolean checkHeader(Cpu cpu, Instruction i, long area, long present) {
    CpuState s = cpu.state;
    long format = cpu.memory.load64(i.segment, area + XCOMP_BV);
    boolean compacted = format < 0;
    long allowed = compacted ? format & ~COMPACTED : s.xcr0;
    boolean refused =
        compacted
            ? (format & ~COMPACTED & ~s.xcr0) != 0
            : (format | cpu.memory.load64(i.segment, area + XCOMP_BV + 8)) != 0;
    for (int at = XCOMP_BV + 8; at < XSAVE_SIZE && compacted && !refused; at += 8) {
      refused = cpu.memory.load64(i.segment, area + at) != 0;
    }
    if (refused || (present & ~allowed) != 0) {
      throw GuestFault.generalProtection();
    }
    return compacted;
  }
}
