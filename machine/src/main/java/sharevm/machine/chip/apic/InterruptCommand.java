package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.FIRST_VECTOR;
import static sharevm.machine.chip.apic.Bits.ICR_ASSERT;
import static sharevm.machine.chip.apic.Bits.ICR_LEVEL;
import static sharevm.machine.chip.apic.Bits.ICR_LOGICAL;
import static sharevm.machine.chip.apic.Bits.ICR_SHORTHAND_SHIFT;

import sharevm.machine.bus.DeliveryMode;

/**
 * Takes the low half of the Interrupt Command Register apart and sends what it says. @ref [SDM3]
 * 11.6.1
 */
final class InterruptCommand {
  private InterruptCommand() {}

  /** Returns whether the vector is a legal one; nothing is sent otherwise. */
  static boolean isLegal(int low) {
    DeliveryMode mode = DeliveryMode.of(low >> 8);
    boolean vectored = mode == DeliveryMode.FIXED || mode == DeliveryMode.LOWEST_PRIORITY;
    return !vectored || (low & 0xFF) >= FIRST_VECTOR;
  }

  /** Sends to a destination, or to whom the shorthand says. */
  static void send(int low, int destination, LocalApic sender, ApicBus bus) {
    DeliveryMode mode = DeliveryMode.of(low >> 8);
    int vector = low & 0xFF;
    boolean deassert = (low & (ICR_ASSERT | ICR_LEVEL)) == ICR_LEVEL;
    // INIT level de-assert only set arbitration IDs, which newer processors do not have.
    if (mode == DeliveryMode.INIT && deassert || mode == DeliveryMode.EXTERNAL) {
      return;
    }
    switch (low >> ICR_SHORTHAND_SHIFT & 3) {
      case 0 -> bus.send(destination, (low & ICR_LOGICAL) != 0, mode, vector, false);
      case 1 -> sender.accept(mode, vector, false);
      case 2 -> bus.sendToAll(null, mode, vector);
      default -> bus.sendToAll(sender, mode, vector);
    }
  }
}
