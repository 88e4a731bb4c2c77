package sharevm.cpu.event;

import sharevm.cpu.Cpu;

/** Delivery in protected mode (Intel SDM Vol. 3A 6.12). */
final class ProtectedDelivery {
  private ProtectedDelivery() {}

  static void deliver(Cpu cpu, Event event) {
    throw GuestFault.generalProtection();
  }
}
