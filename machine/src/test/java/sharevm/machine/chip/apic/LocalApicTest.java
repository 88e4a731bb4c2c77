package sharevm.machine.chip.apic;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import sharevm.cpu.Attention;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.DeliveryMode;
import sharevm.machine.bus.InterruptMessages;
import sharevm.machine.bus.MmioDevice;
import sharevm.machine.bus.Trace;

class LocalApicTest {
  private static final int CPUS = 4;
  private static final ApicSettings SETTINGS = new ApicSettings(1_000_000_000L, 2_000_000_000L);

  private final Bench bench = new Bench();
  private final ApicBus bus = new ApicBus(bench.lock);
  private final Attention[] attentions = new Attention[CPUS];
  private final LocalApic[] apics = new LocalApic[CPUS];
  private final List<Integer> ended = new ArrayList<>();
  private final Semaphore[] tokens = {new Semaphore(0), new Semaphore(0)};
  private LocalApic apic;

  @BeforeEach
  void enableAll() {
    for (int i = 0; i < CPUS; i++) {
      attentions[i] = new Attention(MemorySegment.ofArray(new int[1]));
      apics[i] = new LocalApic(i, attentions[i], bus, bench.timers, SETTINGS, Trace.OFF);
      apics[i].write(0xF0, 4, 0x1FF);
    }
    apic = apics[0];
    bus.onEndOfInterrupt(ended::add);
  }

  private int get(int offset) {
    return (int) apic.read(offset, 4);
  }

  private void set(int offset, long value) {
    apic.write(offset, 4, value);
  }

  private void fixed(int vector) {
    bus.send(0, false, DeliveryMode.FIXED, vector, false);
  }

  private void clearAttention() {
    for (Attention attention : attentions) {
      attention.clear(-1);
    }
  }

  private String receivers(int vector) {
    StringBuilder who = new StringBuilder();
    for (int i = 0; i < CPUS; i++) {
      if (apics[i].pending() && apics[i].acknowledge() == vector) {
        apics[i].write(0xB0, 4, 0);
        who.append(i);
      }
    }
    return who.toString();
  }

  @Test
  void looksAsAfterReset() {
    apic.reset();
    assertThat(apic.address()).isEqualTo(0xFEE0_0000L);
    assertThat(apic.readMsr(0x1B)).isEqualTo(0xFEE0_0900L);
    assertThat(apics[1].readMsr(0x1B)).isEqualTo(0xFEE0_0800L);
    assertThat(apics[3].read(0x20, 4)).isEqualTo(0x0300_0000L);
    assertThat(get(0x30)).isEqualTo(0x50014);
    assertThat(get(0xF0)).isEqualTo(0xFF);
    assertThat(get(0xE0)).isEqualTo(-1);
    for (int entry = 0x320; entry <= 0x370; entry += 0x10) {
      assertThat(get(entry)).isEqualTo(0x10000);
      set(entry, 0x31);
      assertThat(get(entry)).as("masked while disabled").isEqualTo(0x10031);
    }
  }

  @Test
  void registersAreFourBytesOfSixteen() {
    set(0x80, 0x35);
    assertThat(apic.read(0x80, 1)).isEqualTo(0x35);
    assertThat(apic.read(0x84, 4)).isZero();
    apic.write(0x80, 1, 0x11);
    apic.write(0x84, 4, 0x11);
    assertThat(get(0x80)).isEqualTo(0x35);
    assertThat(apic.read(0x31, 1) & 0xFF).isEqualTo(0x00);
    assertThat(apic.read(0x32, 2)).isEqualTo(0x0005);
  }

  @Test
  void servesByPriorityClass() {
    fixed(0x31);
    fixed(0x45);
    assertThat(attentions[0].bits()).isEqualTo(Attention.INTERRUPT);
    assertThat(get(0x210)).isEqualTo(1 << 0x11);
    assertThat(apic.acknowledge()).isEqualTo(0x45);
    assertThat(get(0x120)).isEqualTo(1 << 5);
    assertThat(get(0xA0)).as("PPR").isEqualTo(0x40);
    assertThat(apic.pending()).isFalse();
    fixed(0x48);
    assertThat(apic.pending()).as("same class").isFalse();
    fixed(0x51);
    assertThat(apic.acknowledge()).isEqualTo(0x51);
    set(0xB0, 0);
    assertThat(apic.pending()).isFalse();
    set(0xB0, 0);
    assertThat(apic.acknowledge()).isEqualTo(0x48);
    set(0xB0, 0);
    assertThat(apic.acknowledge()).isEqualTo(0x31);
    assertThat(apic.acknowledge()).isEqualTo(-1);
  }

