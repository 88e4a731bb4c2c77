package sharevm.cpu;

/** A saved state that does not fit the part that is to be restored from it. */
public final class SavedStateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes one with what is wrong, naming the field. */
  public SavedStateException(String message) {
    super(message);
  }
}
