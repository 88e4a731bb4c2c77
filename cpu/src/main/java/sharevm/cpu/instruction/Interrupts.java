package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.Event;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.event.InterruptDelivery;

/** INT n, INT3, INTO and INT1 (Intel SDM Vol. 2 INT n/INTO/INT3/INT1). */
final class Interrupts {
  private Interrupts() {}

  static void bind(Semantics s) {
    s.put("INT", Interrupts::interrupt);
    s.put("INT3", (cpu, i) -> raise(cpu, GuestFault.BP, Event.Kind.SOFTWARE_EXCEPTION));
    s.put("INTO", Interrupts::overflow);
    s.put("INT1", (cpu, i) -> raise(cpu, GuestFault.DB, Event.Kind.PRIVILEGED_SOFTWARE));
  }

  private static void interrupt(Cpu cpu, Instruction i) {
    raise(cpu, (int) i.immediate & 0xff, Event.Kind.SOFTWARE);
  }

  private static void overflow(Cpu cpu, Instruction i) {
    if (Flags.of(cpu.state)) {
      raise(cpu, GuestFault.OF, Event.Kind.SOFTWARE_EXCEPTION);
    }
  }

  /**
   * In virtual-8086 mode below IOPL 3, INT n is the monitor's business; with CR4.VME the delivery
   * decides.
   */
  private static void raise(Cpu cpu, int vector, Event.Kind kind) {
    CpuState s = cpu.state;
    boolean asks = s.virtual8086() && (s.flagsSystem & Flags.IOPL) != Flags.IOPL;
    if (asks && kind == Event.Kind.SOFTWARE && (s.cr4 & Control.CR4_VME) == 0) {
      throw GuestFault.generalProtection();
    }
    cpu.events.withoutStepTrap();
    InterruptDelivery.deliver(cpu, Event.software(vector, kind));
  }
}
