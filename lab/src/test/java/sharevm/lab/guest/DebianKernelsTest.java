package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.host.HostException;
import sharevm.machine.MachineSpec;
import sharevm.machine.Outcome;
import sharevm.machine.Statistics;

/** Debian's own kernels, unmodified, reach a shell, answer questions and power off. */
@Tag("long")
class DebianKernelsTest {
  private static final long MEMORY = 256L << 20;
  private static final Duration BOOT = Duration.ofSeconds(Long.getLong("sharevm.bootSeconds", 300));
  private static final Duration ANSWER = Duration.ofSeconds(60);

  /** Without the kernel's tests of its own cryptography, which are more than half of a boot. */
  private static final String COMMAND_LINE = "console=ttyS0 panic=-1 cryptomgr.notests";

  private static final String PROMPT = DebianGuest.PROMPT;

  /** Complaints that are right, each with its reason. */
  private static final List<String> EXPECTED_WARNINGS =
      List.of(
          // A 440FX board has no extended configuration space.
          "fail to add MMCONFIG information");

  static Stream<Arguments> machines() {
    return Stream.of(DebianGuest.values())
        .flatMap(guest -> Stream.of(1, 4).map(cpus -> Arguments.of(guest, cpus)));
  }

  @ParameterizedTest(name = "{0}, {1} processors")
  @MethodSource("machines")
  void reachesAShellAndAnswers(DebianGuest debian, int cpus)
      throws IOException, HostException, InterruptedException {
    try (GuestHarness guest = boot(debian, cpus)) {
      guest.expect(PROMPT, BOOT);
      assertThat(ask(guest, "uname -m")).isEqualTo(debian.machineName());
      assertThat(ask(guest, "nproc")).isEqualTo(Integer.toString(cpus));
      assertThat(ask(guest, "grep -c ^processor /proc/cpuinfo")).isEqualTo(Integer.toString(cpus));
      assertThat(ask(guest, "cat /proc/interrupts")).contains("ttyS0").contains("LOC:");
      assertThat(ask(guest, "awk 'BEGIN { print 2 / 3 * 1000 }'")).isEqualTo("666.667");
      assertThat(ask(guest, "head -c 1000000 /dev/zero | sha256sum")).startsWith(zeros());
      assertThat(ask(guest, "sh -c 'trap \"echo caught\" USR1; kill -USR1 $$; exit'"))
          .isEqualTo("caught");
      assertThat(ask(guest, "for i in 1 2 3 4 5 6; do sh -c \"echo n$i\" & done; wait; echo all"))
          .contains("n1", "n6", "all");
      keepsTime(guest);
      assertThat(warnings(guest)).isEmpty();
      guest.send("poweroff -f\n");
      assertThat(guest.await(ANSWER)).isEqualTo(new Outcome.PoweredOff());
    }
  }

  @Test
  void anIdleGuestSleeps() throws IOException, HostException, InterruptedException {
    try (GuestHarness guest = boot(DebianGuest.CLOUD_AMD64, 1)) {
      guest.expect(PROMPT, BOOT);
      Thread.sleep(2000);
      Statistics before = guest.machine().statistics();
      Thread.sleep(5000);
      Statistics after = guest.machine().statistics();
      long slept =
          after.processors().getFirst().haltedNanos()
              - before.processors().getFirst().haltedNanos();
      long passed = after.runNanos() - before.runNanos();
      assertThat(slept / (double) passed).isGreaterThan(0.9);
    }
  }

  private static GuestHarness boot(DebianGuest debian, int cpus) throws IOException, HostException {
    Optional<Path> kernel = debian.kernel();
    Optional<Path> initrd = debian.initrd();
    assumeTrue(
        kernel.isPresent() && initrd.isPresent(), "Debian's packages cannot be fetched here");
    MachineSpec spec = MachineSpec.of(MEMORY).withCpus(cpus).withNoReboot(true);
    return GuestHarness.boot(spec, kernel.get(), initrd, COMMAND_LINE);
  }

  private static String ask(GuestHarness guest, String command) throws InterruptedException {
    return guest.command(command, PROMPT, ANSWER);
  }

  /** The guest's clock and the host's agree before and after a second of sleep. */
  private static void keepsTime(GuestHarness guest) throws InterruptedException {
    long before = Long.parseLong(ask(guest, "date +%s"));
    assertThat(before).isBetween(now() - 5, now() + 5);
    assertThat(ask(guest, "sleep 2; date +%s").strip())
        .satisfies(text -> assertThat(Long.parseLong(text)).isBetween(now() - 5, now() + 5));
  }

  private static long now() {
    return Instant.now().getEpochSecond();
  }

  /** Lines of the kernel's log of level warning and worse, but for the expected ones. */
  private static List<String> warnings(GuestHarness guest) throws InterruptedException {
    return ask(guest, "dmesg -r | grep '^<[0-4]>'")
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .filter(line -> EXPECTED_WARNINGS.stream().noneMatch(line::contains))
        .toList();
  }

  private static String zeros() {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(new byte[1_000_000]));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
