package sharevm.machine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import sharevm.cpu.Attention;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Timestamp;
import sharevm.cpu.interpret.Decoders;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.HostClock;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.MachineBus;
import sharevm.machine.bus.MmioBus;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortBus;
import sharevm.machine.bus.SharedLine;
import sharevm.machine.bus.SteppedClock;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;
import sharevm.machine.bus.UntouchedRam;
import sharevm.machine.chip.apic.ApicBus;
import sharevm.machine.chip.apic.ApicSettings;
import sharevm.machine.chip.apic.LocalApic;
import sharevm.machine.chip.ioapic.IoApic;
import sharevm.machine.chip.keyboard8042.Keyboard;
import sharevm.machine.chip.keyboard8042.Keyboard8042;
import sharevm.machine.chip.pci.I440fx;
import sharevm.machine.chip.pci.PciHost;
import sharevm.machine.chip.pci.Piix3;
import sharevm.machine.chip.pci.Piix4Power;
import sharevm.machine.chip.pci.SmBus;
import sharevm.machine.chip.pic8259.Pic8259Pair;
import sharevm.machine.chip.pit8254.Pit8254;
import sharevm.machine.chip.pit8254.SystemControlPort;
import sharevm.machine.chip.power.FastControl;
import sharevm.machine.chip.power.PowerManagement;
import sharevm.machine.chip.power.ResetControl;
import sharevm.machine.chip.rtc146818.Rtc146818;
import sharevm.machine.chip.uart16550.Uart16550;
import sharevm.machine.firmware.PcLayout;
import sharevm.machine.firmware.PhysicalMemory;

/**
 * Puts a PC together: the only place that knows which chip sits at which address, on which
 * interrupt, and who hears of what.
 */
public final class MachineBuilder {
  /** What time-stamp counters count: the machine's clock. */
  private static final long TSC_HERTZ = 1_000_000_000;

  /** What the local APICs' timers count before their dividers. */
  private static final long APIC_HERTZ = 100_000_000;

  private static final int ISA_INTERRUPTS = 16;
  private static final int TIMER_IRQ = 0;
  private static final int KEYBOARD_IRQ = 1;
  private static final int RTC_IRQ = 8;
  private static final int ISA_SLOT = 1;
  private static final int POWER_FUNCTION = 3;
  private static final int MOUSE_IRQ = 12;
  private static final int FLOAT_ERROR_IRQ = 13;

  /**
   * The I/O APIC's input of IRQ 0, since its input 0 is the 8259A pair's in the multiprocessor PC.
   */
  private static final int TIMER_PIN = 2;

  private final MachineSpec spec;
  private final HostSide host;
  private final Trace trace;
  private final ReentrantLock deviceLock = new ReentrantLock();
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final List<Vcpu> vcpus = new ArrayList<>();
  private final List<LocalApic> apics = new ArrayList<>();
  private final Lifecycle lifecycle;
  private final Timers timers;
  private final GuestMemory memory;
  private final PortBus ports;
  private final MmioBus mmio;
  private final CodePages codePages;
  private final Pace pace;
  private final ApicBus apicBus;
  private final Pic8259Pair pic;
  private final IoApic ioApic;
  private final SharedLine[] irqLines = new SharedLine[ISA_INTERRUPTS];
  private final SharedLine a20;

