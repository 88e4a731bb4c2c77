package sharevm.cpu;

/**
 * A way to execute a processor's instructions. Engines can change places at any instruction
 * boundary.
 */
public interface Engine {
  /**
   * Executes instructions until something wants the caller.
   *
   * @param budget the most instructions to execute, those that fault included; exact
   */
  Exit run(long budget);

  /** Returns how many instructions this engine has completed. */
  long retired();

  /**
   * Forgets what was cached from translations of linear addresses: paging, privilege or code size
   * changed.
   */
  void mappingChanged();

  /** Ends the running block after the present instruction; RIP is then the next instruction's. */
  void leaveBlock();

  /** Gives back what the host lent for speed; the engine is not run again. */
  default void release() {}

  /** Returns counts of this engine's own for people, in one line; may be called on any thread. */
  default String counts() {
    return "";
  }
}
