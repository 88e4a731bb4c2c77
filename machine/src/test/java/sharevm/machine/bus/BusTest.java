package sharevm.machine.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

class BusTest {
  private static final int MIB = 1 << 20;

  private final ReentrantLock lock = new ReentrantLock();
  private final PortBus ports = new PortBus(lock, Trace.OFF);
  private final MmioBus mmio = new MmioBus(lock, Trace.OFF);

  private static final class Bytes implements BytePorts {
    final List<String> log = new ArrayList<>();

    @Override
    public int read(int offset) {
      return 0x10 + offset;
    }

    @Override
    public void write(int offset, int value) {
      log.add(offset + "=" + value);
    }
  }

  @Test
  void emptyPortsFloatHigh() {
    assertThat(ports.in(0x1234, 1)).isEqualTo(0xFF);
    assertThat(ports.in(0xFFFF, 2)).isEqualTo(0xFFFF);
    assertThat(ports.in(0x1234, 4)).isEqualTo(-1);
    ports.out(0xFFFF, 4, 1);
  }

  @Test
  void wideAccessesReachByteRegistersLowestFirst() {
    Bytes device = new Bytes();
    ports.map(0x70, 2, device);
    assertThat(ports.in(0x70, 2)).isEqualTo(0x1110);
    assertThat(ports.in(0x6F, 4)).isEqualTo(0xFF1110FF);
    ports.out(0x6F, 4, 0x04030201);
    assertThat(device.log).containsExactly("0=2", "1=3");
  }

