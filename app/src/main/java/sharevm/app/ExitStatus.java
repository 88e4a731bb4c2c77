package sharevm.app;

/** What the process returns. */
final class ExitStatus {
  /** The command did its work; the guest powered off. */
  static final int DONE = 0;

  /** It failed. */
  static final int FAILED = 1;

  /** It was used in a wrong way. */
  static final int USAGE = 2;

  /** The guest crashed. */
  static final int GUEST_CRASHED = 3;

  /** The time was over. */
  static final int TIMEOUT = 124;

  private ExitStatus() {}
}
