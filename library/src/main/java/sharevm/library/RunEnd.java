package sharevm.library;

import sharevm.machine.CrashReport;

/** How a run ended, as it matters to whoever asked for it. */
public sealed interface RunEnd {
  /** The guest switched itself off, or rebooted where that is the end. */
  record Done() implements RunEnd {}

  /** The guest panicked and rebooted, where a reboot is the end. */
  record Panicked() implements RunEnd {}

  /** A processor of the guest's could not go on, or ShareVM could not. */
  record Crashed(CrashReport report) implements RunEnd {}

  /** The guest ended the run with a status of its own, 0 to 255. */
  record Exited(int status) implements RunEnd {}

  /** The time was over. */
  record TimedOut() implements RunEnd {}

  /** The owner stopped it. */
  record Stopped() implements RunEnd {}
}
