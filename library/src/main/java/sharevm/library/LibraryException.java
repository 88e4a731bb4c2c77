package sharevm.library;

/**
 * Something that a person asked for cannot be done. The message is one line that says what, where
 * and what to do about it.
 */
public final class LibraryException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Whose doing it is. */
  public enum Kind {
    /** What was asked for makes no sense as it was asked. */
    USAGE,
    /** It was asked well, and failed. */
    FAILED
  }

  private final Kind kind;

  private LibraryException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** Makes one for a request that makes no sense. */
  public static LibraryException usage(String message) {
    return new LibraryException(Kind.USAGE, message, null);
  }

  /** Makes one for something that failed. */
  public static LibraryException failed(String message) {
    return new LibraryException(Kind.FAILED, message, null);
  }

  /** Makes one for something that failed because of something else. */
  public static LibraryException failed(String message, Throwable cause) {
    return new LibraryException(Kind.FAILED, message, cause);
  }

  /** Returns whose doing it is. */
  public Kind kind() {
    return kind;
  }
}
