package sharevm.machine;

/** How a machine's run ended. */
public sealed interface Outcome {
  /** The guest switched the power off. */
  record PoweredOff() implements Outcome {}

  /** The guest rebooted, and {@link MachineSpec#noReboot} makes that the end. */
  record Reset() implements Outcome {}

  /** A processor went into shutdown (triple fault), or a bug of ours stopped the machine. */
  record Crashed(CrashReport report) implements Outcome {}

  /**
   * The guest wrote to the exit port.
   *
   * @param status {@code value << 1 | 1}, its low 8 bits what a process may return
   */
  record DebugExit(int status) implements Outcome {}

  /** The run took longer than {@link MachineSpec#timeout}. */
  record TimedOut() implements Outcome {}

  /** The owner stopped it. */
  record Stopped() implements Outcome {}
}
