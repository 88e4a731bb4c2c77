package sharevm.machine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import sharevm.cpu.Attention;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.InterruptController;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.HostClock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.MachineBus;
import sharevm.machine.bus.MmioBus;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortBus;
import sharevm.machine.bus.PrivatePage;
import sharevm.machine.bus.SteppedClock;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;
import sharevm.machine.chip.pic8259.Pic8259Pair;
import sharevm.machine.chip.pit8254.Pit8254;
import sharevm.machine.chip.pit8254.SystemControlPort;
import sharevm.machine.chip.rtc146818.Rtc146818;
import sharevm.machine.chip.uart16550.Uart16550;
import sharevm.machine.firmware.PcLayout;
import sharevm.machine.firmware.PhysicalMemory;

/**
 * Puts a PC together: the only place that knows which chip sits at which address, on which interrupt, and
 * who hears of what.
 */
public final class MachineBuilder {
  private static final int TIMER_IRQ = 0;
  private static final int RTC_IRQ = 8;

  private final MachineSpec spec;
  private final HostSide host;
  private final ReentrantLock deviceLock = new ReentrantLock();
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final List<Vcpu> vcpus = new ArrayList<>();
  private final Lifecycle lifecycle;
  private final Timers timers;
  private final Trace trace;
  private final GuestMemory memory;
  private final PortBus ports;
  private final MmioBus mmio;
  private final CodePages codePages;
  private final Pace pace;

  private MachineBuilder(MachineSpec spec, HostSide host, MachineListener listener) {
    this.spec = spec;
    this.host = host;
    trace = host.trace();
    lifecycle = new Lifecycle(host.name(), spec, listener);
    timers = new Timers(host.clock(), deviceLock);
    memory = new GuestMemory(host.memory(), spec.memoryBytes());
    ports = new PortBus(deviceLock, trace);
    mmio = new MmioBus(deviceLock, trace);
    codePages = new CodePages(host.memory().byteSize());
    pace = pace();
  }

  /**
   * Builds a machine and puts its kernel into memory.
   *
   * @throws sharevm.machine.firmware.LoaderException if the kernel cannot be started
   * @throws IllegalArgumentException if the host's memory does not fit the specification
   */
  public static Machine build(MachineSpec spec, HostSide host, MachineListener listener) {
    return new MachineBuilder(spec, host, listener).build(Optional.empty());
  }

  /**
   * Builds a machine that goes on where another was saved.
   *
   * @param host its memory holds what the other's held, its clock shows {@link Snapshot#clock}
   * @throws sharevm.cpu.SavedStateException if the snapshot is of another kind of machine
   */
  public static Machine restore(
      MachineSpec spec, HostSide host, MachineListener listener, Snapshot snapshot) {
    return new MachineBuilder(spec, host, listener).build(Optional.of(snapshot));
  }

  private Machine build(Optional<Snapshot> snapshot) {
    Firmware firmware = new Firmware(spec, host, memory);
    Pic8259Pair pic = part("pic", new Pic8259Pair(this::externalInterrupt, trace));
    addChips(pic);
    part("fwCfg", firmware.fwCfg());
    part("rom", firmware.rom());
    firmware.wire(ports);
    Uart16550 uart =
        part("com1", new Uart16550(host.serial(), pic.input(PcLayout.COM1_IRQ), timers, trace));
    ports.map(PcLayout.COM1, Uart16550.PORTS, uart);
    part("memory", memory);
    addProcessors(pic);
    SerialInput input = new SerialInput(uart, deviceLock);
    Machine machine = new Machine(
            spec,
            lifecycle,
            vcpus,
            new Machine.Devices(parts, deviceLock, host.clock(), input));
    lifecycle.wire(vcpus, pace, new Resetting(firmware, input));
    memory.onWrite(codePages::written);
    memory.onChange(this::memoryMapChanged);
    if (snapshot.isPresent()) {
      snapshot.get().into(spec, parts, vcpus);
    } else {
      firmware.enter(vcpus.getFirst().cpu);
    }
    return machine;
  }