  @Test
  void aPortCanBeMappedOnlyOnce() {
    ports.map(0x70, 2, new Bytes());
    assertThatThrownBy(() -> ports.map(0x71, 1, new Bytes()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0x71");
  }

  @Test
  void windowsMoveAndFixedPortsWin() {
    ports.map(0x70, 2, new Bytes());
    Bytes moving = new Bytes();
    PortBus.Window window = ports.window(8, moving);
    window.moveTo(0x6C);
    assertThat(ports.in(0x6C, 1)).isEqualTo(0x10);
    assertThat(ports.in(0x70, 1)).isEqualTo(0x10);
    assertThat(ports.in(0x72, 1)).isEqualTo(0x16);
    window.moveTo(0xFFFC);
    assertThat(ports.in(0xFFFF, 1)).isEqualTo(0x13);
    assertThat(ports.in(0x6C, 1)).isEqualTo(0xFF);
    window.hide();
    assertThat(ports.in(0xFFFF, 1)).isEqualTo(0xFF);
  }

  @Test
  void memoryRegistersGetOffsetsAndCutValues() {
    long[] written = new long[2];
    mmio.map(
        0xFEC0_0000L,
        0x1000,
        new MmioDevice() {
          @Override
          public long read(long offset, int size) {
            return -2;
          }

          @Override
          public void write(long offset, int size, long value) {
            written[0] = offset;
            written[1] = value;
          }
        });
    assertThat(mmio.read(0xFEC0_0010L, 4)).isEqualTo(0xFFFF_FFFEL);
    mmio.write(0xFEC0_0FF8L, 4, -1);
    assertThat(written).containsExactly(0xFF8, 0xFFFF_FFFFL);
    assertThat(mmio.read(0xFEC0_0FFEL, 4)).isEqualTo(0xFFFF_FFFFL);
    assertThat(mmio.read(Long.MIN_VALUE, 8)).isEqualTo(-1);
    assertThat(mmio.read(-1L, 1)).isEqualTo(0xFF);
  }

  private static GuestMemory memory(long ram, int rom) {
    return new GuestMemory(MemorySegment.ofArray(new byte[(int) ram + rom]), ram);
  }

  @Test
  void ramHasAHoleForVideoAndNothingBeyond() {
    GuestMemory memory = memory(2 * MIB, 0);
    assertThat(memory.readable(0x9_FFFF)).isEqualTo(0x9_F000);
    assertThat(memory.readable(0xA_0000)).isEqualTo(-1);
    assertThat(memory.writable(0xC_0000)).isEqualTo(0xC_0000);
    assertThat(memory.writable(2 * MIB - 1)).isEqualTo(2 * MIB - 4096);
    assertThat(memory.readable(2 * MIB)).isEqualTo(-1);
    assertThat(memory.readable(1L << 32)).isEqualTo(-1);
    assertThat(memory.readable(-1)).isEqualTo(-1);
  }

  @Test
  void a20FoldsOddMebibytes() {
    GuestMemory memory = memory(4 * MIB, 0);
    int[] changes = new int[1];
    memory.onChange(() -> changes[0]++);
    memory.a20(false);
    assertThat(memory.readable(MIB + 0x1000)).isEqualTo(0x1000);
    assertThat(memory.writable(3 * MIB)).isEqualTo(2 * MIB);
    memory.a20(false);
    assertThat(changes[0]).isEqualTo(1);
    memory.a20(true);
    assertThat(memory.writable(3 * MIB)).isEqualTo(3 * MIB);
  }

  @Test
  void romHidesRamUntilShadowed() {
    GuestMemory memory = memory(2 * MIB, 0x2_0000);
    byte[] image = new byte[0x1_0000];
    image[0] = 0x5A;
    memory.rom(0xF_0000, image);
    memory.rom(0xFFFF_0000L, image);
    assertThat(memory.read(0xF_0000, 1)).isEqualTo(0x5A);
    assertThat(memory.read(0xFFFF_0000L, 1)).isEqualTo(0x5A);
    assertThat(memory.writable(0xF_0000)).isEqualTo(-1);
    assertThat(memory.writable(0xFFFF_0000L)).isEqualTo(-1);
    memory.shadow(0xF_0000, 0x1_0000, false, true);
    memory.write(0xF_0000, 1, 0x77);
    assertThat(memory.read(0xF_0000, 1)).isEqualTo(0x5A);
    memory.shadow(0xF_0000, 0x1_0000, true, false);
    assertThat(memory.read(0xF_0000, 1)).isEqualTo(0x77);

    GuestMemory other = memory(2 * MIB, 0x2_0000);
    other.rom(0xF_0000, image);
    other.restore(memory.save());
    assertThat(other.readable(0xF_0000)).isEqualTo(0xF_0000);
    assertThat(other.writable(0xF_0000)).isEqualTo(-1);
    assertThatThrownBy(() -> other.rom(0xFFFE_0000L, new byte[0x2_0000]))
        .hasMessageContaining("no room");
  }

  @Test
  void devicesCopyAcrossPagesAndAreSeen() {
    GuestMemory memory = memory(2 * MIB, 0);
    List<String> seen = new ArrayList<>();
    memory.onWrite((offset, length) -> seen.add(offset + "+" + length));
    byte[] data = {1, 2, 3, 4};
    assertThat(memory.writeBytes(0xFFE, data, 0, 4)).isTrue();
    assertThat(seen).containsExactly("4094+2", "4096+2");
    byte[] back = new byte[4];
    assertThat(memory.readBytes(0xFFE, back, 0, 4)).isTrue();
    assertThat(back).isEqualTo(data);
    assertThat(memory.writeBytes(2 * MIB - 2, data, 0, 4)).isFalse();
    assertThat(memory.readBytes(2 * MIB - 2, back, 0, 4)).isFalse();
    assertThat(back).isEqualTo(new byte[] {1, 2, -1, -1});
  }

  @Test
  void aProcessorsOwnPageCoversAllElse() {
    GuestMemory memory = memory(2 * MIB, 0);
    PrivatePage page =
        new PrivatePage() {
          @Override
          public long address() {
            return 0x5000;
          }

          @Override
          public long read(int offset, int size) {
            return offset;
          }

          @Override
          public void write(int offset, int size, long value) {}
        };
    MachineBus bus = new MachineBus(memory, mmio, ports, page);
    assertThat(bus.readable(0x5123)).isEqualTo(-1);
    assertThat(bus.read(0x5120, 4)).isEqualTo(0x120);
    assertThat(bus.readable(0x6000)).isEqualTo(0x6000);
    bus.write(0xA_0000, 4, 1);
    assertThat(bus.read(0xA_0000, 8)).isEqualTo(-1);
    assertThat(bus.in(0x1_0070, 1)).isEqualTo(0xFF);
  }

  @Test
  void ticksAreExact() {
    Random random = Bench.random("ticks");
    for (int i = 0; i < 10_000; i++) {
      long hertz = random.nextLong(1, 1L << 33);
      long nanos = random.nextLong(1L << 57);
      long ticks = Clock.toTicks(nanos, hertz);
      BigInteger exact =
          BigInteger.valueOf(nanos)
              .multiply(BigInteger.valueOf(hertz))
              .divide(BigInteger.valueOf(Clock.SECOND));
      assertThat(BigInteger.valueOf(ticks)).isEqualTo(exact);
      long back = Clock.fromTicks(ticks, hertz);
      assertThat(back).isLessThanOrEqualTo(nanos);
      assertThat(Clock.toTicks(back, hertz)).isGreaterThanOrEqualTo(ticks);
      if (back > 0) {
        assertThat(Clock.toTicks(back - 1, hertz)).isLessThan(Math.max(1, ticks));
      }
    }
    assertThat(Clock.fromTicks(Long.MAX_VALUE, 1)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void timersRunInOrderUnderTheLock() {
    Bench bench = new Bench();
    Random random = Bench.random("timers");
    List<Long> ran = new ArrayList<>();
    List<Timers.Timer> timers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      timers.add(
          bench.timers.timer(
              "t" + i,
              () -> {
                assertThat(bench.lock.isHeldByCurrentThread()).isTrue();
                ran.add(bench.clock.nanos());
              }));
    }
    List<Long> wanted = new ArrayList<>();
    for (int round = 0; round < 5; round++) {
      wanted.clear();
      for (Timers.Timer timer : timers) {
        long at = 2_000_000 + random.nextInt(1_000_000);
        timer.at(at);
        if (random.nextInt(4) == 0) {
          timer.cancel();
        } else {
          wanted.add(at);
        }
      }
    }
    wanted.sort(null);
    bench.advance(10_000_000);
    assertThat(ran).isEqualTo(wanted);
    assertThat(bench.timers.nextDeadline()).isEqualTo(Timers.NEVER);
  }

  @Test
  void theTimerThreadKeepsTimeAndStops() throws InterruptedException {
    HostClock clock = new HostClock(5);
    assertThat(clock.nanos()).isEqualTo(5);
    clock.start();
    Timers timers = new Timers(clock, lock);
    CountDownLatch done = new CountDownLatch(3);
    AtomicInteger failures = new AtomicInteger();
    Timers.Timer[] timer = new Timers.Timer[1];
    timer[0] =
        timers.timer(
            "repeat",
            () -> {
              done.countDown();
              timer[0].at(clock.nanos() + 1_000_000);
            });
    timers.start("test timers", _ -> failures.incrementAndGet());
    timer[0].at(clock.nanos() + 1_000_000);
    assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
    timers.stop();
    clock.stop();
    long stood = clock.nanos();
    assertThat(clock.nanos()).isEqualTo(stood);
    assertThat(failures).hasValue(0);
  }

  @Test
  void sharedLinesAreWiredOr() {
    Bench.Probe probe = new Bench.Probe();
    SharedLine shared = new SharedLine(probe);
    InterruptLine first = shared.driver();
    InterruptLine second = shared.driver();
    first.set(true);
    second.set(true);
    first.set(false);
    assertThat(probe.level).isTrue();
    second.set(false);
    assertThat(probe.level).isFalse();
    assertThat(probe.edges).isEqualTo(1);
  }

  private enum Word implements RegisterMap.Register {
    LOW(0, 2),
    HIGH(4, 4);

    private final int offset;
    private final int size;

    Word(int offset, int size) {
      this.offset = offset;
      this.size = size;
    }

    @Override
    public int offset() {
      return offset;
    }

    @Override
    public int size() {
      return size;
    }
  }

  @Test
  void registersAreCutAndJoined() {
    RegisterMap<Word> map = new RegisterMap<>(8, Word.values());
    List<String> writes = new ArrayList<>();
    RegisterMap.Handler<Word> handler =
        new RegisterMap.Handler<>() {
          @Override
          public long read(Word register) {
            return register == Word.LOW ? 0x2211 : 0x88776655L;
          }

          @Override
          public void write(Word register, long value, long mask) {
            writes.add("%s %x %x".formatted(register, value, mask));
          }
        };
    assertThat(map.read(0, 8, handler)).isEqualTo(0x8877665500002211L);
    assertThat(map.read(1, 4, handler)).isEqualTo(0x55000022L);
    assertThat(map.read(6, 4, handler)).isEqualTo(0x8877L);
    map.write(1, 4, 0xDDCCBBAAL, handler);
    assertThat(writes).containsExactly("LOW aa00 ff00", "HIGH dd ff");
  }

  @Test
  void tracesAreReadableAndOffByDefault() {
    List<String> lines = new ArrayList<>();
    Trace trace = new Trace(() -> 1_234_567_000L, EnumSet.of(Trace.Category.PIT), lines::add);
    trace.line(Trace.Category.PIT, "write %d <- %02x", 3, 0x34);
    trace.line(Trace.Category.PIC, "unseen");
    assertThat(lines).containsExactly("     1.234567 pit      write 3 <- 34");
    assertThat(Trace.OFF.on(Trace.Category.APIC)).isFalse();
  }
}
