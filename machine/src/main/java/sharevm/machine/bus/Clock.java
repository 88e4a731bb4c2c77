package sharevm.machine.bus;

/** The time of one machine. Safe for several threads. */
@FunctionalInterface
public interface Clock {
  /** Nanoseconds in a second. */
  long SECOND = 1_000_000_000L;

  /** Returns nanoseconds since the machine was first switched on; never runs backwards. */
  long nanos();

  /**
   * Converts nanoseconds to ticks of a frequency, rounded down; exact, also where the product would
   * not fit 64 bits.
   *
   * @param nanos 0 or more
   * @param hertz 1 to 2^33
   */
  static long toTicks(long nanos, long hertz) {
    long seconds = nanos / SECOND;
    long rest = nanos % SECOND;
    return seconds * hertz + rest * hertz / SECOND;
  }

  /**
   * Returns the first nanosecond at which {@link #toTicks} gives at least {@code ticks}; the
   * largest long if that lies beyond it.
   *
   * @param ticks 0 or more
   * @param hertz 1 to 2^33
   */
  static long fromTicks(long ticks, long hertz) {
    long seconds = ticks / hertz;
    long rest = ticks % hertz;
    if (seconds > Long.MAX_VALUE / SECOND - 1) {
      return Long.MAX_VALUE;
    }
    return seconds * SECOND + (rest * SECOND + hertz - 1) / hertz;
  }
}
