package sharevm.cpu.event;

import sharevm.cpu.Cpu;

/** Delivery of interrupts and exceptions through the IDT (Intel SDM Vol. 3A chapter 6), by mode. */
public final class InterruptDelivery {
  private InterruptDelivery() {}

  /**
   * Delivers an event; RIP is what is to be pushed. Throws a further fault with the state as it
   * was.
   */
  public static void deliver(Cpu cpu, Event event) {
    cpu.trace.delivering(cpu, event);
    if (!cpu.state.protectedMode()) {
      RealDelivery.deliver(cpu, event);
    } else if (cpu.state.longMode()) {
      LongDelivery.deliver(cpu, event);
    } else {
      ProtectedDelivery.deliver(cpu, event);
    }
    cpu.state.interruptShadow = false;
  }

  /**
   * Returns the error code of a fault that concerns the IDT's gate for an event (Intel SDM Vol. 3A
   * 6.13).
   */
  static int gateError(Event event) {
    return event.vector() << 3 | 2 | event.ext();
  }
}
