package sharevm.lab.segmented;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.lab.Engines;
import sharevm.lab.lockstep.LockstepSearch;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/**
 * Random programs in 16-bit code, unpaged code and code with segments that are not flat do under
 * the translator, a few hundred instructions at a time, exactly what they do under the interpreter.
 *
 * <p>System properties: {@code sharevm.seed} to repeat what a failure printed; {@code
 * sharevm.programs} for the number of programs a mode; {@code sharevm.minutes} for the long test.
 */
final class SegmentedLockstepTest {
  private static final int QUICK_PROGRAMS = 36;
  private static final int FEW_PROGRAMS = 4;

  @ParameterizedTest
  @EnumSource
  void bothEnginesDoTheSame(SegmentedMode mode) {
    run(
        mode,
        Engines.translatesAll(),
        Integer.getInteger("sharevm.programs", QUICK_PROGRAMS),
        Duration.ofDays(1));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void bothEnginesDoTheSameForLong(SegmentedMode mode) {
    long minutes = Long.getLong("sharevm.minutes", 14);
    Duration share = Duration.ofMinutes(minutes).dividedBy(SegmentedMode.values().length);
    run(mode, Engines.translatesAll(), Integer.MAX_VALUE, share);
  }

  static List<Arguments> modesAndTunings() {
    List<Arguments> all = new ArrayList<>();
    for (Named<Tuning> tuning : Engines.tunings()) {
      for (SegmentedMode mode : SegmentedMode.values()) {
        all.add(Arguments.of(mode, tuning));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("modesAndTunings")
  void bothEnginesDoTheSameHoweverTheTranslatorWorks(SegmentedMode mode, Tuning tuning) {
    run(mode, tuning, Integer.getInteger("sharevm.programs", FEW_PROGRAMS), Duration.ofDays(1));
  }

  /** FLD of ten bytes at FFFFH has its last two at 7, where eight at once would not wrap. */
  @Test
  void operandInTwoPartsWrapsInTheSecondAlone() {
    long seed = 20261201;
    run(SegmentedMode.PROTECTED_16_USER, Engines.translatesAll(), 1, Duration.ofDays(1), seed);
  }

  private static void run(SegmentedMode mode, Tuning tuning, int programs, Duration atMost) {
    run(mode, tuning, programs, atMost, Long.getLong("sharevm.seed", 20261129L));
  }

  private static void run(
      SegmentedMode mode, Tuning tuning, int programs, Duration atMost, long seed) {
    assumeTrue(Engines.canTranslate(), "no translator for this host");
    Map<Integer, Integer> faults = new TreeMap<>();
    LockstepSearch<SegmentedProgram> search =
        new LockstepSearch<>(
            mode.name(),
            () -> new SegmentedLockstep(Translator.factory(tuning), faults),
            (of, kept) -> SegmentedProgramMaker.make(mode, of, kept));
    String failure = search.firstFailure(seed, programs, atMost);
    System.out.printf("%s: %s, exceptions %s%n", mode, search.summary(), faults);
    assertThat(failure).as(failure).isNull();
  }
}
