package sharevm.machine.bus;

import sharevm.cpu.SavedState;

/**
 * A wire that several drivers share, as the PCI interrupt lines are: asserted while any of them
 * asserts. Its state is what its drivers last said; a driver may say it again after a restore, but
 * need not.
 */
public final class SharedLine implements Part {
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

  @Override
  public SavedState save() {
    return new SavedState().put("asserted", assertedMask);
  }

  @Override
  public void restore(SavedState state) {
    assertedMask = state.getLong("asserted");
  }

  /** Nothing: its drivers' resets release it. */
  @Override
  public void reset() {}

  private void drive(long bit, boolean asserted) {
    long before = assertedMask;
    assertedMask = asserted ? before | bit : before & ~bit;
    if ((before != 0) != (assertedMask != 0)) {
      target.set(assertedMask != 0);
    }
  }
}
