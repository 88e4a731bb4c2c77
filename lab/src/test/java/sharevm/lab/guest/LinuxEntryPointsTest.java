package sharevm.lab.guest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
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
  @ParameterizedTest(name = "{0} entry, unpacked by {1}, {2}")
  @CsvSource({
    "REAL_16, GUEST, INTERPRETER",
    "PROTECTED_32, GUEST, INTERPRETER",
    "LONG_64, GUEST, INTERPRETER",
    "LONG_64, HOST, INTERPRETER",
    "REAL_16, GUEST, TRANSLATOR",
    "PROTECTED_32, GUEST, TRANSLATOR",
    "LONG_64, GUEST, TRANSLATOR",
    "LONG_64, HOST, TRANSLATOR"
  })
  void begins(EntryPoint door, UnpackPolicy unpacker, GuestEngine engine)
      throws IOException, HostException, InterruptedException {
    Optional<Path> kernel = DebianGuest.CLOUD_AMD64.kernel();
    assumeTrue(kernel.isPresent(), "Debian's packages cannot be fetched here");
    MachineSpec spec = DebianGuest.spec(1);
    String commandLine = "earlyprintk=serial,ttyS0,115200 console=ttyS0 door=" + door;
    try (GuestHarness guest =
        GuestHarness.boot(
            spec,
            engine,
            kernel.get(),
            Optional.empty(),
            commandLine,
            boot -> boot.with(door, unpacker))) {
      guest.expect("Linux version", DebianGuest.BOOT);
      guest.expect("door=" + door, DebianGuest.BOOT);
      guest.expect("Memory: ", DebianGuest.BOOT);
    }
  }
}
