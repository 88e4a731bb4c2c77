package sharevm.machine.chip.pic8259;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Trace;

class Pic8259Test {
  private final Bench bench = new Bench();
  private final Bench.Probe intr = new Bench.Probe();
  private final Pic8259Pair pair = new Pic8259Pair(intr, Trace.OFF);

  @BeforeEach
  void initialize() {
    initialize(0x01);
  }

  private void initialize(int icw4) {
    pair.master().write(0, 0x11);
    pair.master().write(1, 0x20);
    pair.master().write(1, 0x04);
    pair.master().write(1, icw4);
    pair.slave().write(0, 0x11);
    pair.slave().write(1, 0x28);
    pair.slave().write(1, 0x02);
    pair.slave().write(1, icw4 & ~0x10);
  }

  private void raise(int... inputs) {
    for (int input : inputs) {
      pair.input(input).set(true);
    }
  }

  private int masterInService() {
    pair.master().write(0, 0x0B);
    return pair.master().read(0);
  }

  private int masterRequests() {
    pair.master().write(0, 0x0A);
    return pair.master().read(0);
  }

  @Test
  void isQuietBeforeInitialization() {
    Bench.Probe probe = new Bench.Probe();
    Pic8259Pair fresh = new Pic8259Pair(probe, Trace.OFF);
    fresh.input(0).set(true);
    assertThat(probe.level).isFalse();
  }

  @Test
  void servesByPriorityAndNests() {
    raise(4, 1);
    assertThat(intr.level).isTrue();
    assertThat(pair.acknowledge()).isEqualTo(0x21);
    assertThat(intr.level).as("4 is below 1 in service").isFalse();
    raise(0);
    assertThat(pair.acknowledge()).isEqualTo(0x20);
    assertThat(masterInService()).isEqualTo(0x03);
    pair.master().write(0, 0x20);
    assertThat(masterInService()).isEqualTo(0x02);
    pair.master().write(0, 0x20);
    assertThat(pair.acknowledge()).isEqualTo(0x24);
  }

  @Test
  void edgesAreTakenOnce() {
    raise(3);
    pair.acknowledge();
    pair.master().write(0, 0x63);
    assertThat(intr.level).as("still high, but no new edge").isFalse();
    pair.input(3).set(false);
    raise(3);
    assertThat(intr.level).isTrue();
  }

  @Test
  void masksHoldBackButRemember() {
    pair.master().write(1, 0x08);
    assertThat(pair.master().read(1)).isEqualTo(0x08);
    raise(3);
    assertThat(intr.level).isFalse();
    assertThat(masterRequests()).isEqualTo(0x08);
    pair.master().write(1, 0);
    assertThat(intr.level).isTrue();
  }

  @Test
  void aRequestThatGoesAwayIsSpurious7() {
    raise(3);
    pair.input(3).set(false);
    assertThat(intr.level).isFalse();
    assertThat(pair.acknowledge()).isEqualTo(0x27);
    assertThat(masterInService()).as("a spurious one is not in service").isZero();
  }

  @Test
  void aSlaveWithNothingLeftAnswersWithItsInput7() {
    Pic8259 slave = new Pic8259("slave", 0, intr, Trace.OFF);
    slave.write(0, 0x11);
    slave.write(1, 0x28);
    slave.write(1, 0x02);
    slave.write(1, 0x01);
    assertThat(slave.acknowledge()).isEqualTo(0x2F);
    slave.write(0, 0x0B);
    assertThat(slave.read(0)).isZero();
  }

  @Test
  void slaveGoesThroughInput2() {
    raise(14, 12);
    assertThat(pair.acknowledge()).isEqualTo(0x2C);
    assertThat(masterInService()).isEqualTo(0x04);
    raise(8);
    assertThat(intr.level).as("the slave's input is in service").isFalse();
    pair.slave().write(0, 0x20);
    pair.master().write(0, 0x20);
    assertThat(pair.acknowledge()).isEqualTo(0x28);
    pair.slave().write(0, 0x20);
    pair.master().write(0, 0x20);
    assertThat(pair.acknowledge()).isEqualTo(0x2E);
  }

  @Test
  void specialFullyNestedModeLetsTheSlaveNest() {
    initialize(0x11);
    raise(12);
    assertThat(pair.acknowledge()).isEqualTo(0x2C);
    raise(8);
    assertThat(intr.level).isTrue();
    assertThat(pair.acknowledge()).isEqualTo(0x28);
  }

