package sharevm.machine;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.CpuTrace;
import sharevm.cpu.event.Event;
import sharevm.cpu.event.GuestFault;
import sharevm.machine.bus.Trace;
import sharevm.machine.bus.Trace.Category;

/**
 * Writes what a processor does into the machine's trace, each line with the mode and address where:
 *
 * <pre>
 *   cpu0 exception 14 error 2 address ffffc90000004000 at long 0010:ffffffff81a3b2c4
 * </pre>
 */
final class ProcessorTrace implements CpuTrace {
  private final int number;
  private final Trace trace;

  ProcessorTrace(int number, Trace trace) {
    this.number = number;
    this.trace = trace;
  }

  @Override
  public void delivering(Cpu cpu, Event event) {
    String kind = event.isException() ? "exception" : "interrupt";
    String error = event.hasErrorCode() ? " error %x".formatted(event.errorCode()) : "";
    boolean pageFault = event.isException() && event.vector() == GuestFault.PF;
    String address = pageFault ? " address %x".formatted(event.address()) : "";
    line(cpu, "%s %d%s%s".formatted(kind, event.vector(), error, address));
  }

  @Override
  public void control(Cpu cpu, String register, long value) {
    line(cpu, "%s = %x".formatted(register, value));
  }

  @Override
  public void transition(Cpu cpu, String what) {
    line(cpu, what);
  }

  private void line(Cpu cpu, String what) {
    CpuState s = cpu.state;
    trace.line(
        Category.CPU,
        "cpu%d %s at %s %04x:%x",
        number,
        what,
        mode(s),
        s.selector[CpuState.CS],
        s.rip);
  }

  /** Returns the mode by its name (Intel SDM Vol. 3A 2.2), the address size of code with it. */
  private static String mode(CpuState s) {
    if (!s.protectedMode()) {
      return "real";
    }
    if (s.virtual8086()) {
      return "virtual-8086";
    }
    if (s.longMode()) {
      return s.code64 ? "long" : "compatibility";
    }
    return s.codeSize == 2 ? "protected-16" : "protected";
  }
}
