package sharevm.machine.chip;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import sharevm.cpu.Attention;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.DeliveryMode;
import sharevm.machine.bus.PortBus;
import sharevm.machine.bus.Trace;
import sharevm.machine.chip.apic.ApicBus;
import sharevm.machine.chip.apic.ApicSettings;
import sharevm.machine.chip.apic.LocalApic;
import sharevm.machine.chip.uart16550.SerialSink;
import sharevm.machine.chip.uart16550.Uart16550;

/** What guests do a hundred thousand times a second allocates nothing. */
class HotPathTest {
  private static final int ROUNDS = 10_000;

  /** What the measurement itself and the compiler's bookkeeping may take. */
  private static final long ALLOWED_BYTES = 4096;

  private final Bench bench = new Bench();

  private static long allocated(Runnable work) {
    work.run();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    work.run();
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  @Test
  void serialPort() {
    PortBus ports = new PortBus(bench.lock, Trace.OFF);
    Uart16550 uart = new Uart16550(SerialSink.NONE, new Bench.Probe(), bench.timers, Trace.OFF);
    ports.map(0x3F8, Uart16550.PORTS, uart);
    ports.out(0x3FA, 1, 0x01);
    ports.out(0x3FB, 1, 0x03);
    ports.out(0x3FC, 1, 0x0B);
    ports.out(0x3F9, 1, 0x03);
    long bytes =
        allocated(
            () -> {
              for (int i = 0; i < ROUNDS; i++) {
                ports.out(0x3F8, 1, i & 0xFF);
                ports.in(0x3FD, 1);
                uart.receive(i & 0xFF);
                ports.in(0x3FA, 1);
                ports.in(0x3F8, 1);
              }
            });
    assertThat(bytes).isLessThan(ALLOWED_BYTES);
  }

  @Test
  void localApic() {
    ApicBus bus = new ApicBus(bench.lock);
    ApicSettings settings = new ApicSettings(100_000_000L, 1_000_000_000L);
    Attention attention = new Attention(MemorySegment.ofArray(new int[1]));
    LocalApic apic = new LocalApic(0, attention, bus, bench.timers, settings, Trace.OFF);
    apic.write(0xF0, 4, 0x1FF);
    apic.write(0x320, 4, 0x40040);
    long bytes =
        allocated(
            () -> {
              for (int i = 0; i < ROUNDS; i++) {
                apic.writeMsr(0x6E0, bench.clock.nanos() + 1000);
                bench.advance(2000);
                bus.send(0, false, DeliveryMode.FIXED, 0x50, false);
                apic.write(0x300, 4, 0x40060);
                while (apic.pending()) {
                  apic.acknowledge();
                  apic.taskPriority(0);
                  apic.write(0xB0, 4, 0);
                }
              }
            });
    assertThat(bytes).isLessThan(ALLOWED_BYTES);
  }
}
