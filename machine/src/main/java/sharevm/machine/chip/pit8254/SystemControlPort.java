package sharevm.machine.chip.pit8254;

import java.util.function.BooleanSupplier;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;

/**
 * The NMI Status and Control Register, the PC's port 61h. @ref [PIIX3] "NMI Status and Control
 * Register"
 */
public final class SystemControlPort implements BytePorts, Part {
  /** Timer Counter 2 Enable: drives GATE 2. */
  private static final int TIMER2_GATE = 1;

  /** Speaker Data Enable. */
  private static final int SPEAKER = 1 << 1;

  /** PCI SERR# Enable and IOCHK# Enable: a 1 disables; no such error ever comes. */
  private static final int ERROR_DISABLES = 3 << 2;

  /** Refresh Cycle Toggle: changes after every refresh. */
  private static final int REFRESH_TOGGLE = 1 << 4;

  /** Timer Counter 2 OUT Status. */
  private static final int TIMER2_OUT = 1 << 5;

  /** Nanoseconds between two refreshes of memory: 18 ticks of the 8254. */
  private static final long REFRESH_NANOS = 15_085;

  private final Clock clock;
  private final InterruptLine gate2;
  private final BooleanSupplier out2;
  private int control;

  /** Makes one between GATE 2 and OUT 2 of a timer. */
  public SystemControlPort(Clock clock, InterruptLine gate2, BooleanSupplier out2) {
    this.clock = clock;
    this.gate2 = gate2;
    this.out2 = out2;
  }

  @Override
  public int read(int offset) {
    return control
        | ((clock.nanos() / REFRESH_NANOS & 1) != 0 ? REFRESH_TOGGLE : 0)
        | (out2.getAsBoolean() ? TIMER2_OUT : 0);
  }

  @Override
  public void write(int offset, int value) {
    control = value & (TIMER2_GATE | SPEAKER | ERROR_DISABLES);
    gate2.set((control & TIMER2_GATE) != 0);
  }

  @Override
  public SavedState save() {
    return new SavedState().put("control", control);
  }

  @Override
  public void restore(SavedState state) {
    control = state.getInt("control") & (TIMER2_GATE | SPEAKER | ERROR_DISABLES);
  }

  @Override
  public void reset() {
    write(0, 0);
  }
}