  @Test
  void taskPriorityHoldsBack() {
    set(0x80, 0x52);
    assertThat(apic.taskPriority()).isEqualTo(5);
    clearAttention();
    fixed(0x5F);
    assertThat(apic.pending()).isFalse();
    assertThat(attentions[0].bits()).isZero();
    apic.taskPriority(4);
    assertThat(get(0x80)).isEqualTo(0x40);
    assertThat(attentions[0].bits()).isEqualTo(Attention.INTERRUPT);
    assertThat(apic.acknowledge()).isEqualTo(0x5F);
    assertThat(get(0xA0)).isEqualTo(0x50);
  }

  @Test
  void levelInterruptsEndWithABroadcast() {
    bus.send(0, false, DeliveryMode.FIXED, 0x60, true);
    fixed(0x70);
    assertThat(get(0x1B0)).isEqualTo(1);
    apic.acknowledge();
    set(0xB0, 0);
    assertThat(ended).as("edge").isEmpty();
    apic.acknowledge();
    set(0xB0, 0);
    assertThat(ended).containsExactly(0x60);
    set(0xB0, 0);
    assertThat(ended).as("nothing in service").hasSize(1);
  }

  @Test
  void illegalVectorsAndRegistersAreErrors() {
    set(0x370, 0xFE);
    fixed(0x0F);
    assertThat(get(0x280)).as("latched by a write").isZero();
    set(0x280, 0);
    assertThat(get(0x280)).isEqualTo(0x40);
    assertThat(apic.acknowledge()).isEqualTo(0xFE);
    set(0xB0, 0);
    set(0x300, 0x40003);
    set(0x280, 0);
    assertThat(get(0x280)).isEqualTo(0x20);
    get(0x3D0);
    get(0x40);
    set(0x280, 0);
    assertThat(get(0x280)).isEqualTo(0x80);
    set(0x280, 0);
    assertThat(get(0x280)).isZero();
  }

  @Test
  void softwareDisableDropsNewInterruptsOnly() {
    fixed(0x40);
    set(0x320, 0x50);
    set(0xF0, 0xFF);
    fixed(0x50);
    assertThat(get(0x320)).isEqualTo(0x10050);
    assertThat(apic.acknowledge()).isEqualTo(0x40);
    assertThat(apic.acknowledge()).isEqualTo(-1);
    clearAttention();
    bus.send(0, false, DeliveryMode.NMI, 0, false);
    assertThat(attentions[0].bits()).isEqualTo(Attention.NMI);
  }

  @Test
  void shorthands() {
    set(0x300, 0x40041);
    assertThat(receivers(0x41)).isEqualTo("0");
    set(0x300, 0x80042);
    assertThat(receivers(0x42)).isEqualTo("0123");
    set(0x300, 0xC0043);
    assertThat(receivers(0x43)).isEqualTo("123");
    assertThat(get(0x300)).isEqualTo(0xC0043);
  }

  @Test
  void physicalDestinations() {
    set(0x310, 2 << 24);
    set(0x300, 0x44);
    assertThat(receivers(0x44)).isEqualTo("2");
    set(0x310, 0xFF00_0000L);
    set(0x300, 0x45);
    assertThat(receivers(0x45)).isEqualTo("0123");
    set(0x310, 9 << 24);
    set(0x300, 0x46);
    assertThat(receivers(0x46)).isEmpty();
  }

  @Test
  void flatLogicalDestinations() {
    for (int i = 0; i < CPUS; i++) {
      apics[i].write(0xD0, 4, 1L << 24 + i);
    }
    set(0x310, 0x0A00_0000);
    set(0x300, 0x844);
    assertThat(receivers(0x44)).isEqualTo("13");
  }

