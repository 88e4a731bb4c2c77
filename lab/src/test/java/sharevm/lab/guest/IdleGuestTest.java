package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.host.HostException;
import sharevm.machine.Statistics;

/** A guest with nothing to do lets the host do nothing as well. */
@Tag("long")
class IdleGuestTest {
  @ParameterizedTest
  @EnumSource
  void sleepsAtItsPrompt(GuestEngine engine)
      throws IOException, HostException, InterruptedException {
    try (GuestHarness guest = DebianGuest.CLOUD_AMD64.boot(1, engine)) {
      guest.expect(DebianGuest.PROMPT, DebianGuest.BOOT);
      Thread.sleep(2000);
      Statistics before = guest.machine().statistics();
      Thread.sleep(5000);
      Statistics after = guest.machine().statistics();
      Statistics.Processor then = before.processors().getFirst();
      Statistics.Processor now = after.processors().getFirst();
      assertThat(now.halts()).isGreaterThan(then.halts());
      double slept = now.haltedNanos() - then.haltedNanos();
      assertThat(slept / (after.runNanos() - before.runNanos())).isGreaterThan(0.9);
    }
  }
}
