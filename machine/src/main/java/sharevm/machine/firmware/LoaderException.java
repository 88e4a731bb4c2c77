package sharevm.machine.firmware;

/**
 * A guest image that cannot be started as it is. The message is one line: what is wrong, where, and
 * what to do about it.
 */
public final class LoaderException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes one with a one-line message. */
  public LoaderException(String message) {
    super(message);
  }

  /** Makes one with a one-line message and what led to it. */
  public LoaderException(String message, Throwable cause) {
    super(message, cause);
  }
}
