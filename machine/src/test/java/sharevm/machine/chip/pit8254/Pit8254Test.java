package sharevm.machine.chip.pit8254;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.Trace;

class Pit8254Test {
  private static final int CONTROL = 3;

  private final Bench bench = new Bench();
  private final Bench.Probe line = new Bench.Probe();
  private final Pit8254 pit = new Pit8254(bench.timers, line, Trace.OFF);
  private long tick = Clock.toTicks(bench.clock.nanos(), Pit8254.HERTZ);

  /** Moves to a number of CLK ticks after the last call. */
  private void ticks(long count) {
    tick += count;
    bench.advance(Clock.fromTicks(tick, Pit8254.HERTZ) - bench.clock.nanos());
  }

  private void program(int counter, int mode, int count) {
    pit.write(CONTROL, counter << 6 | 0x30 | mode << 1);
    pit.write(counter, count & 0xFF);
    pit.write(counter, count >> 8 & 0xFF);
  }

  private int count(int counter) {
    pit.write(CONTROL, counter << 6);
    return pit.read(counter) | pit.read(counter) << 8;
  }

  private int status(int counter) {
    pit.write(CONTROL, 0xE0 | 2 << counter);
    return pit.read(counter);
  }

  private boolean out(int counter) {
    return (status(counter) & 0x80) != 0;
  }

  private String wave(int counter, int ticks) {
    StringBuilder wave = new StringBuilder();
    for (int i = 0; i < ticks; i++) {
      ticks(1);
      wave.append(out(counter) ? '-' : '_');
    }
    return wave.toString();
  }

  @Test
  void mode0RisesAfterNPlusOneTicks() {
    program(0, 0, 4);
    assertThat(line.level).isFalse();
    assertThat(wave(0, 8)).isEqualTo("____----");
    assertThat(line.edges).isEqualTo(1);
    assertThat(count(0)).as("goes on below zero").isEqualTo(0xFFFD);
    program(0, 0, 100);
    assertThat(line.level).as("a new count lowers OUT").isFalse();
  }

  @Test
  void mode0StopsAtTheFirstOfTwoBytes() {
    program(0, 0, 1000);
    ticks(10);
    pit.write(0, 5);
    ticks(5000);
    assertThat(line.edges).isZero();
    pit.write(0, 0);
    ticks(6);
    assertThat(line.edges).isEqualTo(1);
  }

  @Test
  void mode0HoldsWhileTheGateIsLow() {
    pit.gate2().set(true);
    program(2, 0, 10);
    ticks(4);
    assertThat(count(2)).isEqualTo(7);
    pit.gate2().set(false);
    ticks(100);
    assertThat(count(2)).isEqualTo(7);
    pit.gate2().set(true);
    assertThat(wave(2, 8)).isEqualTo("______--");
  }

  @Test
  void mode1IsARetriggerableOneShot() {
    program(2, 1, 3);
    assertThat(wave(2, 3)).isEqualTo("---");
    pit.gate2().set(true);
    assertThat(wave(2, 5)).isEqualTo("___--");
    pit.gate2().set(false);
    pit.gate2().set(true);
    assertThat(wave(2, 2)).isEqualTo("__");
    pit.gate2().set(false);
    pit.gate2().set(true);
    assertThat(wave(2, 5)).as("triggered again").isEqualTo("___--");
  }

  @Test
  void mode2IsLowForOneTickOfN() {
    program(0, 2, 3);
    assertThat(wave(0, 10)).isEqualTo("--_--_--_-");
    pit.gate2().set(true);
    program(2, 2, 4);
    ticks(2);
    pit.gate2().set(false);
    assertThat(wave(2, 6)).as("gate low holds OUT high").isEqualTo("------");
    pit.gate2().set(true);
    assertThat(wave(2, 5)).as("and reloads").isEqualTo("---_-");
  }

  @Test
  void mode2TakesANewCountAtTheEndOfTheCycle() {
    program(0, 2, 4);
    ticks(2);
    pit.write(0, 2);
    pit.write(0, 0);
    assertThat(status(0) & 0x40).as("null count").isEqualTo(0x40);
    assertThat(wave(0, 7)).isEqualTo("-_-_-_-");
    assertThat(status(0) & 0x40).isZero();
  }

  @Test
  void mode3IsSquareAndFavoursHighWhenOdd() {
    program(0, 3, 4);
    assertThat(wave(0, 9)).isEqualTo("--__--__-");
    program(0, 3, 5);
    assertThat(wave(0, 11)).isEqualTo("---__---__-");
    program(0, 7, 6);
    ticks(1);
    assertThat(count(0)).isEqualTo(6);
    ticks(1);
    assertThat(count(0)).as("counts by two").isEqualTo(4);
  }

  @Test
  void mode3TakesANewCountAtTheEndOfTheHalf() {
    program(0, 3, 6);
    ticks(2);
    pit.write(0, 2);
    pit.write(0, 0);
    assertThat(wave(0, 7)).isEqualTo("-_-_-_-");
  }

  @Test
  void mode4StrobesOnce() {
    program(0, 4, 3);
    assertThat(wave(0, 8)).isEqualTo("---_----");
    assertThat(line.edges).isGreaterThanOrEqualTo(1);
  }

