package sharevm.host;

import java.io.IOException;

/** The host refused something; the message says what, in words for a person. */
public final class HostException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Makes one with a message of one line. */
  public HostException(String message) {
    super(message);
  }

  /** Makes one with a message of one line and what lies behind it. */
  public HostException(String message, Throwable cause) {
    super(message, cause);
  }
}