  private MachineBuilder(MachineSpec spec, HostSide host, MachineListener listener) {
    this.spec = spec;
    this.host = host;
    trace = host.trace();
    lifecycle = new Lifecycle(host.name(), spec, listener);
    timers = new Timers(host.clock(), deviceLock);
    memory = part("memory", new GuestMemory(host.memory(), spec.memoryBytes()));
    ports = new PortBus(deviceLock, trace);
    mmio = new MmioBus(deviceLock, trace);
    codePages = new CodePages(host.memory().byteSize());
    UntouchedRam.watch(codePages, host.pages(), host.memory().byteSize());
    pace = pace();
    apicBus = new ApicBus(deviceLock);
    pic = part("pic", new Pic8259Pair(this::externalInterrupt, trace));
    a20 = part("a20", new SharedLine(memory::a20));
    ioApic = part("ioApic", new IoApic(apicBus, trace));
    Arrays.setAll(irqLines, this::isaLine);
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
    addProcessors();
    addInterruptControllers();
    addClocks();
    PowerManagement power = addPower();
    addKeyboard();
    addDebugPorts();
    Uart16550 uart = addSerialPort();
    Firmware firmware = new Firmware(spec, host, memory);
    part("fwCfg", firmware.fwCfg());
    part("rom", firmware.rom());
    firmware.wire(ports);
    memory.onWrite(codePages::written);
    memory.onChange(this::memoryMapChanged);
    SerialInput input = new SerialInput(uart, deviceLock);
    Resetting hooks = new Resetting(firmware, input);
    lifecycle.wire(vcpus, pace, hooks);
    if (snapshot.isPresent()) {
      snapshot.get().into(spec, parts, vcpus);
    } else {
      hooks.enter();
    }
    return new Machine(
        spec, lifecycle, vcpus, new Machine.Devices(parts, deviceLock, host.clock(), input, power));
  }

  private void addProcessors() {
    ApicSettings settings = new ApicSettings(APIC_HERTZ, TSC_HERTZ);
    Decoders decoders = new Decoders();
    for (int number = 0; number < spec.cpus(); number++) {
      CpuState state = new CpuState();
      LocalApic apic = new LocalApic(number, state.attention, apicBus, timers, settings, trace);
      apic.tscOffset(() -> state.msr.tscOffset);
      apics.add(part("apic" + number, apic));
      CpuModel model = spec.model().at(number, spec.cpus()).withClocks(TSC_HERTZ, APIC_HERTZ);
      MachineBus bus = new MachineBus(memory, mmio, ports, apic);
      Cpu.Environment environment =
          new Cpu.Environment(bus, apic, timestamp(), codePages, decoders);
      Cpu cpu = new Cpu(model, environment, state, host.engine());
      if (trace.on(Trace.Category.CPU)) {
        cpu.trace = new ProcessorTrace(number, trace);
      }
      Vcpu vcpu = new Vcpu(number, cpu, pace, lifecycle.gate(), new Reporting());
      vcpu.powerUp();
      vcpus.add(vcpu);
    }
  }

  private Timestamp timestamp() {
    return host.clock() instanceof HostClock clock ? new HostTimestamp(clock) : host.clock()::nanos;
  }

  private void addInterruptControllers() {
    ports.map(0x20, 2, pic.master());
    ports.map(0xA0, 2, pic.slave());
    ports.map(0x4D0, 2, pic.edgeLevel());
    mmio.map(PcLayout.IOAPIC, IoApic.LENGTH, ioApic);
    apicBus.onEndOfInterrupt(ioApic::endOfInterrupt);
    apicBus.onAcknowledge(pic::acknowledge);
    FloatErrorPort floatError =
        part(
            "floatError",
            new FloatErrorPort(vcpus.getFirst().cpu.floatError, irq(FLOAT_ERROR_IRQ), deviceLock));
    ports.map(FloatErrorPort.PORT, FloatErrorPort.PORTS, floatError);
  }

  private void addClocks() {
    Pit8254 pit = part("pit", new Pit8254(timers, irq(TIMER_IRQ), trace));
    ports.map(0x40, Pit8254.PORTS, pit);
    SystemControlPort port61 =
        part("port61", new SystemControlPort(host.clock(), pit.gate2(), pit.out2()));
    ports.map(0x61, 1, port61);
    Instant zero = Instant.ofEpochMilli(host.epochMillis());
    Rtc146818 rtc = part("rtc", new Rtc146818(timers, irq(RTC_IRQ), zero, trace));
    rtc.memorySize(memory.lowTop(), memory.highTop() - PhysicalMemory.HIGH_BASE);
    ports.map(0x70, Rtc146818.PORTS, rtc);
  }