  @Test
  void automaticEoiLeavesNothingInService() {
    initialize(0x03);
    raise(1);
    assertThat(pair.acknowledge()).isEqualTo(0x21);
    assertThat(masterInService()).isZero();
    raise(5);
    assertThat(intr.level).isTrue();
  }

  @Test
  void rotationMovesTheServedToTheEnd() {
    raise(4, 6);
    assertThat(pair.acknowledge()).isEqualTo(0x24);
    pair.input(4).set(false);
    pair.master().write(0, 0xA0);
    raise(4);
    assertThat(pair.acknowledge()).as("4 is lowest now").isEqualTo(0x26);
    pair.master().write(0, 0xE6);
    assertThat(masterInService()).isZero();
    pair.master().write(0, 0xC0);
    pair.input(4).set(false);
    raise(0, 1);
    assertThat(pair.acknowledge()).as("0 is lowest").isEqualTo(0x21);
  }

  @Test
  void rotationInAutomaticEoiMode() {
    initialize(0x03);
    pair.master().write(0, 0x80);
    raise(0, 1);
    assertThat(pair.acknowledge()).isEqualTo(0x20);
    pair.input(0).set(false);
    raise(0);
    assertThat(pair.acknowledge()).isEqualTo(0x21);
    assertThat(pair.acknowledge()).isEqualTo(0x20);
  }

  @Test
  void specialMaskModeLetsLowerLevelsPass() {
    raise(4);
    pair.acknowledge();
    raise(6);
    assertThat(intr.level).isFalse();
    pair.master().write(1, 0x10);
    assertThat(intr.level).as("a mask alone changes nothing").isFalse();
    pair.master().write(0, 0x68);
    assertThat(intr.level).isTrue();
    pair.master().write(0, 0x20);
    assertThat(masterInService()).as("masked, so not ended by a non-specific EOI").isEqualTo(0x10);
    pair.master().write(0, 0x64);
    assertThat(masterInService()).isZero();
    pair.master().write(0, 0x48);
  }

  @Test
  void pollAcknowledges() {
    pair.master().write(0, 0x0C);
    assertThat(pair.master().read(0)).isZero();
    raise(5);
    pair.master().write(0, 0x0C);
    assertThat(pair.master().read(0)).isEqualTo(0x85);
    assertThat(masterInService()).isEqualTo(0x20);
    assertThat(intr.level).isFalse();
  }

  @Test
  void levelTriggeredInputsFollowTheirLine() {
    pair.edgeLevel().out(0, 2, 0xFFFF);
    assertThat(pair.edgeLevel().in(0, 2)).isEqualTo(0xDEF8);
    raise(5);
    assertThat(pair.acknowledge()).isEqualTo(0x25);
    pair.master().write(0, 0x20);
    assertThat(intr.level).as("the line is still there").isTrue();
    pair.input(5).set(false);
    assertThat(intr.level).isFalse();
  }

  @Test
  void singleChipNeedsNeitherIcw3NorIcw4() {
    pair.master().write(0, 0x12);
    pair.master().write(1, 0x40);
    pair.master().write(1, 0xFB);
    assertThat(pair.master().read(1)).isEqualTo(0xFB);
    raise(8);
    assertThat(pair.acknowledge()).as("no slave").isEqualTo(0x42);
  }

  @Test
  void savesAndRestores() {
    raise(1, 12);
    pair.acknowledge();
    pair.master().write(1, 0x80);
    pair.edgeLevel().write(1, 0x10);
    Bench.Probe probe = new Bench.Probe();
    Pic8259Pair other = new Pic8259Pair(probe, Trace.OFF);
    other.restore(pair.save());
    assertThat(other.master().read(1)).isEqualTo(0x80);
    assertThat(other.edgeLevel().read(1)).isEqualTo(0x10);
    other.master().write(0, 0x20);
    assertThat(probe.level).isTrue();
    assertThat(other.acknowledge()).isEqualTo(0x2C);
  }

  @Test
  void survivesAnything() {
    Random random = Bench.random("pic lines");
    for (int round = 0; round < 200; round++) {
      for (int i = 0; i < 16; i++) {
        pair.input(i).set(random.nextBoolean());
      }
      bench.fuzz(random, pair.master(), 2, 200);
      bench.fuzz(random, pair.slave(), 2, 200);
      bench.fuzz(random, pair.edgeLevel(), 2, 10);
      assertThat(pair.acknowledge()).isBetween(0, 255);
    }
  }
}
