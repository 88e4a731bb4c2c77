package sharevm.machine.chip.pci;

import java.util.Arrays;
import java.util.function.IntFunction;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;

/**
 * The ISA bridge of the PIIX3 as a function, with the router from the four PCI interrupt lines to
 * those of the 8259A pair.
 */
public final class Piix3 implements Part {
  /** The number of PCI interrupt lines. */
  public static final int LINES = 4;

  /** PIRQRC[A:D], PIRQx Route Control Registers. @ref [PIIX3] "PIRQRC" */
  private static final int ROUTES = 0x60;

  /** PIRQRC: interrupt routing is disabled. */
  private static final int ROUTE_DISABLED = 1 << 7;

  /** PIRQRC: the interrupt, bits 0 to 3. */
  private static final int ROUTE_INTERRUPT = 0x0F;

  /** The interrupts that can be routed to: 3 to 7, 9 to 12, 14 and 15. @ref [PIIX3] "PIRQRC" */
  private static final int ROUTABLE = 0b1101_1110_1111_1000;

  private static final int INTERRUPTS = 16;

  private static final PciIdentity IDENTITY =
      new PciIdentity(0x8086, 0x7000, 0x06_0100, 0x00, 0x0000, 0x0000);

  private final PciConfig config = new PciConfig(IDENTITY);
  private final InterruptLine[] outputs = new InterruptLine[INTERRUPTS];
  private int lines;

  /**
   * Makes one with all routes disabled.
   *
   * @param drivers gives a driver for the line of interrupt 0 to 15, which others may drive as well
   */
  public Piix3(IntFunction<InterruptLine> drivers) {
    Arrays.setAll(outputs, i -> (ROUTABLE >> i & 1) != 0 ? drivers.apply(i) : InterruptLine.NONE);
    config.multiFunction();
    config.set(PciConfig.COMMAND, 2, 0x0007);
    config.writable(PciConfig.COMMAND, 2, 0x0108);
    config.set(PciConfig.STATUS, 2, 0x0200);
    for (int i = 0; i < LINES; i++) {
      config.set(ROUTES + i, 1, ROUTE_DISABLED);
      config.writable(ROUTES + i, 1, ROUTE_DISABLED | ROUTE_INTERRUPT);
    }
    config.onWrite((_, _) -> route());
  }

  /** Returns the configuration space. */
  public PciConfig config() {
    return config;
  }

  /** Returns the input of a PCI interrupt line: 0 is PIRQA#. */
  public InterruptLine input(int number) {
    return asserted -> {
      lines = asserted ? lines | 1 << number : lines & ~(1 << number);
      route();
    };
  }

  @Override
  public SavedState save() {
    return new SavedState().put("config", config.save()).put("lines", lines);
  }

  @Override
  public void restore(SavedState state) {
    lines = state.getInt("lines") & (1 << LINES) - 1;
    config.restore(state.getPart("config"));
  }

  @Override
  public void reset() {
    config.reset();
  }

  private void route() {
    int asserted = 0;
    for (int i = 0; i < LINES; i++) {
      int control = config.get(ROUTES + i, 1);
      if ((lines >> i & 1) != 0 && (control & ROUTE_DISABLED) == 0) {
        asserted |= 1 << (control & ROUTE_INTERRUPT);
      }
    }
    for (int i = 0; i < INTERRUPTS; i++) {
      outputs[i].set((asserted >> i & 1) != 0);
    }
  }
}
