package sharevm.machine.chip.pci;

import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.SharedLine;

/** How slots are wired to the four shared interrupt lines: each slot begins with the next line. */
public final class PciInterrupts {
  private final SharedLine[] lines = new SharedLine[Piix3.LINES];

  /**
   * Makes the wiring.
   *
   * @param targets what each of the four lines drives
   */
  public PciInterrupts(InterruptLine... targets) {
    for (int i = 0; i < lines.length; i++) {
      lines[i] = new SharedLine(targets[i]);
    }
  }

  /**
   * Returns a driver for a pin of a slot.
   *
   * @param slot 0 to 31
   * @param pin 1 is INTA#, 4 is INTD#
   */
  public InterruptLine line(int slot, int pin) {
    return lines[(slot + pin - 1) % lines.length].driver();
  }
}
