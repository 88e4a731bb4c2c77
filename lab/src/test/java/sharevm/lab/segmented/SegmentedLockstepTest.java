package sharevm.lab.segmented;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.lab.Engines;
import sharevm.lab.lockstep.LockstepRuns;
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
  private static final int QUICK_PROGRAMS = 60;
  private static final int FEW_PROGRAMS = 4;

  @ParameterizedTest
  @EnumSource
  void bothEnginesDoTheSame(SegmentedMode mode) {
    LockstepRuns.some(search(mode, Engines.translatesAll()), QUICK_PROGRAMS);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void bothEnginesDoTheSameForLong(SegmentedMode mode) {
    LockstepRuns.forLong(search(mode, Engines.translatesAll()), SegmentedMode.values().length);
  }

  static List<Arguments> modesAndTunings() {
    return LockstepRuns.withTunings(SegmentedMode.values());
  }

  @ParameterizedTest
  @MethodSource("modesAndTunings")
  void bothEnginesDoTheSameHoweverTheTranslatorWorks(SegmentedMode mode, Tuning tuning) {
    LockstepRuns.some(search(mode, tuning), FEW_PROGRAMS);
  }

  private static LockstepSearch<SegmentedProgram> search(SegmentedMode mode, Tuning tuning) {
    return new LockstepSearch<>(
        mode.name(),
        () -> new SegmentedLockstep(Translator.factory(tuning)),
        (seed, kept) -> SegmentedProgramMaker.make(mode, seed, kept));
  }
}
