package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.host.HostException;

/**
 * A guest saved in mid-boot and restored in a new machine goes on to the same shell, whichever
 * engine either machine has.
 */
@Tag("long")
class MidBootSnapshotTest {
  static Stream<Arguments> machines() {
    return Stream.of(GuestEngine.values())
        .flatMap(
            before ->
                Stream.of(GuestEngine.values())
                    .flatMap(
                        after -> Stream.of(1, 4).map(cpus -> Arguments.of(cpus, before, after))));
  }

  @ParameterizedTest(name = "{0} processors, {1}, then {2}")
  @MethodSource("machines")
  void goesOnToTheSameShell(int cpus, GuestEngine before, GuestEngine after)
      throws IOException, HostException, InterruptedException {
    try (GuestHarness first = DebianGuest.CLOUD_AMD64.boot(cpus, before)) {
      first.expect("PCI: Using ACPI for IRQ routing", DebianGuest.BOOT);
      try (GuestHarness second = first.restoredElsewhere(after)) {
        second.expect(DebianGuest.PROMPT, DebianGuest.BOOT);
        Conversation conversation = new Conversation(second);
        assertThat(conversation.ask("nproc")).isEqualTo(Integer.toString(cpus));
        conversation.powersOff();
      }
    }
  }
}
