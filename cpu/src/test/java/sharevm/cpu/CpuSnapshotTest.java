package sharevm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import sharevm.cpu.real.TestBus;

final class CpuSnapshotTest {
  private static Cpu random(long seed) {
    Random random = new Random(seed);
    Cpu cpu = new TestBus(1 << 16).processor();
    CpuState s = cpu.state;
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = random.nextLong();
      s.xmmLow(n, random.nextLong());
      s.xmmHigh(n, random.nextLong());
    }
    for (int n = 0; n < s.selector.length; n++) {
      s.selector[n] = random.nextInt(0x10000);
      s.segmentBase[n] = random.nextLong();
      s.segmentLimit[n] = random.nextInt();
      s.segmentAttributes[n] = random.nextInt(0x20000);
    }
    for (int n = 0; n < 8; n++) {
      s.dr[n] = random.nextLong();
    }
    s.rip = random.nextLong();
    s.rflags(random.nextLong());
    s.cr2 = random.nextLong();
    s.cr3 = random.nextLong();
    s.cpl = random.nextInt(4);
    s.pendingDebug = 5;
    s.trapShadow = true;
    s.interruptShadow = true;
    s.nmiBlocked = true;
    s.halted = true;
    s.msr.lstar = random.nextLong();
    s.msr.tscOffset = random.nextLong();
    s.msr.mtrrFixed[7] = random.nextLong();
    cpu.memory.pageWalk().pdptes(new long[] {1, random.nextLong(), 3, 4});
    return cpu;
  }

  @Test
  void restoredStateSavesAsTheSameFields() {
    Cpu original = random(1);
    Cpu copy = random(2);

    SavedState saved = CpuSnapshot.save(original);
    CpuSnapshot.restore(copy, saved);

    assertThat(flat(CpuSnapshot.save(copy))).isEqualTo(flat(saved));
  }

  @Test
  void aMissingFieldIsNamed() {
    Cpu cpu = random(3);

    assertThatThrownBy(() -> CpuSnapshot.restore(cpu, new SavedState()))
        .isInstanceOf(SavedStateException.class)
        .hasMessageContaining("general");
  }

  /** Attention may come back with the hint that interrupts wait, which costs nothing. */
  private static String flat(SavedState state) {
    StringBuilder text = new StringBuilder();
    state
        .fields()
        .forEach(
            (name, value) -> {
              String shown =
                  switch (value) {
                    case SavedState part -> flat(part);
                    case long[] words -> Arrays.toString(words);
                    case byte[] bytes -> Arrays.toString(bytes);
                    default -> value.toString();
                  };
              text.append(name.equals("attention") ? "" : name + "=" + shown + "\n");
            });
    return text.toString();
  }
}
