package sharevm.machine.chip.pit8254;

import sharevm.cpu.SavedState;

/**
 * One of the three counters. It does not count: it remembers the clock tick at which the count was
 * loaded, and says what OUT and the count are at any later tick, so that nothing can drift.
 *
 * <pre>
 * write -> CR (initial) --next CLK, or trigger, or end of period--> CE: initial - (tick - start)
 * </pre>
 */
final class Counter {
  /** The tick that never comes. */
  static final long NEVER = Long.MAX_VALUE;

  private static final int BINARY_RANGE = 0x1_0000;
  private static final int BCD_RANGE = 10_000;

  private int mode;
  private boolean bcd;
  private boolean gate;
  private boolean loaded;
  private int initial = BINARY_RANGE;
  private int waiting;
  private long waitingSince;
  private long start;
  private long stoppedAt;

  Counter(boolean gate) {
    this.gate = gate;
  }

  int mode() {
    return mode;
  }

  boolean bcd() {
    return bcd;
  }

  boolean gate() {
    return gate;
  }

  /** The length of a cycle in ticks, in the modes that repeat. */
  int period() {
    return initial;
  }

  boolean periodic() {
    return loaded && (mode == 2 || mode == 3);
  }

  /** A control word: all goes to the mode's initial state. @ref [82C54] "Programming the 82C54" */
  void program(int newMode, boolean newBcd) {
    mode = newMode;
    bcd = newBcd;
    loaded = false;
    waiting = 0;
  }

  /** The first of two bytes stops a count in mode 0. @ref [82C54] "Mode 0" */
  void firstByte() {
    if (mode == 0) {
      loaded = false;
      waiting = 0;
    }
  }

  /** A new count, 0 to FFFFh as written. */
  void write(int value, long now) {
    int count = count(value);
    advance(now);
    if (mode == 1 || mode == 5) {
      // Waits for the next trigger; a count in progress goes on.
      waiting = count;
    } else if ((mode == 2 || mode == 3) && loaded && gate && now >= start) {
      waiting = count;
      waitingSince = now;
    } else {
      initial = count;
      start = now + 1;
      stoppedAt = mode == 0 || mode == 4 ? start : now;
      loaded = true;
    }
  }

  /** Drives GATE. @ref [82C54] "Gate Pin Operations Summary" */
  void gate(boolean high, long now) {
    if (high == gate) {
      return;
    }
    advance(now);
    gate = high;
    if (mode == 1 || mode == 5) {
      if (high && (waiting != 0 || loaded)) {
        initial = waiting != 0 ? waiting : initial;
        waiting = 0;
        start = now + 1;
        loaded = true;
      }
    } else if (!high) {
      stoppedAt = Math.max(now, start);
    } else if (mode == 2 || mode == 3) {
      start = now + 1;
    } else {
      start += now - Math.min(now, stoppedAt);
    }
  }

  /** Takes over a count that waited for the end of the present cycle, if that has come. */
  void advance(long now) {
    if (waiting == 0 || !loaded || mode == 1 || mode == 5 || !gate) {
      return;
    }
    long end = changeover();
    if (now >= end) {
      boolean lowHalf = mode == 3 && Math.floorMod(end - start, (long) initial) != 0;
      initial = waiting;
      waiting = 0;
      start = lowHalf ? end - highTicks() : end;
    }
  }

  /** The state of OUT. */
  boolean out(long now) {
    if (!loaded) {
      return mode != 0;
    }
    long elapsed = elapsed(now);
    return switch (mode) {
      case 0 -> elapsed >= initial;
      case 1 -> elapsed < 0 || elapsed >= initial;
      case 2 -> !gate || elapsed < 0 || elapsed % initial != initial - 1;
      case 3 -> !gate || elapsed < 0 || elapsed % initial < highTicks();
      default -> elapsed != initial;
    };
  }

