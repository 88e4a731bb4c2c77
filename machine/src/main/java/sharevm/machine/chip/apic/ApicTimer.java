package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.LVT_TIMER_MODE_SHIFT;

import java.util.function.LongSupplier;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.Timers;

/**
 * The timer of a local APIC. Like the registers around it, it is used under its APIC's lock.
 *
 * <p>It keeps when it was armed and for how long; the count, and each deadline of the periodic
 * mode, follow from the absolute time.
 */
final class ApicTimer {
  /** The modes in the order of their bits; the fourth is reserved. @ref [SDM3] Figure 11-8 */
  enum Mode {
    ONE_SHOT,
    PERIODIC,
    TSC_DEADLINE,
    RESERVED;

    private static final Mode[] BY_BITS = values();
  }

  /** The shortest time between two periodic interrupts, whatever the guest asks for. */
  static final long MIN_PERIOD_NANOS = 50_000;

  private final Clock clock;
  private final ApicSettings settings;
  private final Timers.Timer timer;
  private LongSupplier tscOffset = () -> 0;
  private Mode mode = Mode.ONE_SHOT;
  private int divideRegister;
  private long initialCount;
  private long armedAt;
  private long armedTicks;
  private long tscDeadline;
  private long deadline = Timers.NEVER;

  ApicTimer(String name, Timers timers, ApicSettings settings, Runnable action) {
    clock = timers.clock();
    this.settings = settings;
    timer = timers.timer(name, action);
  }

  /** Sets what this processor's time-stamp counter is ahead of the machine's. */
  void tscOffset(LongSupplier offset) {
    tscOffset = offset;
  }

  /** Takes the mode from the LVT; to or from TSC-deadline mode disarms. @ref [SDM3] 11.5.4.1 */
  void mode(int lvt) {
    Mode next = Mode.BY_BITS[lvt >> LVT_TIMER_MODE_SHIFT & 3];
    if (next != mode) {
      boolean disarms = (next == Mode.TSC_DEADLINE) != (mode == Mode.TSC_DEADLINE);
      rebase();
      mode = next;
      if (disarms) {
        armedTicks = 0;
        tscDeadline = 0;
        initialCount = 0;
      }
      schedule(clock.nanos());
    }
  }

  int initialCount() {
    return mode == Mode.TSC_DEADLINE ? 0 : (int) initialCount;
  }

  /** Starts the count; 0 stops it. Ignored in TSC-deadline mode. */
  void initialCount(int value) {
    if (mode != Mode.TSC_DEADLINE) {
      initialCount = value & 0xFFFF_FFFFL;
      armedAt = clock.nanos();
      armedTicks = initialCount;
      schedule(armedAt);
    }
  }

  int currentCount() {
    if (armedTicks == 0 || mode == Mode.TSC_DEADLINE) {
      return 0;
    }
    long elapsed = elapsed(clock.nanos());
    if (elapsed < armedTicks) {
      return (int) (armedTicks - elapsed);
    }
    boolean periodic = mode == Mode.PERIODIC && initialCount != 0;
    return periodic ? (int) (initialCount - (elapsed - armedTicks) % initialCount) : 0;
  }

  int divide() {
    return divideRegister;
  }

  void divide(int value) {
    rebase();
    divideRegister = value & 0b1011;
    schedule(clock.nanos());
  }

  long tscDeadline() {
    return tscDeadline;
  }

  /** Arms TSC-deadline mode; 0 disarms. Ignored in the other modes. */
  void tscDeadline(long value) {
    if (mode == Mode.TSC_DEADLINE) {
      tscDeadline = value;
      schedule(clock.nanos());
    }
  }

  /** Says whether the deadline has come, and sets the next one. */
  boolean expire() {
    long now = clock.nanos();
    if (now < deadline) {
      timer.at(deadline);
      return false;
    }
    if (mode == Mode.PERIODIC) {
      schedule(now);
    } else {
      armedTicks = 0;
      tscDeadline = 0;
      deadline = Timers.NEVER;
    }
    return true;
  }

  void reset() {
    mode = Mode.ONE_SHOT;
    divideRegister = 0;
    initialCount = 0;
    armedTicks = 0;
    tscDeadline = 0;
    schedule(0);
  }

  SavedState save() {
    return new SavedState()
        .put("mode", mode.ordinal())
        .put("divide", divideRegister)
        .put("initialCount", initialCount)
        .put("armedAt", armedAt)
        .put("armedTicks", armedTicks)
        .put("tscDeadline", tscDeadline)
        .put("deadline", deadline);
  }

  void restore(SavedState state) {
    mode = Mode.BY_BITS[state.getInt("mode") & 3];
    divideRegister = state.getInt("divide") & 0b1011;
    initialCount = state.getLong("initialCount") & 0xFFFF_FFFFL;
    armedAt = state.getLong("armedAt");
    armedTicks = state.getLong("armedTicks") & 0xFFFF_FFFFL;
    tscDeadline = state.getLong("tscDeadline");
    deadline = state.getLong("deadline");
    timer.at(deadline);
  }

  /**
   * Lets the present count be the one that was armed, so that mode or divisor can change under it.
   */
  private void rebase() {
    if (armedTicks != 0 && mode != Mode.TSC_DEADLINE) {
      armedTicks = currentCount() & 0xFFFF_FFFFL;
      armedAt = clock.nanos();
    }
  }

  private void schedule(long now) {
    if (mode == Mode.TSC_DEADLINE) {
      deadline = tscDeadline == 0 ? Timers.NEVER : tscNanos();
    } else if (armedTicks == 0 || mode == Mode.RESERVED) {
      deadline = Timers.NEVER;
    } else {
      long elapsed = elapsed(now);
      if (elapsed < armedTicks) {
        deadline = nanosAt(armedTicks);
      } else if (mode == Mode.PERIODIC && initialCount != 0) {
        long cycles = (elapsed - armedTicks) / initialCount + 1;
        deadline = Math.max(nanosAt(armedTicks + cycles * initialCount), now + MIN_PERIOD_NANOS);
      } else {
        deadline = now;
      }
    }
    timer.at(deadline);
  }

  private long tscNanos() {
    long ticks = tscDeadline - tscOffset.getAsLong();
    if (tscDeadline < 0) {
      return Timers.NEVER;
    }
    return ticks <= 0 ? 0 : Clock.fromTicks(ticks, settings.tscHertz());
  }

  private long nanosAt(long ticks) {
    return armedAt + Clock.fromTicks(ticks * divisor(), settings.timerHertz());
  }

  private long elapsed(long now) {
    return Clock.toTicks(Math.max(0, now - armedAt), settings.timerHertz()) / divisor();
  }

  /** Bits 0, 1 and 3: 2, 4, 8 ... 128, and 111b for 1. @ref [SDM3] Figure 11-10 */
  private int divisor() {
    int bits = divideRegister & 3 | divideRegister >> 1 & 4;
    return 1 << (bits + 1 & 7);
  }
}
