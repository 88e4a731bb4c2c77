package sharevm.cpu.event;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.SegmentLoader;

/** Delivery in real-address mode through the interrupt vector table (Intel SDM Vol. 3B 20.1.4). */
final class RealDelivery {
  private RealDelivery() {}

  static void deliver(Cpu cpu, Event event) {
    CpuState s = cpu.state;
    int at = event.vector() * 4;
    if (at + 3 > s.idtLimit) {
      throw GuestFault.of(GuestFault.GP, InterruptDelivery.gateError(event));
    }
    long pointer = cpu.memory.loadSystem(s.idtBase + at, 4);
    push(cpu, (int) (s.rflags() | (event.isFault() ? Flags.RF : 0)));
    s.flagsSystem &= ~(Flags.IF | Flags.TF | Flags.AC | Flags.RF);
    SegmentLoader.loadReal(s, CpuState.CS, (int) (pointer >>> 16));
    s.rip = pointer & 0xffff;
    cpu.contextChanged();
  }

  /** Pushes flags, CS and IP, all or nothing. */
  static void push(Cpu cpu, int flags) {
    CpuState s = cpu.state;
    long top = s.gpr[CpuState.RSP];
    long first = top - 2 & s.stackMask;
    long second = top - 4 & s.stackMask;
    long third = top - 6 & s.stackMask;
    cpu.memory.probeWrite(CpuState.SS, first, 2);
    cpu.memory.probeWrite(CpuState.SS, second, 2);
    cpu.memory.probeWrite(CpuState.SS, third, 2);
    cpu.memory.store16(CpuState.SS, first, flags);
    cpu.memory.store16(CpuState.SS, second, s.selector[CpuState.CS]);
    cpu.memory.store16(CpuState.SS, third, (int) s.rip);
    s.gpr[CpuState.RSP] = top & ~s.stackMask | third;
  }
}
