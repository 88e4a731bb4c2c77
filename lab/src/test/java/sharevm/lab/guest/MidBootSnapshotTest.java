package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.host.HostException;
import sharevm.machine.MachineSpec;
import sharevm.machine.Outcome;

/** A guest saved in mid-boot and restored in a new machine goes on to the same shell. */
@Tag("long")
class MidBootSnapshotTest {
  private static final Duration BOOT = Duration.ofSeconds(Long.getLong("sharevm.bootSeconds", 300));

  @ParameterizedTest(name = "{0} processors")
  @ValueSource(ints = {1, 4})
  void goesOnToTheSameShell(int cpus) throws IOException, HostException, InterruptedException {
    Optional<Path> kernel = DebianGuest.CLOUD_AMD64.kernel();
    Optional<Path> initrd = DebianGuest.CLOUD_AMD64.initrd();
    assumeTrue(
        kernel.isPresent() && initrd.isPresent(), "Debian's packages cannot be fetched here");
    MachineSpec spec = MachineSpec.of(256L << 20).withCpus(cpus).withNoReboot(true);
    try (GuestHarness first =
        GuestHarness.boot(spec, kernel.get(), initrd, "console=ttyS0 panic=-1 cryptomgr.notests")) {
      first.expect("PCI: Using ACPI for IRQ routing", BOOT);
      try (GuestHarness second = first.restoredElsewhere()) {
        second.expect(DebianGuest.PROMPT, BOOT);
        assertThat(second.command("nproc", DebianGuest.PROMPT, BOOT))
            .isEqualTo(Integer.toString(cpus));
        second.send("poweroff -f\n");
        assertThat(second.await(BOOT)).isEqualTo(new Outcome.PoweredOff());
      }
    }
  }
}
