package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random programs do under the translator, a few hundred instructions at a time, exactly what they
 * do under the interpreter.
 *
 * <p>System properties: {@code sharevm.seed} to repeat what a failure printed; {@code
 * sharevm.programs} for the number of programs a mode; {@code sharevm.minutes} for the long test.
 */
final class LockstepTest {
  private static final int QUICK_PROGRAMS = 60;

  @ParameterizedTest
  @EnumSource
  void bothEnginesDoTheSame(GuestMode mode) {
    run(mode, Integer.getInteger("sharevm.programs", QUICK_PROGRAMS), Duration.ofDays(1));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void bothEnginesDoTheSameForLong(GuestMode mode) {
    long minutes = Long.getLong("sharevm.minutes", 14);
    Duration share = Duration.ofMinutes(minutes).dividedBy(GuestMode.values().length);
    run(mode, Integer.MAX_VALUE, share);
  }

  private static void run(GuestMode mode, int programs, Duration atMost) {
    boolean host =
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64");
    assumeTrue(host, "no translator for this host");
    long seed = Long.getLong("sharevm.seed", 20261125L);
    LockstepSearch search = new LockstepSearch(mode, 1);
    String failure = search.firstFailure(seed, programs, atMost);
    System.out.printf("%s: %s%n", mode, search.summary());
    assertThat(failure).as(failure).isNull();
  }
}
