package sharevm.machine.chip.rtc146818;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Clock;
import sharevm.machine.bus.Trace;

class Rtc146818Test {
  private static final int A = 10;
  private static final int B = 11;
  private static final int C = 12;

  private final Bench bench = new Bench();
  private final Bench.Probe line = new Bench.Probe();
  private final Rtc146818 rtc = rtc("2026-12-31T23:59:58Z");

  /** Shows the given time now: the bench's clock stands at 1 ms. */
  private Rtc146818 rtc(String time) {
    Instant atZero = Instant.parse(time).minusNanos(bench.clock.nanos());
    return new Rtc146818(bench.timers, line, atZero, Trace.OFF);
  }

  private int get(int address) {
    rtc.write(0, address);
    return rtc.read(1);
  }

  private void set(int address, int value) {
    rtc.write(0, 0x80 | address);
    rtc.write(1, value);
  }

  private String time() {
    return "%02x%02x-%02x-%02x %02x:%02x:%02x wd%d"
        .formatted(get(0x32), get(9), get(8), get(7), get(4), get(2), get(0), get(6));
  }

  @Test
  void showsTheTimeInBcdAndRollsOver() {
    assertThat(time()).isEqualTo("2026-12-31 23:59:58 wd5");
    bench.advance(2 * Clock.SECOND);
    assertThat(time()).isEqualTo("2027-01-01 00:00:00 wd6");
    assertThat(get(13)).isEqualTo(0x80);
    assertThat(get(A)).isEqualTo(0x26);
    assertThat(get(B)).isEqualTo(0x02);
  }

  @Test
  void knowsBinaryAndTwelveHours() {
    set(B, 0x06);
    assertThat(get(4)).isEqualTo(23);
    assertThat(get(9)).isEqualTo(26);
    set(B, 0x04);
    assertThat(get(4)).isEqualTo(0x80 | 11);
    set(B, 0x00);
    assertThat(get(4)).isEqualTo(0x91);
    bench.advance(2 * Clock.SECOND);
    assertThat(get(4)).as("midnight is 12 a.m.").isEqualTo(0x12);
    bench.advance(12 * 3600 * Clock.SECOND);
    assertThat(get(4)).as("noon is 12 p.m.").isEqualTo(0x92);
  }

  @Test
  void isSetUnderSetBit() {
    set(B, 0x82);
    set(0, 0x30);
    set(2, 0x15);
    set(4, 0x08);
    set(7, 0x29);
    set(8, 0x02);
    set(9, 0x28);
    set(6, 0x01);
    bench.advance(5 * Clock.SECOND);
    assertThat(time()).as("stands").isEqualTo("2028-02-29 08:15:30 wd1");
    set(B, 0x02);
    bench.advance(Clock.SECOND);
    assertThat(time()).isEqualTo("2028-02-29 08:15:31 wd1");
    bench.advance(86_400 * Clock.SECOND);
    assertThat(time()).as("the weekday counts by itself").isEqualTo("2028-03-01 08:15:31 wd2");
  }

  @Test
  void nonsenseIsBroughtToTheCalendar() {
    set(B, 0x82);
    set(8, 0x00);
    set(7, 0xFF);
    set(4, 0x99);
    set(B, 0x02);
    assertThat(time()).startsWith("2026-01-31 23:59:58");
  }

  @Test
  void updateInProgressPrecedesTheUpdate() {
    bench.advance(Clock.SECOND - 2_300_000);
    assertThat(get(A) & 0x80).isZero();
    bench.advance(100_000);
    assertThat(get(A) & 0x80).isEqualTo(0x80);
    int before = get(0);
    bench.advance(2_200_000);
    assertThat(get(A) & 0x80).isZero();
    assertThat(get(0)).isNotEqualTo(before);
    set(B, 0x82);
    bench.advance(Clock.SECOND - 1_000_000);
    assertThat(get(A) & 0x80).as("SET holds updates").isZero();
  }

  @Test
  void dividerResetHoldsAndReleasesHalfASecondEarly() {
    set(A, 0x76);
    int before = get(0);
    bench.advance(3 * Clock.SECOND);
    assertThat(get(0)).isEqualTo(before);
    set(A, 0x26);
    bench.advance(Clock.SECOND / 2 - 1000);
    assertThat(get(0)).isEqualTo(before);
    bench.advance(2000);
    assertThat(get(0)).isNotEqualTo(before);
  }

  @Test
  void periodicInterruptsAreExact() {
    set(B, 0x42);
    get(C);
    int count = 0;
    for (int i = 0; i < 100_000; i++) {
      bench.advance(97_657);
      if (line.level) {
        count++;
        assertThat(get(C) & 0xC0).isEqualTo(0xC0);
        assertThat(line.level).isFalse();
      }
    }
    assertThat(count).as("1024 Hz for 9.7657 s").isBetween(9999, 10001);
  }

