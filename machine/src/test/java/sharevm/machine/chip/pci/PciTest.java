package sharevm.machine.chip.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.MmioBus;
import sharevm.machine.bus.MmioDevice;
import sharevm.machine.bus.PortBus;
import sharevm.machine.bus.SharedLine;
import sharevm.machine.bus.Trace;

class PciTest {
  private static final PciIdentity CARD =
      new PciIdentity(0x1234, 0x5678, 0x02_0000, 0x09, 0xABCD, 0x0042);

  private final Bench bench = new Bench();
  private final PortBus ports = new PortBus(bench.lock, Trace.OFF);
  private final MmioBus mmio = new MmioBus(bench.lock, Trace.OFF);
  private final List<String> other = new ArrayList<>();
  private final PciHost host =
      new PciHost(
          new BytePorts() {
            @Override
            public int read(int offset) {
              return 0xA0 | offset;
            }

            @Override
            public void write(int offset, int value) {
              other.add(offset + "=" + value);
            }
          },
          Trace.OFF);

  private void address(int device, int function, int register) {
    host.out(0, 4, 1 << 31 | device << 11 | function << 8 | register);
  }

  private int get(int device, int function, int register) {
    address(device, function, register);
    return host.in(4, 4);
  }

  private void set(int device, int function, int register, int value) {
    address(device, function, register);
    host.out(4, 4, value);
  }

  private static final class Bytes implements BytePorts, MmioDevice {
    @Override
    public int read(int offset) {
      return 0x50 + offset;
    }

    @Override
    public void write(int offset, int value) {}

    @Override
    public long read(long offset, int size) {
      return 0x90 + offset;
    }

    @Override
    public void write(long offset, int size, long value) {}
  }

