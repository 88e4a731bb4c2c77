package sharevm.lab.guest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import sharevm.host.HostException;
import sharevm.library.LibraryException;
import sharevm.library.Progress;
import sharevm.library.UserFolders;
import sharevm.library.debian.DebianPackages;
import sharevm.library.guest.MiniGuest;
import sharevm.machine.MachineSpec;

/** A kernel of Debian's with a busybox around it, fetched once and kept in the cache. */
enum DebianGuest {
  CLOUD_AMD64("linux-image-cloud-amd64", "amd64", "x86_64"),
  AMD64("linux-image-amd64", "amd64", "x86_64"),
  I686("linux-image-686", "i386", "i686"),
  I686_PAE("linux-image-686-pae", "i386", "i686");

  /** What the shell of the initial file system prompts with. */
  static final String PROMPT = "mini:~# ";

  /** The longest that a boot may take, on hosts that have other things to do as well. */
  static final Duration BOOT = Duration.ofSeconds(Long.getLong("sharevm.bootSeconds", 600));

  /** Without the kernel's tests of its own cryptography, which are more than half of a boot. */
  private static final String COMMAND_LINE = "console=ttyS0 panic=-1 cryptomgr.notests";

  private static final long MEMORY = 256L << 20;

  private final String kernelPackage;
  private final String architecture;
  private final String machineName;

  DebianGuest(String kernelPackage, String architecture, String machineName) {
    this.kernelPackage = kernelPackage;
    this.architecture = architecture;
    this.machineName = machineName;
  }

  /** Returns what {@code uname -m} says. */
  String machineName() {
    return machineName;
  }

  /** Returns a machine of the usual size for it. */
  static MachineSpec spec(int cpus) {
    return MachineSpec.of(MEMORY).withCpus(cpus).withNoReboot(true);
  }

  /** Boots it; skips the test where packages cannot be fetched. */
  GuestHarness boot(int cpus, GuestEngine engine) throws IOException, HostException {
    Optional<Path> kernel = kernel();
    Optional<Path> initrd = initrd();
    assumeTrue(
        kernel.isPresent() && initrd.isPresent(), "Debian's packages cannot be fetched here");
    return GuestHarness.boot(spec(cpus), engine, kernel.get(), initrd, COMMAND_LINE);
  }

  /** Returns the kernel, or nothing where packages cannot be fetched. */
  Optional<Path> kernel() throws IOException {
    Path file = folder().resolve("kernel-" + kernelPackage);
    if (!Files.isRegularFile(file)) {
      Optional<Path> deb = fetch(kernelPackage);
      if (deb.isEmpty()) {
        return Optional.empty();
      }
      place(MiniGuest.kernel(deb.get()), file);
    }
    return Optional.of(file);
  }

  /** Returns the initial file system, or nothing where packages cannot be fetched. */
  Optional<Path> initrd() throws IOException {
    Path file = folder().resolve("initrd-1-" + architecture);
    if (!Files.isRegularFile(file)) {
      Optional<Path> deb = fetch("busybox-static");
      if (deb.isEmpty()) {
        return Optional.empty();
      }
      place(MiniGuest.initrd(MiniGuest.busybox(deb.get())), file);
    }
    return Optional.of(file);
  }

  private Optional<Path> fetch(String name) {
    try {
      return Optional.of(
          new DebianPackages(UserFolders.cache(), Progress.NONE).fetch(name, architecture));
    } catch (LibraryException e) {
      return Optional.empty();
    }
  }

  private static Path folder() throws IOException {
    return Files.createDirectories(UserFolders.cache().resolve("lab"));
  }

  private static void place(byte[] content, Path file) throws IOException {
    Path work = Files.createTempFile(file.getParent(), ".making-", "");
    Files.write(work, content);
    Files.move(work, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
