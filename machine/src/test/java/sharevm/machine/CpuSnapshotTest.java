package sharevm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuSnapshot;
import sharevm.cpu.CpuState;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.MachineBus;
import sharevm.machine.bus.MmioBus;
import sharevm.machine.bus.PortBus;
import sharevm.machine.bus.SteppedClock;
import sharevm.machine.bus.Timers;
import sharevm.machine.bus.Trace;
import sharevm.machine.chip.apic.ApicBus;
import sharevm.machine.chip.apic.ApicSettings;
import sharevm.machine.chip.apic.LocalApic;

/**
 * Whatever field a processor's state gets, it must be saved and restored: this looks at all of
 * them.
 */
class CpuSnapshotTest {
  /** Fields that follow from others, or are kept in another form. */
  private static final Set<String> DERIVED =
      Set.of(
          "flagsResult",
          "flagsCarry",
          "flagsSystem",
          "segmentCheck",
          "code64",
          "codeSize",
          "linearMask",
          "stackMask");

  private final Random random = new Random(11);

  @Test
  void everyFieldComesBack() throws IllegalAccessException {
    Cpu first = processor();
    scramble(first.state);
    scramble(first.state.msr);
    first.state.cpl = 2;
    first.state.rflags(0x246);
    for (int n = 0; n < 16; n++) {
      first.state.xmmLow(n, random.nextLong());
      first.state.xmmHigh(n, random.nextLong());
    }
    SavedState saved = CpuSnapshot.save(first);
    Cpu second = processor();
    CpuSnapshot.restore(second, saved);
    compare(first.state, second.state);
    compare(first.state.msr, second.state.msr);
    assertThat(second.state.rflags()).isEqualTo(first.state.rflags());
    for (int n = 0; n < 16; n++) {
      assertThat(second.state.xmmHigh(n)).isEqualTo(first.state.xmmHigh(n));
    }
  }

  private void scramble(Object target) throws IllegalAccessException {
    for (Field field : target.getClass().getFields()) {
      if (Modifier.isStatic(field.getModifiers()) || DERIVED.contains(field.getName())) {
        continue;
      }
      switch (field.get(target)) {
        case Long _ -> field.setLong(target, random.nextLong());
        case Integer _ -> field.setInt(target, random.nextInt(1 << 16));
        case Boolean _ -> field.setBoolean(target, true);
        case long[] array -> fill(array);
        case int[] array -> {
          for (int i = 0; i < array.length; i++) {
            array[i] = random.nextInt(1 << 16);
          }
        }
        default -> {
          // A part with fields of its own.
        }
      }
    }
  }

  private void fill(long[] array) {
    for (int i = 0; i < Math.min(16, array.length); i++) {
      array[i] = random.nextLong();
    }
  }

  private static void compare(Object first, Object second) throws IllegalAccessException {
    for (Field field : first.getClass().getFields()) {
      Object value = field.get(first);
      boolean plain =
          value instanceof Number
              || value instanceof Boolean
              || value instanceof long[]
              || value instanceof int[];
      if (plain && !Modifier.isStatic(field.getModifiers()) && !DERIVED.contains(field.getName())) {
        assertThat(field.get(second)).as(field.getName()).isEqualTo(value);
      }
    }
  }

  private static Cpu processor() {
    ReentrantLock lock = new ReentrantLock();
    Timers timers = new Timers(new SteppedClock(0), lock);
    MemorySegment bytes = MemorySegment.ofArray(new byte[1 << 21]);
    CpuState state = new CpuState();
    LocalApic apic =
        new LocalApic(
            0, state.attention, new ApicBus(lock), timers, new ApicSettings(1000, 1000), Trace.OFF);
    MachineBus bus =
        new MachineBus(
            new GuestMemory(bytes, 1 << 21),
            new MmioBus(lock, Trace.OFF),
            new PortBus(lock, Trace.OFF),
            apic);
    Cpu.Environment environment = new Cpu.Environment(bus, apic, () -> 0, new CodePages(1 << 21));
    return new Cpu(CpuModel.standard(), environment, state);
  }
}
