package sharevm.machine;

import java.util.function.BooleanSupplier;
import sharevm.cpu.Attention;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.HostClock;
import sharevm.machine.bus.SteppedClock;
import sharevm.machine.bus.Timers;

/** What makes a machine's time pass, and what an idle processor does meanwhile. */
sealed interface Pace {
  /** Returns the clock that passes so. */
  Clock clock();

  /** Returns the most instructions to run in one go. */
  long slice();

  /** Lets time pass; called before processors run. */
  void start();

  /** Stops time; called after processors have stopped. */
  void stop();

  /** Some instructions have been executed. */
  void executed(long instructions);

  /** Waits for a request to a processor, or until something else may have changed. */
  void idle(Attention attention);

  /** Waits as {@link #idle} does, but for some milliseconds at most, and for a change as well. */
  void watch(Attention attention, BooleanSupplier changed);

  /** Time is the host's; timers have a thread of their own, idle processors sleep. */
  record Host(HostClock clock, Timers timers, java.util.function.Consumer<Throwable> onFailure)
      implements Pace {
    private static final long SLICE = 1L << 40;
    private static final long LONGEST_SLEEP = 10 * Clock.SECOND;

    /** A change is looked for this often at first, then ever more seldom. */
    private static final long FIRST_LOOK = 10_000;

    private static final long RAREST_LOOK = 1_000_000;
    private static final long LONGEST_WATCH = 10_000_000;

    @Override
    public long slice() {
      return SLICE;
    }

    @Override
    public void start() {
      clock.start();
      timers.start("sharevm-timers", onFailure);
    }

    @Override
    public void stop() {
      timers.stop();
      clock.stop();
    }

    @Override
    public void executed(long instructions) {}

    @Override
    public void idle(Attention attention) {
      attention.await(LONGEST_SLEEP);
    }

    @Override
    public void watch(Attention attention, BooleanSupplier changed) {
      long nanos = FIRST_LOOK;
      long since = System.nanoTime();
      while (attention.bits() == 0
          && !changed.getAsBoolean()
          && System.nanoTime() - since < LONGEST_WATCH) {
        attention.await(nanos);
        nanos = Math.min(2 * nanos, RAREST_LOOK);
      }
    }
  }

  /**
   * Time is counted: a nanosecond an instruction; an idle processor jumps to the next deadline.
   * Runs of one processor are then the same every time.
   */
  record Counted(SteppedClock clock, Timers timers) implements Pace {
    private static final long SLICE = 20_000;
    private static final long NOTHING_TO_WAIT_FOR = 1_000_000;

    @Override
    public long slice() {
      return SLICE;
    }

    @Override
    public void start() {}

    @Override
    public void stop() {}

    @Override
    public void executed(long instructions) {
      clock.advance(instructions);
      timers.runDue();
    }

    @Override
    public void idle(Attention attention) {
      long next = timers.nextDeadline();
      if (next == Timers.NEVER) {
        attention.await(NOTHING_TO_WAIT_FOR);
      } else {
        clock.moveTo(next);
        timers.runDue();
      }
    }

    @Override
    public void watch(Attention attention, BooleanSupplier changed) {
      if (!changed.getAsBoolean()) {
        idle(attention);
      }
    }
  }
}