  @Test
  void configurationMechanismOne() {
    host.add(3, 0, new PciConfig(CARD));
    assertThat(get(3, 0, 0)).isEqualTo(0x5678_1234);
    assertThat(host.in(0, 4)).isEqualTo(0x8000_1800);
    assertThat(get(3, 0, 8)).isEqualTo(0x0200_0009);
    assertThat(get(3, 0, 0x2C)).isEqualTo(0x0042_ABCD);
    address(3, 0, 0);
    assertThat(host.in(6, 2)).isEqualTo(0x5678);
    assertThat(host.in(5, 1)).isEqualTo(0x12);
    assertThat(get(4, 0, 0)).as("no device").isEqualTo(-1);
    assertThat(get(3, 1, 0)).as("no function").isEqualTo(-1);
    host.out(0, 4, 0x8001_1800);
    assertThat(host.in(4, 4)).as("no bus 1").isEqualTo(-1);
    host.out(0, 4, 0x1800);
    assertThat(host.in(4, 4)).as("not enabled").isEqualTo(-1);
    assertThatThrownBy(() -> host.add(3, 0, new PciConfig(CARD)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void byteAccessesToTheAddressRegisterGoOn() {
    assertThat(host.in(1, 1)).isEqualTo(0xA1);
    host.out(1, 1, 6);
    host.out(0, 2, 0x0201);
    assertThat(other).containsExactly("1=6", "0=1", "1=2");
    assertThat(host.in(0, 4)).isZero();
  }

  @Test
  void baseAddressesAreSizedAndPlaced() {
    PciConfig config = new PciConfig(CARD);
    Bytes device = new Bytes();
    config.memoryBar(0, 0x1000, mmio.window(0x1000, device));
    config.portBar(1, 0x20, ports.window(0x20, device));
    config.wideMemoryBar(2, 1L << 33, mmio.window(1L << 33, device));
    host.add(3, 0, config);
    for (int register = 0x10; register < 0x28; register += 4) {
      set(3, 0, register, -1);
    }
    assertThat(get(3, 0, 0x10)).isEqualTo(0xFFFF_F000);
    assertThat(get(3, 0, 0x14)).isEqualTo(0xFFFF_FFE1);
    assertThat(get(3, 0, 0x18)).isEqualTo(0x0000_000C);
    assertThat(get(3, 0, 0x1C)).isEqualTo(0xFFFF_FFFE);
    assertThat(get(3, 0, 0x20)).isZero();
    set(3, 0, 0x10, 0xC000_0000);
    set(3, 0, 0x14, 0xC000);
    set(3, 0, 0x1C, 4);
    assertThat(mmio.read(0xC000_0004L, 1)).as("decoding is off").isEqualTo(0xFF);
    set(3, 0, 4, 3);
    assertThat(mmio.read(0xC000_0004L, 1)).isEqualTo(0x94);
    assertThat(ports.in(0xC002, 1)).isEqualTo(0x52);
    assertThat(mmio.read((4L << 32) + 8, 1)).isEqualTo(0x98);
    set(3, 0, 0x10, 0xD000_0000);
    assertThat(mmio.read(0xC000_0004L, 1)).isEqualTo(0xFF);
    assertThat(mmio.read(0xD000_0004L, 1)).isEqualTo(0x94);
    config.reset();
    assertThat(mmio.read(0xD000_0004L, 1)).isEqualTo(0xFF);
    assertThat(get(3, 0, 0x14)).isEqualTo(1);
  }

  @Test
  void onlyWritableBitsChange() {
    PciConfig config = new PciConfig(CARD);
    host.add(3, 0, config);
    for (int register = 0; register < 256; register += 4) {
      set(3, 0, register, -1);
    }
    assertThat(get(3, 0, 0)).isEqualTo(0x5678_1234);
    assertThat(get(3, 0, 4)).isEqualTo(0x0547);
    assertThat(get(3, 0, 0x0C)).isEqualTo(0xF8FF);
    assertThat(get(3, 0, 0x3C)).isEqualTo(0xFF);
    config.set(PciConfig.STATUS, 2, 0x2000);
    set(3, 0, 4, 0x2000_0000);
    assertThat(get(3, 0, 4) >>> 16).as("written one clears").isZero();
    assertThat(config.busMaster()).isFalse();
    set(3, 0, 4, 4);
    assertThat(config.busMaster()).isTrue();
  }

  @Test
  void capabilitiesFormAList() {
    PciConfig config = new PciConfig(CARD);
    int first = config.capability(0x05, 14);
    int second = config.capability(0x01, 8);
    assertThat(config.get(0x34, 1)).isEqualTo(first).isEqualTo(0x40);
    assertThat(config.get(first, 2)).isEqualTo(second << 8 | 0x05).isEqualTo(0x5005);
    assertThat(config.get(second, 2)).isEqualTo(0x01);
    assertThat(config.get(PciConfig.STATUS, 2) & 0x10).isEqualTo(0x10);
    assertThatThrownBy(() -> config.capability(9, 200)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void interruptsAreSharedAndCanBeDisabled() {
    Bench.Probe[] probes = new Bench.Probe[4];
    for (int i = 0; i < 4; i++) {
      probes[i] = new Bench.Probe();
    }
    PciInterrupts interrupts = new PciInterrupts(probes);
    PciConfig first = new PciConfig(CARD);
    first.interruptPin(1, interrupts.line(3, 1));
    PciConfig second = new PciConfig(CARD);
    second.interruptPin(2, interrupts.line(2, 2));
    first.interrupt(true);
    second.interrupt(true);
    assertThat(probes[3].level).isTrue();
    first.interrupt(false);
    assertThat(probes[3].level).isTrue();
    second.write(PciConfig.COMMAND, 2, 0x400);
    assertThat(probes[3].level).isFalse();
    assertThat(second.get(PciConfig.STATUS, 2) & 8).as("interrupt status").isEqualTo(8);
    assertThat(second.get(0x3D, 1)).isEqualTo(2);
    second.write(PciConfig.COMMAND, 2, 0);
    assertThat(probes[3].level).isTrue();
  }

  @Test
  void hostBridgeShadowsMemory() {
    List<String> shadowed = new ArrayList<>();
    I440fx bridge =
        new I440fx(
            (base, length, read, write) ->
                shadowed.add("%x+%x %s %s".formatted(base, length, read, write)));
    host.add(0, 0, bridge.config());
    assertThat(get(0, 0, 0)).isEqualTo(0x1237_8086);
    assertThat(get(0, 0, 8)).isEqualTo(0x0600_0002);
    assertThat(get(0, 0, 0x58)).isEqualTo(0x3333_3000);
    address(0, 0, 0x58);
    host.out(5, 1, 0x10);
    host.out(7, 1, 0x21);
    assertThat(shadowed)
        .containsExactly(
            "f0000+10000 true false", "c8000+4000 true false", "cc000+4000 false true");
    bridge.config().reset();
    assertThat(shadowed).hasSize(3);
    assertThat(get(0, 0, 0x58)).isEqualTo(0x3333_3000);
  }

  @Test
  void isaBridgeRoutesInterrupts() {
    Bench.Probe[] probes = new Bench.Probe[16];
    SharedLine[] lines = new SharedLine[16];
    for (int i = 0; i < 16; i++) {
      probes[i] = new Bench.Probe();
      lines[i] = new SharedLine(probes[i]);
    }
    Piix3 bridge = new Piix3(i -> lines[i].driver());
    host.add(1, 0, bridge.config());
    assertThat(get(1, 0, 0)).isEqualTo(0x7000_8086);
    assertThat(get(1, 0, 0x0C) >>> 16 & 0xFF).isEqualTo(0x80);
    assertThat(get(1, 0, 0x60)).isEqualTo(0x8080_8080);
    bridge.input(0).set(true);
    set(1, 0, 0x60, 0x8080_800B);
    assertThat(probes[11].level).isTrue();
    set(1, 0, 0x60, 0x8080_0B0A);
    assertThat(probes[11].level).isFalse();
    assertThat(probes[10].level).isTrue();
    bridge.input(1).set(true);
    bridge.input(0).set(false);
    assertThat(probes[10].level).isFalse();
    assertThat(probes[11].level).isTrue();
    set(1, 0, 0x60, 0x8080_0008);
    assertThat(probes[8].level).as("8 cannot be routed to").isFalse();

    Piix3 second = new Piix3(i -> lines[i].driver());
    second.restore(bridge.save());
    assertThat(second.config().get(0x60, 4)).isEqualTo(bridge.config().get(0x60, 4));
  }

  @Test
  void powerFunctionShowsAndMovesItsRegisters() {
    SmBus bus = new SmBus();
    Piix4Power power =
        new Piix4Power(ports.window(16, new Bytes()), 0x600, ports.window(16, bus), 0x700, 9);
    host.add(1, 3, power.config());
    assertThat(get(1, 3, 0)).isEqualTo(0x7113_8086);
    assertThat(get(1, 3, 0x3C)).isEqualTo(0x0109);
    assertThat(get(1, 3, 0x40)).isEqualTo(0x601);
    assertThat(get(1, 3, 0x90)).isEqualTo(0x701);
    assertThat(ports.in(0x604, 1)).isEqualTo(0x54);
    set(1, 3, 0x40, 0xB000);
    assertThat(ports.in(0x604, 1)).isEqualTo(0xFF);
    assertThat(ports.in(0xB004, 1)).isEqualTo(0x54);
    set(1, 3, 0x80, 0);
    assertThat(ports.in(0xB004, 1)).isEqualTo(0xFF);
    ports.out(0x702, 1, 0x48);
    assertThat(ports.in(0x700, 1)).as("nobody answers").isEqualTo(4);
    assertThat(ports.in(0x702, 1)).isEqualTo(8);
    ports.out(0x700, 1, 0xFF);
    assertThat(ports.in(0x700, 1)).isZero();
    SmBus restored = new SmBus();
    restored.restore(bus.save());
    assertThat(restored.read(2)).isEqualTo(8);
  }

  @Test
  void savesAndRestores() {
    Bytes device = new Bytes();
    PciConfig config = new PciConfig(CARD);
    config.memoryBar(0, 0x1000, mmio.window(0x1000, device));
    host.add(3, 0, config);
    set(3, 0, 0x10, 0xC000_0000);
    set(3, 0, 4, 2);
    set(3, 0, 0x3C, 11);
    PciConfig second = new PciConfig(CARD);
    second.memoryBar(0, 0x1000, mmio.window(0x1000, device));
    second.restore(config.save());
    config.reset();
    assertThat(mmio.read(0xC000_0000L, 1)).isEqualTo(0x90);
    assertThat(second.get(0x3C, 1)).isEqualTo(11);
    PciHost otherHost = new PciHost(new Bytes(), Trace.OFF);
    otherHost.restore(host.save());
    assertThat(otherHost.in(0, 4)).isEqualTo(host.in(0, 4));
  }

  @Test
  void survivesAnything() {
    Random random = Bench.random("pci");
    Bytes device = new Bytes();
    PciConfig config = new PciConfig(CARD);
    config.memoryBar(0, 0x1000, mmio.window(0x1000, device));
    config.wideMemoryBar(2, 1L << 36, mmio.window(1L << 36, device));
    config.portBar(4, 0x100, ports.window(0x100, device));
    host.add(0, 0, new I440fx((_, _, _, _) -> {}).config());
    host.add(1, 0, new Piix3(_ -> new Bench.Probe()).config());
    host.add(
        1,
        3,
        new Piix4Power(ports.window(16, device), 64, ports.window(16, device), 0, 9).config());
    host.add(3, 0, config);
    for (int i = 0; i < 20_000; i++) {
      address(random.nextInt(4), random.nextInt(4), random.nextInt(256) & 0xFC);
      bench.fuzz(random, host, PciHost.PORTS, 5);
      ports.in(random.nextInt(0x1_0000), 4);
      mmio.read(random.nextLong() >>> random.nextInt(64), 8);
    }
  }
}
