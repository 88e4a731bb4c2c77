package sharevm.machine.bus;

/**
 * A wire that several drivers share, as the PCI interrupt lines are: asserted while any of them asserts.
 * Its state is what its drivers last said; after a restore each driver says it again with {@link
 * InterruptLine#set}.
 */
public final class SharedLine {
  private final InterruptLine target;
  private int drivers;
  private long assertedMask;

  /** Makes one that drives {@code target}. */
  public SharedLine(InterruptLine target) {
    this.target = target;
  }

  /**
   * Returns a driver of its own for one chip.
   *
   * @throws IllegalStateException if there are 64 already
   */
  public InterruptLine driver() {
    if (drivers == Long.SIZE) {
      throw new IllegalStateException("a shared interrupt line has room for 64 drivers");
    }
    long bit = 1L << drivers++;
    return asserted -> drive(bit, asserted);
  }

  /** Returns whether any driver asserts the line. */
  public boolean asserted() {
    return assertedMask != 0;
  }

  private void drive(long bit, boolean asserted) {
    long before = assertedMask;
    assertedMask = asserted ? before | bit : before & ~bit;
    if ((before != 0) != (assertedMask != 0)) {
      target.set(assertedMask != 0);
    }
  }
}