  /** The count as it is read: binary or BCD. */
  int value(long now) {
    if (!loaded) {
      return 0;
    }
    long elapsed = Math.max(0, elapsed(now));
    int range = bcd ? BCD_RANGE : BINARY_RANGE;
    int value =
        switch (mode) {
          case 2 -> (int) (initial - elapsed % initial);
          case 3 -> squareWaveValue((int) (elapsed % initial));
          default -> (int) Math.floorMod(initial - elapsed, (long) range);
        };
    return bcd ? toBcd(value % BCD_RANGE) : value & 0xFFFF;
  }

  /** Whether what was written last is not yet in the counting element. */
  boolean nullCount(long now) {
    return !loaded || waiting != 0 || now < start;
  }

  /**
   * The tick of the first rising edge of OUT after {@code now}, or the end of a cycle before a new
   * count.
   */
  long nextEdge(long now) {
    if (!loaded || !gate && mode != 1 && mode != 5) {
      return NEVER;
    }
    if (waiting != 0 && mode != 1 && mode != 5) {
      return changeover();
    }
    return switch (mode) {
      case 0, 1 -> after(start + initial, now);
      case 2, 3 -> start + initial * (Math.max(0, Math.floorDiv(now - start, (long) initial)) + 1);
      default -> after(start + initial + 1, now);
    };
  }

  /** Whether OUT rises at {@link #nextEdge}: not so where a new count begins with a low half. */
  boolean nextEdgeRises() {
    return mode != 3 || waiting == 0 || Math.floorMod(changeover() - start, (long) initial) == 0;
  }

  SavedState save() {
    return new SavedState()
        .put("mode", mode)
        .put("bcd", bcd)
        .put("gate", gate)
        .put("loaded", loaded)
        .put("initial", initial)
        .put("waiting", waiting)
        .put("waitingSince", waitingSince)
        .put("start", start)
        .put("stoppedAt", stoppedAt);
  }

  void restore(SavedState state) {
    mode = Math.clamp(state.getLong("mode"), 0, 5);
    bcd = state.getBoolean("bcd");
    gate = state.getBoolean("gate");
    loaded = state.getBoolean("loaded");
    initial = Math.clamp(state.getLong("initial"), 1, BINARY_RANGE);
    waiting = Math.clamp(state.getLong("waiting"), 0, BINARY_RANGE);
    waitingSince = state.getLong("waitingSince");
    start = state.getLong("start");
    stoppedAt = state.getLong("stoppedAt");
  }

  void reset() {
    program(0, false);
  }

  /** When a waiting count comes in: at the end of the cycle, in mode 3 of the half cycle. */
  private long changeover() {
    long cycles = Math.max(0, Math.floorDiv(waitingSince - start, (long) initial));
    long cycleStart = start + cycles * initial;
    if (mode == 3 && waitingSince < cycleStart + highTicks()) {
      return cycleStart + highTicks();
    }
    return cycleStart + initial;
  }

  private long elapsed(long now) {
    boolean counting = gate || mode == 1 || mode == 5;
    return (counting ? now : Math.min(now, stoppedAt)) - start;
  }

  /** An odd count is high for one tick more than it is low. @ref [82C54] "Mode 3" */
  private int highTicks() {
    return (initial + 1) / 2;
  }

  private int squareWaveValue(int phase) {
    int inHalf = phase < highTicks() ? phase : phase - highTicks();
    return (initial & ~1) - 2 * inHalf;
  }

  private static long after(long edge, long now) {
    return edge > now ? edge : NEVER;
  }

  private int count(int written) {
    if (!bcd) {
      return written == 0 ? BINARY_RANGE : written;
    }
    int value = 0;
    for (int shift = 12; shift >= 0; shift -= 4) {
      value = 10 * value + (written >> shift & 0xF);
    }
    return value == 0 ? BCD_RANGE : value;
  }

  private static int toBcd(int value) {
    return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
  }
}
