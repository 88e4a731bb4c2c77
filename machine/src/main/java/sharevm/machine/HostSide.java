package sharevm.machine;

import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;
import sharevm.cpu.Cpu;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.HostClock;
import sharevm.machine.bus.PageSupply;
import sharevm.machine.bus.Trace;
import sharevm.machine.chip.uart16550.SerialSink;

/**
 * What the host lends to a machine.
 *
 * @param name of the machine's threads
 * @param memory {@link MachineSpec#segmentBytes} of zeros, usable from any thread until the run has
 *     ended
 * @param pages makes the memory's pages before they are written, if the host can
 * @param clock the machine's time: a {@link HostClock}, or a {@link
 *     sharevm.machine.bus.SteppedClock} for time that is counted in instructions
 * @param epochMillis the wall clock's milliseconds since 1970 when the machine's clock showed 0
 * @param serial where the first serial port's output goes
 * @param debugConsole takes the bytes that a guest writes to port E9h
 * @param trace where traces go
 * @param engine makes what executes the guest's instructions
 */
public record HostSide(
    String name,
    MemorySegment memory,
    PageSupply pages,
    Clock clock,
    long epochMillis,
    SerialSink serial,
    IntConsumer debugConsole,
    Trace trace,
    Cpu.EngineFactory engine) {
  /** Returns one with the host's time and a serial port, without debug console and trace. */
  public static HostSide of(String name, MemorySegment memory, SerialSink serial) {
    return new HostSide(
        name,
        memory,
        PageSupply.ON_TOUCH,
        new HostClock(0),
        System.currentTimeMillis(),
        serial,
        _ -> {},
        Trace.OFF,
        Cpu.EngineFactory.INTERPRETER);
  }

  /** Returns the same with pages that are made before they are written. */
  public HostSide withPages(PageSupply supply) {
    return new HostSide(
        name, memory, supply, clock, epochMillis, serial, debugConsole, trace, engine);
  }

  /** Returns the same for a restored machine: the clock goes on from the snapshot's time. */
  public HostSide continuing(Snapshot snapshot) {
    long now = snapshot.clock();
    return withClock(new HostClock(now), System.currentTimeMillis() - now / 1_000_000);
  }

  /**
   * Returns the same with another clock, whose zero is at {@code epoch} milliseconds since 1970.
   */
  public HostSide withClock(Clock other, long epoch) {
    return new HostSide(name, memory, pages, other, epoch, serial, debugConsole, trace, engine);
  }

  /** Returns the same with a reader of port E9h. */
  public HostSide withDebugConsole(IntConsumer reader) {
    return new HostSide(name, memory, pages, clock, epochMillis, serial, reader, trace, engine);
  }

  /** Returns the same with a trace. */
  public HostSide withTrace(Trace other) {
    return new HostSide(
        name, memory, pages, clock, epochMillis, serial, debugConsole, other, engine);
  }

  /** Returns the same with another engine. */
  public HostSide withEngine(Cpu.EngineFactory other) {
    return new HostSide(
        name, memory, pages, clock, epochMillis, serial, debugConsole, trace, other);
  }
}
