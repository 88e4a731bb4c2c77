package sharevm.machine;

import java.util.List;

/**
 * Counts of a run so far.
 *
 * @param runNanos host time in which the machine was running
 * @param processors counts of each processor
 */
public record Statistics(long runNanos, List<Processor> processors) {
  /**
   * Counts of one processor.
   *
   * @param instructions completed
   * @param halts times that it waited for an interrupt
   * @param haltedNanos host time that it spent so
   * @param engine what its engine counts, in one line, or nothing
   */
  public record Processor(long instructions, long halts, long haltedNanos, String engine) {}

  /** Copies the list. */
  public Statistics {
    processors = List.copyOf(processors);
  }

  /** Returns all processors' instructions. */
  public long instructions() {
    return processors.stream().mapToLong(Processor::instructions).sum();
  }

  /** Returns millions of instructions a second of the time in which processors did not wait. */
  public double mips() {
    long busy = processors.stream().mapToLong(p -> Math.max(0, runNanos - p.haltedNanos())).sum();
    return busy == 0 ? 0 : instructions() * 1000.0 / busy;
  }
}
