package sharevm.machine;

/**
 * Told of what becomes of a machine, on a thread of the machine's; must be quick and must not
 * throw.
 */
public interface MachineListener {
  /** Listens to nothing. */
  MachineListener NONE = new MachineListener() {};

  /** The machine has gone over into another state. */
  default void stateChanged(Lifecycle.State state) {}

  /** The guest is about to begin anew. */
  default void guestReset() {}
}
