package sharevm.cpu.event;

import sharevm.cpu.Cpu;

/** Delivery of interrupts and exceptions through the IDT (Intel SDM Vol. 3A chapter 6). */
public final class InterruptDelivery {
  private InterruptDelivery() {}

  /** Delivers an event; RIP is what is to be pushed. Throws a further fault with the state as it was. */
  static void deliver(Cpu cpu, Event event) {
    throw GuestFault.generalProtection();
  }
}
