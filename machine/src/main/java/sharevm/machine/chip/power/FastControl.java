package sharevm.machine.chip.power;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;

/**
 * The PS/2's System Control Port A, one port: a fast way to A20 and reset. @ref [PIIX3] "Port 92
 * Register"
 */
public final class FastControl implements BytePorts, Part {
  /** FAST_INIT: a change from 0 to 1 resets. */
  private static final int INIT = 1;

  /** FAST_A20: opens the A20 gate. */
  private static final int A20 = 1 << 1;

  private final InterruptLine a20;
  private final Runnable reset;
  private int control;

  /**
   * Makes one with A20 open, as PC firmware leaves it.
   *
   * @param a20 one of the drivers of the A20 gate
   * @param reset runs, under the device lock, when the guest asks for a reset
   */
  public FastControl(InterruptLine a20, Runnable reset) {
    this.a20 = a20;
    this.reset = reset;
    reset();
  }

  @Override
  public int read(int offset) {
    return control;
  }

  @Override
  public void write(int offset, int value) {
    boolean rises = (value & ~control & INIT) != 0;
    control = value & (A20 | INIT);
    a20.set((control & A20) != 0);
    if (rises) {
      reset.run();
    }
  }

  @Override
  public SavedState save() {
    return new SavedState().put("control", control);
  }

  @Override
  public void restore(SavedState state) {
    control = state.getInt("control") & (A20 | INIT);
    a20.set((control & A20) != 0);
  }

  @Override
  public void reset() {
    control = A20;
    a20.set(true);
  }
}
