package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.cpu.CpuState;
import sharevm.cpu.real.TestBus;

/**
 * A locked access to a device whose answer changes each time, such as a counter, reads it once and
 * writes once: it neither waits for ever for the answer to stay, nor reads it again.
 */
@Timeout(value = 20, unit = TimeUnit.SECONDS)
final class LockedDeviceAccessTest {
  private static final int DEVICE = 0x2_0000;

  /** A device that counts how often it is read, and takes down what is written. */
  private static final class Counter extends TestBus {
    private final List<Long> written = new ArrayList<>();
    private int reads;

    Counter() {
      super(0x10000);
    }

    @Override
    public long read(long physicalAddress, int size) {
      return 0x10 * ++reads;
    }

    @Override
    public void write(long physicalAddress, int size, long value) {
      written.add(value);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "f0 ff 03, 11", // lock inc dword [rbx]
    "f0 48 ff 03, 11",
    "f0 fe 03, 11",
    "87 03, 5", // xchg [rbx], eax
    "f0 0f c1 03, 15", // lock xadd [rbx], eax
    "f0 0f ba 2b 00, 11", // lock bts dword [rbx], 0
    "f0 0f b1 0b, 7", // lock cmpxchg [rbx], ecx
    "f0 0f c7 0b, 20000", // lock cmpxchg8b [rbx]
  })
  void readsOnceAndWritesOnce(String code, String written) {
    Counter device = new Counter();
    SingleSteps processor = new SingleSteps(device);
    CpuState s = processor.state;
    s.gpr[CpuState.RBX] = DEVICE;
    s.gpr[CpuState.RAX] = code.contains("b1 0b") || code.contains("c7 0b") ? 0x10 : 5;
    s.gpr[CpuState.RCX] = 7;
    s.gpr[CpuState.RDX] = 0;

    assertThat(processor.run(code)).isEqualTo(SingleSteps.COMPLETED);

    assertThat(device.reads).isEqualTo(1);
    assertThat(device.written).hasSize(1);
    assertThat(device.written.getFirst() & 0xffff_ffffL).isEqualTo(Long.parseLong(written, 16));
  }
}
