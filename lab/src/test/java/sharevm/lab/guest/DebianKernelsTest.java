package sharevm.lab.guest;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.host.HostException;

/** Debian's own kernels, unmodified, reach a shell, answer questions and power off. */
class DebianKernelsTest {
  /** The part that every build has time for. */
  @ParameterizedTest(name = "{0} processors")
  @ValueSource(ints = {1, 4})
  void theCloudKernelReachesAShell(int cpus)
      throws IOException, HostException, InterruptedException {
    reachesAShellAndAnswers(DebianGuest.CLOUD_AMD64, cpus, GuestEngine.fastest());
  }

  /** 32-bit code, and page tables of two levels. */
  @Test
  void a32BitKernelReachesAShell() throws IOException, HostException, InterruptedException {
    reachesAShellAndAnswers(DebianGuest.I686, 1, GuestEngine.fastest());
  }

  static Stream<Arguments> machines() {
    return Stream.of(GuestEngine.values())
        .flatMap(
            engine ->
                Stream.of(DebianGuest.values())
                    .flatMap(
                        guest -> Stream.of(1, 4).map(cpus -> Arguments.of(guest, cpus, engine))));
  }

  @Tag("long")
  @ParameterizedTest(name = "{0}, {1} processors, {2}")
  @MethodSource("machines")
  void reachesAShellAndAnswers(DebianGuest debian, int cpus, GuestEngine engine)
      throws IOException, HostException, InterruptedException {
    try (GuestHarness guest = debian.boot(cpus, engine)) {
      guest.expect(DebianGuest.PROMPT, DebianGuest.BOOT);
      new Conversation(guest).hold(debian, cpus);
    }
  }
}
