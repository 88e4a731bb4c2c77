package sharevm.machine.chip.power;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.SharedLine;
import sharevm.machine.bus.Trace;
import sharevm.machine.chip.power.PowerManagement.Settings;
import sharevm.machine.chip.power.PowerManagement.TimerWidth;

class PowerTest {
  private static final int STATUS = 0;
  private static final int ENABLE = 2;
  private static final int CONTROL = 4;
  private static final int TIMER = 8;

  private final Bench bench = new Bench();
  private final Bench.Probe sci = new Bench.Probe();
  private final List<String> events = new ArrayList<>();
  private final PowerManagement power = power(TimerWidth.BITS_24, true);

  private PowerManagement power(TimerWidth width, boolean acpi) {
    Settings settings = new Settings(width, 5, acpi);
    return new PowerManagement(bench.timers, sci, () -> events.add("off"), settings, Trace.OFF);
  }

  @Test
  void timerRunsAtItsRateAndWraps() {
    int before = power.in(TIMER, 4);
    bench.advance(Clock.SECOND);
    assertThat(power.in(TIMER, 4) - before).isBetween(3_579_544, 3_579_546);
    bench.advance(4 * Clock.SECOND);
    assertThat(power.in(TIMER, 4)).isLessThan(1 << 24);
    assertThat(power.in(TIMER, 2)).isEqualTo(power.in(TIMER, 4) & 0xFFFF);
    PowerManagement wide = power(TimerWidth.BITS_32, true);
    assertThat(wide.in(TIMER, 4)).isGreaterThan(1 << 24);
  }

  @Test
  void timerEventComesWhenTheHighestBitChanges() {
    power.out(ENABLE, 2, 1);
    bench.advance(2 * Clock.SECOND);
    assertThat(sci.level).isFalse();
    bench.advance(Clock.SECOND);
    assertThat(sci.level).isTrue();
    assertThat(power.in(STATUS, 2)).isEqualTo(1);
    power.out(STATUS, 2, 1);
    assertThat(sci.level).isFalse();
    bench.advance(Clock.SECOND);
    assertThat(sci.edges).isEqualTo(1);
    bench.advance(Clock.SECOND);
    assertThat(sci.edges).isEqualTo(2);
  }

  @Test
  void powerButtonAsksTheGuest() {
    power.pressPowerButton();
    assertThat(sci.level).isFalse();
    power.out(ENABLE, 2, 0x100);
    assertThat(sci.level).isTrue();
    assertThat(power.in(STATUS, 4)).isEqualTo(0x0100_0100);
    power.out(STATUS, 1, 0xFF);
    assertThat(sci.level).as("the other byte").isTrue();
    power.out(STATUS, 2, 0x100);
    assertThat(sci.level).isFalse();
  }

  @Test
  void softOffNeedsItsTypeAndSleepEnable() {
    power.out(CONTROL, 2, 5 << 10);
    assertThat(events).isEmpty();
    power.out(CONTROL, 2, 3 << 10 | 1 << 13);
    assertThat(events).isEmpty();
    power.out(CONTROL, 2, 5 << 10 | 1 << 13);
    assertThat(events).containsExactly("off");
    assertThat(power.in(CONTROL, 2)).as("SLP_EN reads as 0").isEqualTo(5 << 10 | 1);
  }

  @Test
  void sciModeIsSetByTheCommandPortOnly() {
    PowerManagement legacy = power(TimerWidth.BITS_24, false);
    legacy.out(CONTROL, 2, 1);
    assertThat(legacy.in(CONTROL, 2)).isZero();
    legacy.out(ENABLE, 2, 0x100);
    legacy.pressPowerButton();
    assertThat(sci.level).isFalse();
    legacy.smiCommand().write(0, PowerManagement.ACPI_ENABLE);
    assertThat(legacy.in(CONTROL, 2)).isEqualTo(1);
    assertThat(sci.level).isTrue();
    legacy.smiCommand().write(0, PowerManagement.ACPI_DISABLE);
    assertThat(sci.level).isFalse();
  }

  @Test
  void savesAndRestores() {
    power.out(ENABLE, 2, 0x101);
    power.pressPowerButton();
    bench.advance(Clock.SECOND);
    PowerManagement other = power(TimerWidth.BITS_24, true);
    other.restore(power.save());
    assertThat(other.in(STATUS, 4)).isEqualTo(power.in(STATUS, 4));
    assertThat(other.in(TIMER, 4)).isEqualTo(power.in(TIMER, 4));
    bench.advance(2 * Clock.SECOND);
    assertThat(other.in(STATUS, 2)).isEqualTo(0x101);
  }

  @Test
  void survivesAnything() {
    bench.fuzz(Bench.random("power"), power, PowerManagement.PORTS, 50_000);
  }

  @Test
  void resetControlResetsOnARisingBit() {
    ResetControl control = new ResetControl(() -> events.add("reset"));
    control.write(0, 2);
    assertThat(events).isEmpty();
    control.write(0, 6);
    control.write(0, 6);
    assertThat(events).containsExactly("reset");
    assertThat(control.read(0)).isEqualTo(6);
    ResetControl other = new ResetControl(() -> events.add("other"));
    other.restore(control.save());
    other.write(0, 6);
    assertThat(events).hasSize(1);
    control.reset();
    control.write(0, 0x0E);
    assertThat(events).hasSize(2);
  }

  @Test
  void fastControlMovesA20AndResets() {
    Bench.Probe gate = new Bench.Probe();
    SharedLine a20 = new SharedLine(gate);
    FastControl control = new FastControl(a20.driver(), () -> events.add("reset"));
    assertThat(gate.level).isTrue();
    control.write(0, 0);
    assertThat(gate.level).isFalse();
    control.write(0, 2);
    assertThat(gate.level).isTrue();
    assertThat(control.read(0)).isEqualTo(2);
    control.write(0, 3);
    control.write(0, 3);
    assertThat(events).containsExactly("reset");
    FastControl other = new FastControl(a20.driver(), () -> events.add("other"));
    other.restore(control.save());
    assertThat(other.read(0)).isEqualTo(3);
  }
}
