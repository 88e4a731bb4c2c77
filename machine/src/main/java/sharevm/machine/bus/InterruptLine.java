package sharevm.machine.bus;

/**
 * A wire that a chip drives and that an interrupt controller, or anything else, listens to. Driven
 * under the device lock; setting the level that it has already changes nothing.
 */
@FunctionalInterface
public interface InterruptLine {
  /** A line that leads nowhere. */
  InterruptLine NONE = _ -> {};

  /** Drives the line: {@code true} is asserted, whatever the voltage would be. */
  void set(boolean asserted);

  /** Asserts and releases: an edge. */
  default void pulse() {
    set(true);
    set(false);
  }

  /**
   * Returns a line that drives two others, this one first: an ISA interrupt at 8259A and I/O APIC.
   */
  default InterruptLine and(InterruptLine other) {
    return asserted -> {
      set(asserted);
      other.set(asserted);
    };
  }
}
