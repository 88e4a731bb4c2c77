package sharevm.library;

/** Which engine executes the guest. */
public enum EngineChoice {
  /** The fastest that works on this host. */
  AUTO,
  /** Translation into the host's machine code. */
  TRANSLATOR,
  /** Interpretation in Java, on any host. */
  INTERPRETER
}
