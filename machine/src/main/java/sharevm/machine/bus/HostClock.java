package sharevm.machine.bus;

/** The host's monotonic clock, counted from a given start; stands still while stopped. */
public final class HostClock implements Clock {
  private volatile long offset;
  private volatile long frozenAt;
  private volatile boolean running;

  /**
   * Makes a stopped clock that shows {@code nanos}: 0 for a new machine, the saved time for a
   * restored one.
   */
  public HostClock(long nanos) {
    frozenAt = nanos;
  }

  @Override
  public long nanos() {
    return running ? System.nanoTime() + offset : frozenAt;
  }

  /** Whether it runs. */
  public boolean isRunning() {
    return running;
  }

  /** Returns by how much it is ahead of {@link System#nanoTime} while it runs. */
  public long aheadOfHost() {
    return offset;
  }

  /** Lets the time run on from where it stood. No effect if it runs. */
  public synchronized void start() {
    if (!running) {
      offset = frozenAt - System.nanoTime();
      running = true;
    }
  }

  /** Stops the time. No effect if it stands. */
  public synchronized void stop() {
    if (running) {
      frozenAt = System.nanoTime() + offset;
      running = false;
    }
  }
}
