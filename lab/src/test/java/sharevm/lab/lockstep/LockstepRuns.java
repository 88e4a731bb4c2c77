package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.provider.Arguments;
import sharevm.lab.Engines;
import sharevm.translator.Tuning;

/** How much lock-step tests execute, as the system properties say. */
public final class LockstepRuns {
  private LockstepRuns() {}

  /** Returns each mode with each tuning. */
  public static List<Arguments> withTunings(Object[] modes) {
    List<Arguments> all = new ArrayList<>();
    for (Named<Tuning> tuning : Engines.tunings()) {
      for (Object mode : modes) {
        all.add(Arguments.of(mode, tuning));
      }
    }
    return all;
  }

  /** Executes programs, as many as {@code sharevm.programs} says. */
  public static void some(LockstepSearch<?> search, int usual) {
    run(search, Integer.getInteger("sharevm.programs", usual), Duration.ofDays(1));
  }

  /** Executes programs for one mode's share of {@code sharevm.minutes}. */
  public static void forLong(LockstepSearch<?> search, int modes) {
    long minutes = Long.getLong("sharevm.minutes", 14);
    run(search, Integer.MAX_VALUE, Duration.ofMinutes(minutes).dividedBy(modes));
  }

  private static void run(LockstepSearch<?> search, int programs, Duration atMost) {
    assumeTrue(Engines.canTranslate(), "no translator for this host");
    long seed = Long.getLong("sharevm.seed", 20261125L);
    String failure = search.firstFailure(seed, programs, atMost);
    System.out.println(search.summary());
    assertThat(failure).as(failure).isNull();
  }
}
