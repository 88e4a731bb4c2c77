package sharevm.machine.chip.power;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Part;

/** The Reset Control Register, one port. @ref [PIIX3] "RC, Reset Control Register" */
public final class ResetControl implements BytePorts, Part {
  /** Reset CPU: a change from 0 to 1 resets. */
  private static final int RESET_CPU = 1 << 2;

  private static final int WRITABLE = 0x0E;

  private final Runnable reset;
  private int control;

  /**
   * Makes one.
   *
   * @param reset runs, under the device lock, when the guest asks for a reset of the machine
   */
  public ResetControl(Runnable reset) {
    this.reset = reset;
  }

  @Override
  public int read(int offset) {
    return control;
  }

  @Override
  public void write(int offset, int value) {
    boolean rises = (value & ~control & RESET_CPU) != 0;
    control = value & WRITABLE;
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
    control = state.getInt("control") & WRITABLE;
  }

  @Override
  public void reset() {
    control = 0;
  }
}
