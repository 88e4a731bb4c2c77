package sharevm.lab.guest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.host.HostException;
import sharevm.machine.MachineSpec;
import sharevm.machine.firmware.LinuxBoot.EntryPoint;
import sharevm.machine.firmware.LinuxBoot.UnpackPolicy;

/** The same kernel begins by every door that the boot protocol has. */
@Tag("long")
class LinuxEntryPointsTest {
  private static final Duration BOOT = Duration.ofSeconds(Long.getLong("sharevm.bootSeconds", 300));

  @ParameterizedTest(name = "{0} entry, unpacked by {1}")
  @CsvSource({"REAL_16, GUEST", "PROTECTED_32, GUEST", "LONG_64, GUEST", "LONG_64, HOST"})
  void begins(EntryPoint door, UnpackPolicy unpacker)
      throws IOException, HostException, InterruptedException {
    Optional<Path> kernel = DebianGuest.CLOUD_AMD64.kernel();
    assumeTrue(kernel.isPresent(), "Debian's packages cannot be fetched here");
    MachineSpec spec = MachineSpec.of(256L << 20).withNoReboot(true);
    String commandLine = "earlyprintk=serial,ttyS0,115200 console=ttyS0 door=" + door;
    try (GuestHarness guest =
        GuestHarness.boot(
            spec, kernel.get(), Optional.empty(), commandLine, boot -> boot.with(door, unpacker))) {
      guest.expect("Linux version", BOOT);
      guest.expect("door=" + door, BOOT);
      guest.expect("Memory: ", BOOT);
    }
  }
}
