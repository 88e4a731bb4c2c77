package sharevm.machine.bus;

import java.util.concurrent.atomic.AtomicLong;

/** A clock that moves only when told: for tests and for time counted in instructions. */
public final class SteppedClock implements Clock {
  private final AtomicLong nanos;

  /** Makes one that shows {@code nanos}. */
  public SteppedClock(long nanos) {
    this.nanos = new AtomicLong(nanos);
  }

  @Override
  public long nanos() {
    return nanos.get();
  }

  /** Moves the time forward to {@code to}; never backwards. */
  public void moveTo(long to) {
    nanos.accumulateAndGet(to, Math::max);
  }

  /** Moves the time forward by {@code by} nanoseconds and returns it. */
  public long advance(long by) {
    return nanos.addAndGet(Math.max(0, by));
  }
}