  @Test
  void oneInterruptUntilItIsRead() {
    set(B, 0x42);
    get(C);
    bench.advance(Clock.SECOND / 2);
    assertThat(line.edges).isEqualTo(1);
    assertThat(bench.timers.nextDeadline()).as("no timer meanwhile").isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void missedPeriodsAreMadeUpForWithinBounds() {
    set(A, 0x2A); // 64 Hz
    set(B, 0x42);
    get(C);
    bench.oversleep(Clock.SECOND);
    int count = 0;
    for (int i = 0; i < 10_000; i++) {
      bench.advance(100_000);
      if (line.level) {
        get(C);
        count++;
      }
    }
    assertThat(count).as("64 and at most 20 more").isBetween(83, 86);
  }

  @Test
  void updateEndedInterruptComesEachSecond() {
    set(B, 0x12);
    get(C);
    bench.advance(Clock.SECOND);
    assertThat(line.level).isTrue();
    assertThat(get(C) & 0x90).isEqualTo(0x90);
    bench.advance(Clock.SECOND);
    assertThat(line.edges).isEqualTo(2);
    set(B, 0x92);
    assertThat(get(B)).as("SET clears its enable").isEqualTo(0x82);
  }

  @Test
  void alarmMatchesTimeAndDontCare() {
    set(1, 0x05);
    set(3, 0x00);
    set(5, 0x00);
    set(B, 0x22);
    get(C);
    bench.advance(6_900_000_000L);
    assertThat(line.level).isFalse();
    bench.advance(200_000_000L);
    assertThat(get(C) & 0xA0).isEqualTo(0xA0);
    bench.advance(86_399 * Clock.SECOND);
    assertThat(line.level).isFalse();
    bench.advance(Clock.SECOND);
    assertThat(line.level).as("a day later").isTrue();
    get(C);
    set(3, 0xC0);
    set(5, 0xFF);
    bench.advance(60 * Clock.SECOND);
    assertThat(line.level).as("each minute").isTrue();
    get(C);
    set(1, 0x77);
    bench.advance(3 * 86_400 * Clock.SECOND);
    assertThat(line.level).as("no such second").isFalse();
  }

  @Test
  void alarmsAreFoundAsByLooking() {
    Random random = Bench.random("rtc alarms");
    for (int i = 0; i < 300; i++) {
      byte[] bytes = new byte[128];
      bytes[1] = (byte) (random.nextBoolean() ? 0xC0 : random.nextInt(60));
      bytes[3] = (byte) (random.nextBoolean() ? 0xC0 : random.nextInt(60));
      bytes[5] = (byte) (random.nextBoolean() ? 0xC0 : random.nextInt(24));
      long from = random.nextLong(1L << 32);
      long expected = from;
      while ((bytes[1] >= 0 && bytes[1] != expected % 60)
          || (bytes[3] >= 0 && bytes[3] != expected / 60 % 60)
          || (bytes[5] >= 0 && bytes[5] != expected / 3600 % 24)) {
        expected++;
      }
      assertThat(Calendar.nextAlarm(from, bytes, 0x06)).isEqualTo(expected);
    }
  }

  @Test
  void enablingAPendingFlagInterruptsAtOnce() {
    bench.advance(Clock.SECOND);
    assertThat(line.level).isFalse();
    set(B, 0x12);
    assertThat(line.level).isTrue();
  }

  @Test
  void tellsTheSizesOfMemory() {
    rtc.memorySize(3L << 30, 5L << 30);
    assertThat(get(0x15) | get(0x16) << 8).isEqualTo(640);
    assertThat(get(0x30) | get(0x31) << 8).isEqualTo(0xFFFF);
    assertThat(get(0x34) | get(0x35) << 8).isEqualTo(((3 << 10) - 16) * 16);
    assertThat(get(0x5B) | get(0x5C) << 8 | get(0x5D) << 16).isEqualTo(5 << 14);
    rtc.memorySize(16 << 20, 0);
    assertThat(get(0x17) | get(0x18) << 8).isEqualTo(15 << 10);
    assertThat(get(0x34)).isZero();
    assertThatThrownBy(() -> rtc.ram(3, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void keepsItsRam() {
    set(0x40, 0x5A);
    assertThat(get(0x40)).isEqualTo(0x5A);
    assertThat(rtc.read(0)).isEqualTo(0xFF);
    rtc.reset();
    assertThat(get(0x40)).isEqualTo(0x5A);
  }

  @Test
  void savesAndRestores() {
    set(B, 0x72);
    set(0x40, 0x12);
    bench.advance(1_234_567_890L);
    rtc.write(0, 0x40);
    Rtc146818 other = rtc("1999-01-01T00:00:00Z");
    other.restore(rtc.save());
    assertThat(other.save().fields().toString().length()).isPositive();
    assertThat(other.read(1)).isEqualTo(0x12);
    for (int address = 0; address < 128; address++) {
      other.write(0, address);
      int value = other.read(1);
      assertThat(value).as("byte " + address).isEqualTo(get(address));
    }
  }

  @Test
  void survivesAnything() {
    Random random = Bench.random("rtc");
    bench.fuzz(random, rtc, Rtc146818.PORTS, 20_000);
    for (int i = 0; i < 100_000; i++) {
      set(random.nextInt(16), random.nextInt(256));
      get(random.nextInt(16));
      if (random.nextInt(8) == 0) {
        bench.oversleep(random.nextLong(1L << random.nextInt(1, 36)));
      }
    }
  }
}
