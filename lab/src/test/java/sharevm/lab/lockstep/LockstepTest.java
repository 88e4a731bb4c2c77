package sharevm.lab.lockstep;

import java.util.List;
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
    LockstepRuns.some(search(mode, Engines.translatesAll()), QUICK_PROGRAMS);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void bothEnginesDoTheSameForLong(GuestMode mode) {
    LockstepRuns.forLong(search(mode, Engines.translatesAll()), GuestMode.values().length);
  }

  static List<Arguments> modesAndTunings() {
    return LockstepRuns.withTunings(GuestMode.values());
  }

  @ParameterizedTest
  @MethodSource("modesAndTunings")
  void bothEnginesDoTheSameHoweverTheTranslatorWorks(GuestMode mode, Tuning tuning) {
    LockstepRuns.some(search(mode, tuning), FEW_PROGRAMS);
  }

  private static LockstepSearch<Program> search(GuestMode mode, Tuning tuning) {
    return new LockstepSearch<>(
        mode.name(),
        () -> new Lockstep(mode, () -> Translator.factory(tuning)),
        (seed, kept) -> ProgramMaker.make(mode, seed, kept));
  }
}
