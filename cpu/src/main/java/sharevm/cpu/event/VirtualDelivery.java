package sharevm.cpu.event;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.address.SegmentLoader;

/**
 * INT n that virtual-8086 mode extensions send to the program's own handler (Intel SDM Vol. 3B
 * 20.3.3.4).
 */
final class VirtualDelivery {
  private VirtualDelivery() {}

  static void deliver(Cpu cpu, Event event) {
    CpuState s = cpu.state;
    long pointer = cpu.memory.load32(CpuState.FLAT, event.vector() * 4L) & 0xffff_ffffL;
    boolean iopl3 = (s.flagsSystem & Flags.IOPL) == Flags.IOPL;
    int flags = (int) s.rflags();
    if (!iopl3) {
      flags = flags & ~Flags.IF | Flags.IOPL | ((flags & Flags.VIF) != 0 ? Flags.IF : 0);
    }
    RealDelivery.push(cpu, flags);
    s.flagsSystem &= ~(Flags.TF | Flags.NT | Flags.RF | (iopl3 ? Flags.IF : Flags.VIF));
    SegmentLoader.loadReal(s, CpuState.CS, (int) (pointer >>> 16));
    s.rip = pointer & 0xffff;
    cpu.contextChanged();
  }
}
