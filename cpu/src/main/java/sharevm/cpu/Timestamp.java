package sharevm.cpu;

/** What a processor's timestamp counter is read from. */
@FunctionalInterface
public interface Timestamp {
  /** Says of a counter that it does not follow the host's clock. */
  long NOT_OF_HOST = Long.MIN_VALUE;

  /** Returns the count, without what IA32_TIME_STAMP_COUNTER was set to. */
  long count();

  /**
   * Returns by how much the count is ahead of the nanoseconds of {@link System#nanoTime}, or {@link
   * #NOT_OF_HOST}. While a processor runs, this stays what it is.
   */
  default long aheadOfHost() {
    return NOT_OF_HOST;
  }
}
