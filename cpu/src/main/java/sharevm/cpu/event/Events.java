package sharevm.cpu.event;

import sharevm.cpu.Attention;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.cpu.Reset;

/** What happens between two instructions: requests of others, faults, double faults, shutdown. */
public final class Events {
  private final Cpu cpu;
  private final CpuState s;

  /** Makes the events of a processor. */
  public Events(Cpu cpu) {
    this.cpu = cpu;
    this.s = cpu.state;
  }

  /** Does what the attention word asks for, at an instruction boundary; returns an exit or null to go on. */
  public Exit attend() {
    int bits = s.attention.bits();
    if ((bits & Attention.INIT) != 0) {
      s.attention.clear(Attention.INIT | Attention.STARTUP);
      Reset.init(cpu);
      s.waitForStartup = true;
    }
    if ((bits & Attention.STARTUP) != 0) {
      s.attention.clear(Attention.STARTUP);
      if (s.waitForStartup) {
        Reset.startup(cpu, s.attention.startVector());
      }
    }
    if ((bits & Attention.STOP) != 0) {
      s.attention.clear(Attention.STOP);
      return new Exit.Stopped();
    }
    if (s.waitForStartup || s.interruptShadow) {
      return null;
    }
    return interrupts(bits);
  }

  private Exit interrupts(int bits) {
    if ((bits & Attention.NMI) != 0 && !s.nmiBlocked) {
      s.attention.clear(Attention.NMI);
      s.halted = false;
      s.nmiBlocked = true;
      return deliver(Event.interrupt(GuestFault.NMI));
    }
    if ((bits & Attention.INTERRUPT) != 0) {
      s.attention.clear(Attention.INTERRUPT);
      if ((s.flagsSystem & Flags.IF) != 0) {
        return interrupt();
      }
    }
    return null;
  }

  private Exit interrupt() {
    int vector = cpu.interrupts.acknowledge();
    if (vector < 0) {
      return null;
    }
    s.halted = false;
    Exit exit = deliver(Event.interrupt(vector));
    if (cpu.interrupts.pending()) {
      s.attention.raise(Attention.INTERRUPT);
    }
    return exit;
  }

  /** Delivers a fault of the instruction at RIP; returns an exit when that ends in shutdown, else null. */
  public Exit fault(GuestFault fault) {
    return deliver(Event.of(fault));
  }

  /** Returns whether something is to happen after every single instruction, or element of a repeated one. */
  public boolean single() {
    return s.interruptShadow || (s.flagsSystem & (Flags.TF | Flags.RF)) != 0 || (s.dr[7] & 0xff) != 0;
  }

  /** Checks, before an instruction that is stepped, for an instruction breakpoint; throws a debug fault. */
  public void beforeStep() {
    s.interruptShadow = false;
  }

  /** Raises, after an instruction that was stepped, the debug traps that it met; returns an exit or null. */
  public Exit afterStep() {
    return null;
  }

  private Exit deliver(Event first) {
    Event event = first;
    while (true) {
      try {
        if (event.vector() == GuestFault.PF && event.isException()) {
          s.cr2 = event.address();
        }
        InterruptDelivery.deliver(cpu, event);
        return null;
      } catch (GuestFault second) {
        if (event.isException() && event.vector() == GuestFault.DF) {
          return new Exit.TripleFault();
        }
        event = event.followedBy(second);
      }
    }
  }
}
