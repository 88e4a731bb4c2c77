package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.lab.Engines;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/**
 * Random programs do under the translator, a few hundred instructions at a time, exactly what they
 * do under the interpreter.
 *
 * <p>System properties: {@code sharevm.seed} to repeat what a failure printed; {@code
 * sharevm.programs} for the number of programs a mode; {@code sharevm.minutes} for the long test.
 */
final class LockstepTest {
  private static final int QUICK_PROGRAMS = 24;
  private static final int FEW_PROGRAMS = 12;

  @ParameterizedTest
  @EnumSource
  void bothEnginesDoTheSame(GuestMode mode) {
    run(
        mode,
        Engines.translatesAll(),
        Integer.getInteger("sharevm.programs", QUICK_PROGRAMS),
        Duration.ofDays(1));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void bothEnginesDoTheSameForLong(GuestMode mode) {
    long minutes = Long.getLong("sharevm.minutes", 14);
    Duration share = Duration.ofMinutes(minutes).dividedBy(GuestMode.values().length);
    run(mode, Engines.translatesAll(), Integer.MAX_VALUE, share);
  }

  static List<Arguments> modesAndTunings() {
    List<Arguments> all = new ArrayList<>();
    for (Named<Tuning> tuning : Engines.tunings()) {
      for (GuestMode mode : GuestMode.values()) {
        all.add(Arguments.of(mode, tuning));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("modesAndTunings")
  void bothEnginesDoTheSameHoweverTheTranslatorWorks(GuestMode mode, Tuning tuning) {
    run(mode, tuning, Integer.getInteger("sharevm.programs", FEW_PROGRAMS), Duration.ofDays(1));
  }

  private static void run(GuestMode mode, Tuning tuning, int programs, Duration atMost) {
    assumeTrue(Engines.canTranslate(), "no translator for this host");
    long seed = Long.getLong("sharevm.seed", 20261125L);
    LockstepSearch<Program> search =
        new LockstepSearch<>(
            mode.name(),
            () -> new Lockstep(mode, () -> Translator.factory(tuning)),
            (of, kept) -> ProgramMaker.make(mode, of, kept));
    String failure = search.firstFailure(seed, programs, atMost);
    System.out.printf("%s: %s%n", mode, search.summary());
    assertThat(failure).as(failure).isNull();
  }
}