  private void addChips(Pic8259Pair pic) {
    ports.map(0x20, 2, pic.master());
    ports.map(0xA0, 2, pic.slave());
    ports.map(0x4D0, 2, pic.edgeLevel());
    Pit8254 pit = part("pit", new Pit8254(timers, irq(pic, TIMER_IRQ), trace));
    ports.map(0x40, Pit8254.PORTS, pit);
    ports.map(
        0x61,
        1,
        part("port61", new SystemControlPort(host.clock(), pit.gate2(), pit.out2())));
    Instant zero = Instant.ofEpochMilli(host.epochMillis());
    Rtc146818 rtc = part("rtc", new Rtc146818(timers, irq(pic, RTC_IRQ), zero, trace));
    rtc.memorySize(memory.lowTop(), memory.highTop() - PhysicalMemory.HIGH_BASE);
    ports.map(0x70, Rtc146818.PORTS, rtc);
    ports.map(DebugPorts.CONSOLE, 1, DebugPorts.console(host.debugConsole()));
    if (spec.debugExit()) {
      ports.map(
          DebugPorts.EXIT,
          DebugPorts.EXIT_PORTS,
          DebugPorts.exit(status -> lifecycle.requestEnd(new Outcome.DebugExit(status))));
    }
  }

  private InterruptLine irq(Pic8259Pair pic, int number) {
    return pic.input(number);
  }

  private void addProcessors(Pic8259Pair pic) {
    for (int number = 0; number < spec.cpus(); number++) {
      MachineBus bus = new MachineBus(memory, mmio, ports, PrivatePage.NONE);
      InterruptController controller = new PicOnly(pic);
      Cpu cpu =
          new Cpu(
              spec.model(),
              new Cpu.Environment(bus, controller, host.clock()::nanos, codePages));
      Vcpu vcpu = new Vcpu(number, cpu, pace, lifecycle.gate(), new Reporting());
      vcpu.powerUp();
      vcpus.add(vcpu);
    }
  }

  private volatile boolean external;

  private void externalInterrupt(boolean asserted) {
    external = asserted;
    if (asserted && !vcpus.isEmpty()) {
      vcpus.getFirst().cpu.state.attention.raise(Attention.INTERRUPT);
    }
  }

  private final class PicOnly implements InterruptController {
    private final Pic8259Pair pic;

    PicOnly(Pic8259Pair pic) {
      this.pic = pic;
    }

    @Override
    public boolean pending() {
      return external;
    }

    @Override
    public int acknowledge() {
      deviceLock.lock();
      try {
        return external ? pic.acknowledge() : -1;
      } finally {
        deviceLock.unlock();
      }
    }

    @Override
    public int taskPriority() {
      return 0;
    }

    @Override
    public void taskPriority(int priorityClass) {}

    @Override
    public boolean ownsMsr(int index) {
      return false;
    }

    @Override
    public long readMsr(int index) {
      return 0;
    }

    @Override
    public boolean writeMsr(int index, long value) {
      return false;
    }
  }

  private <P extends Part> P part(String name, P part) {
    parts.put(name, part);
    return part;
  }

  private Pace pace() {
    return switch (host.clock()) {
      case HostClock clock -> new Pace.Host(clock, timers, this::timerFailed);
      case SteppedClock clock -> new Pace.Counted(clock, timers);
      default -> throw new IllegalArgumentException("a clock that nothing drives");
    };
  }

  private void timerFailed(Throwable thrown) {
    Vcpu first = vcpus.getFirst();
    lifecycle.requestEnd(
        new Outcome.Crashed(CrashReport.bug(first.number, first.cpu, thrown)));
  }

  private void memoryMapChanged() {
    for (Vcpu vcpu : vcpus) {
      vcpu.cpu.state.attention.raise(Attention.FLUSH);
    }
  }

  private final class Reporting implements Vcpu.Supervisor {
    @Override
    public void tripleFault(Vcpu vcpu) {
      lifecycle.requestTripleFault(vcpu);
    }

    @Override
    public void failed(Vcpu vcpu, Throwable thrown) {
      lifecycle.requestEnd(
          new Outcome.Crashed(CrashReport.bug(vcpu.number, vcpu.cpu, thrown)));
    }
  }

  private final class Resetting implements Lifecycle.Hooks {
    private final Firmware firmware;
    private final SerialInput input;

    Resetting(Firmware firmware, SerialInput input) {
      this.firmware = firmware;
      this.input = input;
    }

    @Override
    public void reset() {
      deviceLock.lock();
      try {
        parts.values().forEach(Part::reset);
        for (Vcpu vcpu : vcpus) {
          vcpu.powerUp();
        }
        firmware.enter(vcpus.getFirst().cpu);
      } finally {
        deviceLock.unlock();
      }
    }

    @Override
    public void ended() {
      timers.close();
      input.close();
    }
  }
}
