package sharevm.lab.processor;

import java.util.SplittableRandom;

/** Makes random processor states that a user program may be in. */
final class StateGenerator {
  /** RFLAGS bits that a state may have set at random: OF, SF, ZF, AF, PF, CF. */
  private static final long STATUS_FLAGS = 0x8d5;

  private static final long DIRECTION = 0x400;

  /** NT, AC, ID: rarely set, but anyone may set them. */
  private static final long ODD_FLAGS = 0x24_4000;

  /** IF and the bit that is always set. */
  private static final long FIXED_FLAGS = 0x202;

  /** MXCSR: all exceptions masked (Intel SDM Vol. 1 10.2.3). */
  private static final int MXCSR_MASKED = 0x1f80;

  private final SplittableRandom random;
  private final SpecialValues values;
  private final HostKind kind;

  StateGenerator(SplittableRandom random, HostKind kind) {
    this.random = random;
    this.kind = kind;
    this.values = new SpecialValues(random);
  }

  /** Returns a state for a mode, RIP somewhere in the code pages. */
  ProcessorState next(Mode mode) {
    ProcessorState state = new ProcessorState();
    for (int n = 0; n < 16; n++) {
      state.gpr[n] = (random.nextInt(10) == 0 ? dataAddress() : values.integer()) & mode.mask();
    }
    state.gpr[4] = stackAddress();
    state.gpr[5] = random.nextInt(4) == 0 ? state.gpr[5] : stackAddress();
    state.gpr[6] = random.nextInt(4) == 0 ? state.gpr[6] : dataAddress();
    state.gpr[7] = random.nextInt(4) == 0 ? state.gpr[7] : dataAddress();
    state.gpr[3] = random.nextInt(2) == 0 ? state.gpr[3] : dataAddress();
    state.rip = HostLayout.CODE_ADDRESS + 0x1000 + random.nextInt(0x2000);
    flags(state);
    segments(mode, state);
    x87(state);
    for (int n = 0; n < 16; n++) {
      values.vector(state.fx, ProcessorState.FX_XMM + 16 * n);
    }
    int mxcsr = random.nextInt(5) < 3 ? MXCSR_MASKED : random.nextInt(0x10000);
    if (random.nextInt(4) == 0) {
      mxcsr = MXCSR_MASKED | random.nextInt(4) << 13 | random.nextInt(2) << 15;
    }
    state.fx(ProcessorState.FX_MXCSR, 4, mxcsr);
    return state;
  }

  private void flags(ProcessorState state) {
    state.rflags = random.nextLong() & STATUS_FLAGS | FIXED_FLAGS;
    if (random.nextInt(6) == 0) {
      state.rflags |= DIRECTION;
    }
    if (random.nextInt(32) == 0) {
      state.rflags |= random.nextLong() & ODD_FLAGS;
    }
  }

  private void segments(Mode mode, ProcessorState state) {
    int[] s = state.selectors;
    s[ProcessorState.CS] = mode.codeSelector;
    s[ProcessorState.SS] = 0x2b;
    s[ProcessorState.DS] = 0x2b;
    s[ProcessorState.ES] = 0x2b;
    s[ProcessorState.FS] = 0x2b;
    s[ProcessorState.GS] = 0x2b;
    if (mode == Mode.LONG) {
      s[ProcessorState.FS] = 0;
      s[ProcessorState.GS] = 0;
      state.fsBase = random.nextInt(0x100) << random.nextInt(5);
      state.gsBase = kind.gsBase(random.nextLong() >> 17);
    } else {
      state.fsBase = random.nextInt(0x100) << random.nextInt(5);
      state.gsBase = random.nextInt() & 0xffff_ffffL;
    }
  }

  private void x87(ProcessorState state) {
    int control = 0x40 | 0x3f | random.nextInt(4) << 8 | random.nextInt(4) << 10;
    if (random.nextInt(3) == 0) {
      control &= ~random.nextInt(0x40);
    }
    if (random.nextInt(2) == 0) {
      control = control & ~0x300 | 0x300;
    }
    int status = random.nextInt(8) << 11 | random.nextInt(16) << 8 & 0x700;
    status |= random.nextInt(2) << 14;
    int exceptions = random.nextInt(4) == 0 ? random.nextInt(0x80) : 0;
    if (random.nextInt(8) != 0) {
      exceptions &= control; // nothing is pending
    }
    status |= exceptions;
    if ((exceptions & ~control & 0x3f) != 0) {
      status |= 0x8080; // ES and B (Intel SDM Vol. 1 8.1.3)
    }
    int tags =
        switch (random.nextInt(4)) {
          case 0 -> 0;
          case 1 -> random.nextInt(256);
          default -> 0xff;
        };
    state.fx(ProcessorState.FX_FCW, 2, control);
    state.fx(ProcessorState.FX_FSW, 2, status);
    state.fx(ProcessorState.FX_FTW, 1, tags);
    for (int n = 0; n < 8; n++) {
      int at = ProcessorState.FX_ST + 16 * n;
      if (random.nextInt(6) == 0) {
        SpecialValues.put(state.fx, at, 8, values.integer());
        SpecialValues.put(state.fx, at + 8, 2, -1); // as MMX instructions leave it
      } else {
        values.extended(state.fx, at);
      }
    }
  }

  /**
   * Returns an address where an operand may be: mostly inside the data pages, sometimes over an
   * edge.
   */
  long dataAddress() {
    int offset =
        switch (random.nextInt(16)) {
          case 0 -> HostLayout.DATA_SIZE - 1 - random.nextInt(16);
          case 1 -> -random.nextInt(16);
          case 2 -> 0x1000 - random.nextInt(16);
          case 3, 4, 5, 6 -> random.nextInt(HostLayout.DATA_SIZE);
          default -> random.nextInt(0x200, HostLayout.DATA_SIZE - 0x400) & -16;
        };
    return HostLayout.DATA_ADDRESS + offset;
  }

  private long stackAddress() {
    int offset =
        switch (random.nextInt(24)) {
          case 0 -> random.nextInt(0x20);
          case 1 -> HostLayout.STACK_SIZE - random.nextInt(0x20);
          case 2, 3, 4 -> random.nextInt(HostLayout.STACK_SIZE);
          default -> random.nextInt(0x400, HostLayout.STACK_SIZE - 0x100) & -8;
        };
    return HostLayout.STACK_ADDRESS + offset;
  }
}
