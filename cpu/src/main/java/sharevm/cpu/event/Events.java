package sharevm.cpu.event;

import sharevm.cpu.Attention;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.cpu.Reset;

/** What happens between two instructions: requests of others, faults, double faults, shutdown. */
public final class Events {
  /**
   * Bits of DR6 (Intel SDM Vol. 3B 17.2.3): a debug register was touched, single step, task switch.
   */
  public static final long DR6_BD = 1 << 13;

  public static final long DR6_BS = 1 << 14;
  public static final long DR6_BT = 1 << 15;

  /** Bits of DR7 that a task switch clears: L0 to L3 and LE. */
  static final long DR7_LOCAL = 0x155;

  private static final long DR7_GD = 1 << 13;

  private final Cpu cpu;
  private final CpuState s;

  /** Whether the running instruction ends in a single-step trap. */
  private boolean stepTrap;

  /** Makes the events of a processor. */
  public Events(Cpu cpu) {
    this.cpu = cpu;
    this.s = cpu.state;
  }

  /**
   * Does what the attention word asks for, at an instruction boundary; returns an exit or null to
   * go on.
   */
  public Exit attend() {
    int bits = s.attention.bits();
    if ((bits & Attention.INIT) != 0) {
      // A start-up interrupt that came after the bits were read stays for the next time.
      s.attention.clear(bits & (Attention.INIT | Attention.STARTUP));
      cpu.trace.transition(cpu, "INIT");
      Reset.init(cpu);
      s.waitForStartup = true;
    }
    if ((bits & Attention.STARTUP) != 0) {
      s.attention.clear(Attention.STARTUP);
      if (s.waitForStartup) {
        Reset.startup(cpu, s.attention.startVector());
        cpu.trace.transition(cpu, "start");
      }
    }
    if ((bits & Attention.STOP) != 0) {
      s.attention.clear(Attention.STOP);
      return new Exit.Stopped();
    }
    if (s.waitForStartup) {
      // Nothing else reaches a processor that waits so; what stayed set would keep its thread
      // awake.
      s.attention.clear(bits & (Attention.INTERRUPT | Attention.NMI | Attention.TRAP));
      return null;
    }
    if ((bits & Attention.TRAP) != 0 && !s.trapShadow) {
      Exit exit = debugTrap();
      if (exit != null) {
        return exit;
      }
    }
    return s.interruptShadow ? null : interrupts(bits);
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

  /**
   * Delivers a fault of the instruction at RIP; returns an exit when that ends in shutdown, else
   * null.
   */
  public Exit fault(GuestFault fault) {
    stepTrap = false;
    if (fault.vector() == GuestFault.DB) {
      s.dr[7] &= ~DR7_GD;
    } else {
      s.pendingDebug = 0;
    }
    return deliver(Event.of(fault));
  }

  /**
   * Returns whether something is to happen after every single instruction, or element of a repeated
   * one.
   */
  public boolean single() {
    return s.interruptShadow
        || (s.flagsSystem & (Flags.TF | Flags.RF)) != 0
        || (s.dr[7] & 0xff) != 0;
  }

  /**
   * Checks, before an instruction that is stepped, for an instruction breakpoint; throws a debug
   * fault.
   */
  public void beforeStep() {
    boolean resumed = (s.flagsSystem & Flags.RF) != 0;
    if (!resumed && Breakpoints.any(s)) {
      int hit = Breakpoints.instruction(s, s.segmentBase[CpuState.CS] + s.rip & s.linearMask);
      if (hit != 0) {
        s.dr[6] |= hit;
        throw GuestFault.of(GuestFault.DB);
      }
    }
    s.interruptShadow = false;
    s.trapShadow = false;
    s.flagsSystem &= ~Flags.RF;
    stepTrap = (s.flagsSystem & Flags.TF) != 0;
  }

  /**
   * Raises, after an instruction that was stepped, the debug traps that it met; returns an exit or
   * null.
   */
  public Exit afterStep() {
    if (s.trapShadow) {
      return null;
    }
    s.pendingDebug |= stepTrap ? DR6_BS : 0;
    return s.pendingDebug == 0 ? null : debugTrap();
  }

  /**
   * Says that the running instruction shall end in no single-step trap although EFLAGS.TF was set
   * before it.
   */
  public void withoutStepTrap() {
    stepTrap = false;
  }

  /** Asks for a debug trap when the running instruction is done, with bits of DR6. */
  public void trapAfter(long bits) {
    s.pendingDebug |= bits;
    s.attention.raise(Attention.TRAP);
  }

  private Exit debugTrap() {
    s.attention.clear(Attention.TRAP);
    long bits = s.pendingDebug;
    s.pendingDebug = 0;
    if (bits == 0) {
      return null;
    }
    s.dr[6] |= bits;
    s.dr[7] &= ~DR7_GD;
    return deliver(Event.of(GuestFault.of(GuestFault.DB)));
  }

  private Exit deliver(Event first) {
    Event event = first;
    s.halted = false;
    while (true) {
      try {
        if (event.vector() == GuestFault.PF && event.isException()) {
          s.cr2 = event.address();
          cpu.memory.forgetFaulted(s.cr2);
        }
        InterruptDelivery.deliver(cpu, event);
        return null;
      } catch (GuestFault second) {
        if (event.isException() && event.vector() == GuestFault.DF) {
          cpu.trace.transition(cpu, "shutdown after a triple fault");
          return new Exit.TripleFault();
        }
        event = event.followedBy(second);
      }
    }
  }
}