  @Test
  void mode5StrobesAfterATrigger() {
    program(2, 5, 3);
    assertThat(wave(2, 6)).isEqualTo("------");
    pit.gate2().set(true);
    assertThat(wave(2, 6)).isEqualTo("---_--");
  }

  @Test
  void bcdCounts() {
    pit.write(CONTROL, 0x31);
    pit.write(0, 0x00);
    pit.write(0, 0x10);
    ticks(2);
    assertThat(count(0)).isEqualTo(0x0999);
    pit.write(CONTROL, 0x31);
    pit.write(0, 0);
    pit.write(0, 0);
    ticks(2);
    assertThat(count(0)).as("0 is 10000").isEqualTo(0x9999);
  }

  @Test
  void singleByteAccess() {
    pit.write(CONTROL, 0x14);
    pit.write(0, 0x80);
    ticks(1);
    assertThat(pit.read(0)).isEqualTo(0x80);
    ticks(1);
    assertThat(pit.read(0)).isEqualTo(0x7F);
    pit.write(CONTROL, 0x24);
    pit.write(0, 0x80);
    ticks(1);
    assertThat(pit.read(0)).isEqualTo(0x80);
    ticks(1);
    assertThat(pit.read(0)).isEqualTo(0x7F);
  }

  @Test
  void latchesHoldUntilRead() {
    program(0, 2, 0x1000);
    ticks(1);
    pit.write(CONTROL, 0);
    ticks(5);
    pit.write(CONTROL, 0);
    assertThat(pit.read(0)).as("a second latch is ignored").isEqualTo(0x00);
    assertThat(pit.read(0)).isEqualTo(0x10);
    assertThat(count(0)).isEqualTo(0x0FFB);
  }

  @Test
  void readBackGivesStatusThenCount() {
    program(0, 2, 0x1234);
    ticks(1);
    pit.write(CONTROL, 0xC2);
    assertThat(pit.read(0)).isEqualTo(0xB4);
    assertThat(pit.read(0)).isEqualTo(0x34);
    assertThat(pit.read(0)).isEqualTo(0x12);
    assertThat(pit.read(CONTROL)).isEqualTo(0xFF);
  }

  @Test
  void interruptsKeepStepForHoursWithoutDrift() {
    program(0, 2, 11932);
    int before = line.edges;
    for (int i = 0; i < 3600; i++) {
      bench.advance(10 * Clock.SECOND);
    }
    long expected = 36_000L * Pit8254.HERTZ / 11932;
    assertThat(line.edges - before).isBetween((int) expected - 1, (int) expected + 1);
  }

  @Test
  void missedInterruptsAreMadeUpForWithinBounds() {
    program(0, 2, 11932);
    int before = line.edges;
    bench.oversleep(100_000_000);
    assertThat(line.edges - before).as("no burst").isEqualTo(1);
    bench.advance(100_000_000);
    assertThat(line.edges - before).isBetween(19, 21);
    bench.oversleep(100 * Clock.SECOND);
    before = line.edges;
    bench.advance(Clock.SECOND);
    assertThat(line.edges - before).isBetween(118, 121);
  }

  @Test
  void absurdRatesAreBounded() {
    program(0, 2, 2);
    int before = line.edges;
    bench.advance(10_000_000);
    assertThat(line.edges - before).isLessThan(220);
  }

  @Test
  void systemControlPortShowsTimer2AndRefresh() {
    SystemControlPort port = new SystemControlPort(bench.clock, pit.gate2(), pit.out2());
    port.write(0, 0xFD);
    assertThat(port.read(0) & 0x0F).isEqualTo(0x0D);
    program(2, 0, 100);
    assertThat(port.read(0) & 0x20).isZero();
    ticks(102);
    assertThat(port.read(0) & 0x20).isEqualTo(0x20);
    int first = port.read(0) & 0x10;
    bench.advance(15_085);
    assertThat(port.read(0) & 0x10).isNotEqualTo(first);
    SystemControlPort other = new SystemControlPort(bench.clock, pit.gate2(), pit.out2());
    other.restore(port.save());
    assertThat(other.read(0)).isEqualTo(port.read(0));
  }

  @Test
  void savesAndRestores() {
    program(0, 3, 1000);
    pit.gate2().set(true);
    program(2, 2, 0x8000);
    ticks(300);
    pit.write(CONTROL, 0xC8);
    Bench.Probe probe = new Bench.Probe();
    Pit8254 other = new Pit8254(bench.timers, probe, Trace.OFF);
    other.restore(pit.save());
    for (int i = 0; i < 3; i++) {
      assertThat(other.read(2)).isEqualTo(pit.read(2));
    }
    ticks(1234);
    pit.write(CONTROL, 0xC2);
    other.write(CONTROL, 0xC2);
    for (int i = 0; i < 3; i++) {
      assertThat(other.read(0)).isEqualTo(pit.read(0));
    }
    assertThat(probe.edges).isEqualTo(1);
  }

  @Test
  void survivesAnything() {
    bench.fuzz(Bench.random("pit"), pit, Pit8254.PORTS, 100_000);
  }
}
