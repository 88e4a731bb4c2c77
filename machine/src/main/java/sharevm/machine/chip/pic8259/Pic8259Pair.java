package sharevm.machine.chip.pic8259;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Trace;

/** Two 8259A in the PC/AT's cascade: 15 inputs, 0 to 15 without 2, where the slave hangs. */
public final class Pic8259Pair implements Part {
  private static final int CASCADE = 2;

  /**
   * Inputs that may be level triggered: not the timer, keyboard and cascade. @ref [PIIX3] "ELCR1,
   * ELCR2"
   */
  private static final int MASTER_LEVEL = 0xF8;

  /**
   * Inputs that may be level triggered: not the clock (8) and the coprocessor (13). @ref [PIIX3]
   * "ELCR1, ELCR2"
   */
  private static final int SLAVE_LEVEL = 0xDE;

  private final Pic8259 master;
  private final Pic8259 slave;
  private final BytePorts edgeLevel =
      new BytePorts() {
        @Override
        public int read(int offset) {
          return ((offset & 1) == 0 ? master : slave).levelControl();
        }

        @Override
        public void write(int offset, int value) {
          ((offset & 1) == 0 ? master : slave).levelControl(value);
        }
      };

  /** Makes a pair that drives INTR. */
  public Pic8259Pair(InterruptLine output, Trace trace) {
    master = new Pic8259("master", MASTER_LEVEL, output, trace);
    slave = new Pic8259("slave", SLAVE_LEVEL, asserted -> master.input(CASCADE, asserted), trace);
  }

  /** Returns the master's two registers. */
  public BytePorts master() {
    return master;
  }

  /** Returns the slave's two registers. */
  public BytePorts slave() {
    return slave;
  }

  /** Returns the two edge/level control registers. @ref [PIIX3] "ELCR1, ELCR2" */
  public BytePorts edgeLevel() {
    return edgeLevel;
  }

  /**
   * Returns an input.
   *
   * @param number 0 to 15; 2 leads nowhere
   */
  public InterruptLine input(int number) {
    if (number == CASCADE) {
      return InterruptLine.NONE;
    }
    Pic8259 chip = number < 8 ? master : slave;
    return asserted -> chip.input(number & 7, asserted);
  }

  /** Takes the interrupt of highest priority and returns its vector, 0 to 255. */
  public int acknowledge() {
    int vector = master.acknowledge();
    return (vector & 7) == CASCADE && master.hasSlave(CASCADE) ? slave.acknowledge() : vector;
  }

  @Override
  public SavedState save() {
    return new SavedState().put("master", master.save()).put("slave", slave.save());
  }

  @Override
  public void restore(SavedState state) {
    master.restore(state.getPart("master"));
    slave.restore(state.getPart("slave"));
  }

  @Override
  public void reset() {
    slave.reset();
    master.reset();
  }
}