  private PowerManagement addPower() {
    PowerManagement.Settings settings =
        new PowerManagement.Settings(
            PowerManagement.TimerWidth.BITS_32, PcLayout.SLEEP_TYPE_OFF, true);
    PowerManagement power =
        part(
            "power",
            new PowerManagement(timers, irq(PcLayout.SCI), this::poweredOff, settings, trace));
    FastControl fast = part("port92", new FastControl(a20.driver(), lifecycle::requestReset));
    ports.map(0x92, 1, fast);
    addPci(power, part("resetControl", new ResetControl(lifecycle::requestReset)));
    return power;
  }

  /**
   * The bridges of a 440FX board with a PIIX4's power management; the reset register lies among
   * PCI's.
   */
  private void addPci(PowerManagement power, ResetControl reset) {
    PciHost pci = part("pci", new PciHost(reset, trace));
    ports.map(PcLayout.PCI, PciHost.PORTS, pci);
    pci.add(0, 0, part("hostBridge", new I440fx(memory::shadow).config()));
    Piix3 isa = part("isaBridge", new Piix3(this::irq));
    pci.add(ISA_SLOT, 0, isa.config());
    SmBus smBus = part("smBus", new SmBus());
    Piix4Power function =
        new Piix4Power(
            ports.window(PowerManagement.PORTS, power),
            PcLayout.PM1_EVENT,
            ports.window(SmBus.PORTS, smBus),
            PcLayout.SMBUS,
            PcLayout.SCI);
    pci.add(ISA_SLOT, POWER_FUNCTION, part("powerFunction", function.config()));
  }

  private void poweredOff() {
    lifecycle.requestEnd(new Outcome.PoweredOff());
  }

  private void addKeyboard() {
    Keyboard8042.Lines lines =
        new Keyboard8042.Lines(irq(KEYBOARD_IRQ), irq(MOUSE_IRQ), a20.driver());
    Keyboard8042 controller =
        part(
            "keyboard",
            new Keyboard8042(lines, lifecycle::requestReset, Optional.of(new Keyboard()), trace));
    ports.map(0x60, 1, controller.data());
    ports.map(0x64, 1, controller.command());
  }

  private void addDebugPorts() {
    ports.map(DebugPorts.CONSOLE, 1, DebugPorts.console(host.debugConsole()));
    if (spec.debugExit()) {
      ports.map(
          DebugPorts.EXIT,
          DebugPorts.EXIT_PORTS,
          DebugPorts.exit(status -> lifecycle.requestEnd(new Outcome.DebugExit(status))));
    }
  }

  private Uart16550 addSerialPort() {
    Uart16550 uart =
        part("com1", new Uart16550(host.serial(), irq(PcLayout.COM1_IRQ), timers, trace));
    ports.map(PcLayout.COM1, Uart16550.PORTS, uart);
    return uart;
  }

  /** Adds a driver to an ISA interrupt, which is at the 8259A pair and at the I/O APIC. */
  private InterruptLine irq(int number) {
    return irqLines[number].driver();
  }

  private SharedLine isaLine(int number) {
    int pin = number == TIMER_IRQ ? TIMER_PIN : number;
    return part("irq" + number, new SharedLine(pic.input(number).and(ioApic.input(pin))));
  }

  /** INTR of the 8259A pair goes to LINT0 of every processor, which mostly but one has masked. */
  private void externalInterrupt(boolean asserted) {
    for (LocalApic apic : apics) {
      apic.pin(0).set(asserted);
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
    crash(vcpus.getFirst(), thrown);
  }

  private void crash(Vcpu vcpu, Throwable thrown) {
    lifecycle.requestEnd(new Outcome.Crashed(CrashReport.bug(vcpu.number, vcpu.cpu, thrown)));
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
      crash(vcpu, thrown);
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
        vcpus.forEach(Vcpu::powerUp);
        enter();
      } finally {
        deviceLock.unlock();
      }
    }

    @Override
    public void ended() {
      timers.close();
      input.close();
    }

    /** Leaves everything as firmware leaves it to an operating system. */
    void enter() {
      apics.getFirst().virtualWire();
      firmware.enter(vcpus.getFirst().cpu);
    }
  }
}
