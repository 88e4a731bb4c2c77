package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.host.HostException;

/** Two different operating systems run at the same time in one Java virtual machine. */
@Tag("long")
class TwoGuestsTest {
  @ParameterizedTest
  @EnumSource
  void a64BitAnd32BitLinuxRunSideBySide(GuestEngine engine)
      throws IOException, HostException, InterruptedException {
    try (GuestHarness wide = DebianGuest.CLOUD_AMD64.boot(1, engine);
        GuestHarness narrow = DebianGuest.I686.boot(1, engine)) {
      wide.expect(DebianGuest.PROMPT, DebianGuest.BOOT);
      narrow.expect(DebianGuest.PROMPT, DebianGuest.BOOT);
      Conversation atWide = new Conversation(wide);
      Conversation atNarrow = new Conversation(narrow);
      atWide.ask("echo wide >/tmp/name");
      atNarrow.ask("echo narrow >/tmp/name");
      assertThat(atWide.ask("cat /tmp/name; uname -m")).matches("(?s)wide\\s+x86_64");
      assertThat(atNarrow.ask("cat /tmp/name; uname -m")).matches("(?s)narrow\\s+i686");
      atWide.powersOff();
      assertThat(atNarrow.ask("echo still here")).isEqualTo("still here");
      atNarrow.powersOff();
    }
  }
}