  @Test
  void clusterLogicalDestinations() {
    for (int i = 0; i < CPUS; i++) {
      apics[i].write(0xE0, 4, 0x0FFF_FFFF);
      apics[i].write(0xD0, 4, (i / 2 << 4 | 1 << i % 2) << 24);
    }
    assertThat(get(0xE0)).isEqualTo(0x0FFF_FFFF);
    set(0x310, 0x1300_0000);
    set(0x300, 0x844);
    assertThat(receivers(0x44)).isEqualTo("23");
    set(0x310, 0xF200_0000L);
    set(0x300, 0x845);
    assertThat(receivers(0x45)).as("bit 1 of all clusters").isEqualTo("13");
  }

  @Test
  void lowestPriorityFindsTheLeastBusyAndTakesTurns() {
    apics[0].write(0x80, 4, 0x30);
    apics[1].write(0x80, 4, 0x20);
    apics[2].write(0x80, 4, 0x10);
    apics[3].write(0x80, 4, 0x20);
    bus.send(InterruptMessages.BROADCAST, false, DeliveryMode.LOWEST_PRIORITY, 0x99, false);
    assertThat(receivers(0x99)).isEqualTo("2");
    apics[2].write(0xF0, 4, 0xFF);
    StringBuilder turns = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      bus.send(InterruptMessages.BROADCAST, false, DeliveryMode.LOWEST_PRIORITY, 0x99, false);
      turns.append(receivers(0x99));
    }
    assertThat(turns.toString()).contains("1").contains("3").hasSize(8);
  }

  @Test
  void initAndStartup() {
    apics[1].write(0x80, 4, 0x10);
    clearAttention();
    set(0x310, 1 << 24);
    set(0x300, 0x4500);
    assertThat(attentions[1].bits()).isEqualTo(Attention.INIT);
    assertThat(apics[1].read(0x80, 4)).as("INIT resets the APIC").isZero();
    assertThat(apics[1].read(0x20, 4)).isEqualTo(1 << 24);
    attentions[1].clear(Attention.INIT);
    set(0x300, 0x8500);
    assertThat(attentions[1].bits()).as("de-assert does nothing").isZero();
    set(0x300, 0x469A);
    assertThat(attentions[1].bits()).isEqualTo(Attention.STARTUP);
    assertThat(attentions[1].startVector()).isEqualTo(0x9A);
    set(0x300, 0xC0400);
    assertThat(attentions[2].bits()).isEqualTo(Attention.NMI);
  }

  @Test
  void externalInterruptsComeThroughLint0() {
    int[] vector = {0x28};
    bus.onAcknowledge(() -> vector[0]);
    apic.pin(0).set(true);
    assertThat(apic.pending()).as("masked").isFalse();
    clearAttention();
    apic.virtualWire();
    assertThat(attentions[0].bits()).isEqualTo(Attention.INTERRUPT);
    assertThat(get(0x350)).isEqualTo(0x700);
    set(0x80, 0xF0);
    assertThat(apic.pending()).as("no priority stops it").isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x28);
    assertThat(get(0x110)).as("not in service here").isZero();
    apic.pin(0).set(false);
    assertThat(apic.pending()).isFalse();
    apic.pin(1).set(true);
    assertThat(attentions[0].bits() & Attention.NMI).isEqualTo(Attention.NMI);
  }

  @Test
  void externalInterruptsComeAsMessages() {
    bus.onAcknowledge(() -> 0x30);
    bus.send(0, false, DeliveryMode.EXTERNAL, 0, false);
    assertThat(apic.acknowledge()).isEqualTo(0x30);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void pinsAreWiresWhenGloballyDisabled() {
    bus.onAcknowledge(() -> 0x20);
    assertThat(apic.writeMsr(0x1B, 0xFEE0_0100L)).isTrue();
    assertThat(apic.address()).isEqualTo(-1);
    assertThat(attentions[0].bits() & Attention.FLUSH).isEqualTo(Attention.FLUSH);
    clearAttention();
    apic.pin(0).set(true);
    assertThat(attentions[0].bits()).isEqualTo(Attention.INTERRUPT);
    assertThat(apic.acknowledge()).isEqualTo(0x20);
    apic.pin(1).set(true);
    assertThat(attentions[0].bits() & Attention.NMI).isEqualTo(Attention.NMI);
    fixed(0x50);
    apic.pin(0).set(false);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void fixedPins() {
    set(0x350, 0x61);
    apic.pin(0).set(true);
    apic.pin(0).set(true);
    assertThat(apic.acknowledge()).isEqualTo(0x61);
    set(0xB0, 0);
    assertThat(apic.pending()).as("edge").isFalse();
    apic.pin(0).set(false);
    set(0x350, 0x8062);
    apic.pin(0).set(true);
    assertThat(get(0x350)).as("remote IRR").isEqualTo(0xC062);
    assertThat(apic.acknowledge()).isEqualTo(0x62);
    set(0xB0, 0);
    assertThat(apic.acknowledge()).as("still asserted").isEqualTo(0x62);
    apic.pin(0).set(false);
    set(0xB0, 0);
    assertThat(apic.pending()).isFalse();
    assertThat(get(0x350)).isEqualTo(0x8062);
  }

  @Test
  void oneShotTimer() {
    set(0x320, 0x40);
    set(0x3E0, 0b1011);
    set(0x380, 1000);
    bench.advance(400);
    assertThat(get(0x390)).isEqualTo(600);
    bench.advance(599);
    assertThat(apic.pending()).isFalse();
    bench.advance(1);
    assertThat(apic.acknowledge()).isEqualTo(0x40);
    set(0xB0, 0);
    assertThat(get(0x390)).isZero();
    assertThat(get(0x380)).isEqualTo(1000);
    bench.advance(10_000);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void divisors() {
    int[] registers = {0b1011, 0b0000, 0b0001, 0b0010, 0b0011, 0b1000, 0b1001, 0b1010};
    for (int i = 0; i < registers.length; i++) {
      set(0x3E0, registers[i]);
      set(0x380, 0xFFFF_FFFFL);
      bench.advance(128_000);
      assertThat(-1 - get(0x390)).as("divide by " + (1 << i)).isEqualTo(128_000 >> i);
    }
    set(0x3E0, 0b1011);
    set(0x380, 1000);
    bench.advance(500);
    set(0x3E0, 0);
    bench.advance(500);
    assertThat(get(0x390)).as("goes on at half the rate").isEqualTo(250);
  }

  @Test
  void periodicTimerDoesNotDrift() {
    set(0x320, 0x20040);
    set(0x3E0, 0b0011); // by 16
    set(0x380, 62_501); // 1.000016 ms
    int count = 0;
    for (int i = 0; i < 100_000; i++) {
      bench.advance(500_000);
      if (apic.pending()) {
        apic.acknowledge();
        set(0xB0, 0);
        count++;
      }
    }
    assertThat(count).isBetween(49_998, 50_000);
    bench.oversleep(Clock.SECOND);
    apic.acknowledge();
    set(0xB0, 0);
    assertThat(apic.pending()).as("what was missed is one").isFalse();
    bench.advance(Clock.SECOND / 1000);
    assertThat(apic.acknowledge()).isEqualTo(0x40);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void absurdPeriodsAreBounded() {
    set(0x320, 0x20040);
    set(0x3E0, 0b1011);
    set(0x380, 1);
    int runs = 0;
    long end = bench.clock.nanos() + 10_000_000;
    while (bench.timers.nextDeadline() < end) {
      bench.clock.moveTo(bench.timers.nextDeadline());
      bench.timers.runDue();
      runs++;
    }
    assertThat(runs).isLessThan(210);
  }

  @Test
  void tscDeadlineTimer() {
    assertThat(apic.writeMsr(0x6E0, 5)).isTrue();
    assertThat(apic.readMsr(0x6E0)).as("not in that mode").isZero();
    set(0x320, 0x40041);
    long tsc = bench.clock.nanos() * 2;
    apic.writeMsr(0x6E0, tsc + 2000);
    set(0x380, 10);
    assertThat(get(0x380)).isZero();
    assertThat(apic.readMsr(0x6E0)).isEqualTo(tsc + 2000);
    bench.advance(999);
    assertThat(apic.pending()).isFalse();
    bench.advance(1);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    assertThat(apic.readMsr(0x6E0)).isZero();
    set(0xB0, 0);
    apic.writeMsr(0x6E0, 1);
    bench.advance(0);
    assertThat(apic.acknowledge()).as("in the past: at once").isEqualTo(0x41);
    set(0xB0, 0);
    apic.writeMsr(0x6E0, tsc + 10_000);
    apic.writeMsr(0x6E0, 0);
    bench.advance(Clock.SECOND);
    assertThat(apic.pending()).isFalse();
    apic.tscOffset(() -> 1_000_000);
    apic.writeMsr(0x6E0, bench.clock.nanos() * 2 + 1_000_000 + 200);
    bench.advance(99);
    assertThat(apic.pending()).isFalse();
    bench.advance(1);
    assertThat(apic.pending()).isTrue();
    apic.writeMsr(0x6E0, -1);
    apic.writeMsr(0x6E0, Long.MAX_VALUE);
  }

  @Test
  void maskedTimerStaysSilent() {
    set(0x320, 0x10040);
    set(0x380, 100);
    bench.advance(1000);
    assertThat(apic.pending()).isFalse();
  }

  @Test
  void modeTransitions() {
    long page = 0xFEE0_0000L;
    assertThat(apic.ownsMsr(0x802)).isFalse();
    assertThat(apic.writeMsr(0x1B, page | 0x400)).as("x2APIC without enable").isFalse();
    assertThat(apic.writeMsr(0x1B, page | 0xC00 | 1)).as("reserved bit").isFalse();
    assertThat(apic.writeMsr(0x1B, page | 0xC00)).isTrue();
    assertThat(apic.address()).isEqualTo(-1);
    assertThat(apic.readMsr(0x1B)).as("BSP stays").isEqualTo(page | 0xD00);
    assertThat(apic.writeMsr(0x1B, page | 0x800)).as("back to xAPIC").isFalse();
    assertThat(apic.writeMsr(0x1B, page)).isTrue();
    assertThat(apic.writeMsr(0x1B, page | 0xC00)).as("disabled to x2APIC").isFalse();
    assertThat(apic.writeMsr(0x1B, 0x1_2345_6000L | 0x800)).isTrue();
    assertThat(apic.address()).isEqualTo(0x1_2345_6000L);
  }

  @Test
  void x2apicRegistersAreMsrs() {
    for (LocalApic each : apics) {
      assertThat(each.writeMsr(0x1B, 0xFEE0_0C00L)).isTrue();
    }
    assertThat(apics[3].readMsr(0x802)).isEqualTo(3);
    assertThat(apics[3].readMsr(0x80D)).isEqualTo(8);
    assertThat(apic.ownsMsr(0x80E)).as("no DFR").isFalse();
    assertThat(apic.ownsMsr(0x831)).as("no high half of ICR").isFalse();
    assertThat(apic.writeMsr(0x802, 1)).isFalse();
    assertThat(apic.writeMsr(0x80B, 1)).isFalse();
    assertThat(apic.writeMsr(0x808, 0x100)).isFalse();
    assertThat(apic.writeMsr(0x808, 0x20)).isTrue();
    assertThat(apic.writeMsr(0x832, 1L << 32)).isFalse();
    assertThat(apic.writeMsr(0x830, 2L << 32 | 0x51)).isTrue();
    assertThat(apic.readMsr(0x830)).isEqualTo(2L << 32 | 0x51);
    assertThat(receiversByMsr(0x51)).isEqualTo("2");
    apic.writeMsr(0x830, 0xAL << 32 | 0x852);
    assertThat(receiversByMsr(0x52)).as("logical").isEqualTo("13");
    apic.writeMsr(0x830, 0xFFFF_FFFFL << 32 | 0x53);
    assertThat(receiversByMsr(0x53)).isEqualTo("0123");
    apic.writeMsr(0x830, 0xFFL << 32 | 0x54);
    assertThat(receiversByMsr(0x54)).as("FFh is no broadcast here").isEmpty();
    assertThat(apic.writeMsr(0x83F, 0x55)).isTrue();
    assertThat(receiversByMsr(0x55)).isEqualTo("0");
  }

  private String receiversByMsr(int vector) {
    StringBuilder who = new StringBuilder();
    for (int i = 0; i < CPUS; i++) {
      if (apics[i].pending() && apics[i].acknowledge() == vector) {
        apics[i].writeMsr(0x80B, 0);
        who.append(i);
      }
    }
    return who.toString();
  }

  @Test
  void messageSignalledInterrupts() {
    bus.sendSignalled(0xFEE0_1000L, 0x4061);
    assertThat(receivers(0x61)).isEqualTo("1");
    bus.sendSignalled(0xFEEF_F000L, 0x62);
    assertThat(receivers(0x62)).isEqualTo("0123");
    apics[2].write(0xD0, 4, 0x04000000);
    bus.sendSignalled(0xFEE0_400CL, 0x163);
    assertThat(receivers(0x63)).as("logical, lowest priority").isEqualTo("2");
  }

  @Test
  void savesAndRestores() {
    fixed(0x33);
    bus.send(0, false, DeliveryMode.FIXED, 0x77, true);
    apic.acknowledge();
    set(0x80, 0x10);
    set(0xD0, 0x0100_0000);
    set(0x350, 0x700);
    set(0x320, 0x20044);
    set(0x3E0, 0b1011);
    set(0x380, 5_000_000);
    bench.advance(1_500_000);
    Attention attention = new Attention(MemorySegment.ofArray(new int[1]));
    LocalApic other =
        new LocalApic(0, attention, new ApicBus(bench.lock), bench.timers, SETTINGS, Trace.OFF);
    other.restore(apic.save());
    for (int offset = 0x20; offset < 0x3F0; offset += 0x10) {
      assertThat(other.read(offset, 4)).as("register %x", offset).isEqualTo(apic.read(offset, 4));
    }
    bench.advance(3_500_000);
    set(0xB0, 0);
    other.write(0xB0, 4, 0);
    assertThat(other.acknowledge()).isEqualTo(0x44).isEqualTo(apic.acknowledge());
  }

  @Test
  void survivesAnything() {
    Random random = Bench.random("apic");
    MmioDevice device =
        new MmioDevice() {
          @Override
          public long read(long offset, int size) {
            LocalApic target = apics[random.nextInt(CPUS)];
            int msr = 0x800 + random.nextInt(0x100);
            if (target.ownsMsr(msr)) {
              target.readMsr(msr);
            }
            target.acknowledge();
            return target.read((int) offset, size);
          }

          @Override
          public void write(long offset, int size, long value) {
            LocalApic target = apics[random.nextInt(CPUS)];
            int msr = random.nextInt(20) == 0 ? 0x1B : 0x800 + random.nextInt(0x40);
            if (random.nextInt(8) == 0) {
              target.writeMsr(random.nextInt(4) == 0 ? 0x6E0 : msr, value >>> random.nextInt(64));
            }
            target.pin((int) value & 1).set(value < 0);
            target.write((int) offset, size, value);
          }
        };
    bench.fuzz(random, device, 4096, 200_000);
  }

  @Test
  void manyThreadsLoseNoInterrupt() throws InterruptedException {
    int rounds = 20_000;
    AtomicBoolean failed = new AtomicBoolean();
    Thread[] senders = new Thread[2];
    int[] received = new int[2];
    Thread receiver =
        Thread.ofPlatform()
            .start(
                () -> {
                  long deadline = System.nanoTime() + 20 * Clock.SECOND;
                  while (received[0] < rounds || received[1] < rounds) {
                    int vector = apic.acknowledge();
                    if (vector < 0) {
                      attentions[0].clear(Attention.INTERRUPT);
                      if (!apic.pending()) {
                        attentions[0].await(100_000_000);
                      }
                    } else {
                      received[vector - 0x60]++;
                      apic.write(0xB0, 4, 0);
                      apics[1 + vector - 0x60].write(0x3E0, 4, received[vector - 0x60]);
                      Thread.onSpinWait();
                      tokens[vector - 0x60].release();
                    }
                    if (System.nanoTime() > deadline) {
                      failed.set(true);
                      tokens[0].release(rounds);
                      tokens[1].release(rounds);
                      return;
                    }
                  }
                });
    for (int i = 0; i < 2; i++) {
      int sender = i;
      senders[i] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int n = 0; n < rounds; n++) {
                      apics[1 + sender].write(0x310, 4, 0);
                      apics[1 + sender].write(0x300, 4, 0x60 + sender);
                      tokens[sender].acquireUninterruptibly();
                    }
                  });
    }
    for (Thread sender : senders) {
      sender.join();
    }
    receiver.join();
    assertThat(failed).isFalse();
    assertThat(received).containsExactly(rounds, rounds);
  }
}
