package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import sharevm.machine.Outcome;

/** What is asked of a guest at its shell, whatever its kernel, processors and engine. */
final class Conversation {
  private static final Duration ANSWER = Duration.ofMinutes(3);

  /** Complaints that are right, each with its reason. */
  private static final List<String> EXPECTED_WARNINGS =
      List.of(
          // A 440FX board has no extended configuration space.
          "fail to add MMCONFIG information",
          // The host took the processor away in the middle of a timer interrupt.
          "hrtimer: interrupt took");

  private final GuestHarness guest;

  Conversation(GuestHarness guest) {
    this.guest = guest;
  }

  /** Asks everything, then switches the guest off. */
  void hold(DebianGuest debian, int cpus) throws InterruptedException {
    // What the kernel has to say is asked for at the end; on the console it would mix with answers.
    ask("dmesg -n 1");
    knowsItsProcessors(debian, cpus);
    computes();
    runsPrograms();
    keepsTime();
    assertThat(warnings()).isEmpty();
    powersOff();
  }

  void powersOff() throws InterruptedException {
    guest.send("poweroff -f\n");
    assertThat(guest.await(ANSWER)).isEqualTo(new Outcome.PoweredOff());
  }

  String ask(String command) throws InterruptedException {
    return guest.command(command, DebianGuest.PROMPT, ANSWER);
  }

  private void knowsItsProcessors(DebianGuest debian, int cpus) throws InterruptedException {
    assertThat(ask("uname -m")).isEqualTo(debian.machineName());
    assertThat(ask("nproc")).isEqualTo(Integer.toString(cpus));
    assertThat(ask("grep -c ^processor /proc/cpuinfo")).isEqualTo(Integer.toString(cpus));
    assertThat(ask("cat /proc/cpuinfo")).contains("model name", "flags", "sse2");
    String interrupts = ask("cat /proc/interrupts");
    assertThat(interrupts).contains("ttyS0", "LOC:", "IO-APIC");
    assertThat(interrupts.lines().filter(line -> line.strip().startsWith("ERR:")))
        .singleElement()
        .satisfies(line -> assertThat(line.strip()).matches("ERR:\\s+0"));
  }

  private void computes() throws InterruptedException {
    assertThat(ask("awk 'BEGIN { print 2 / 3 * 1000 }'")).isEqualTo("666.667");
    assertThat(ask("awk 'BEGIN{x=1;while(i++<9)x=x/2+1/x;printf \"%.12f\",x}'"))
        .startsWith("1.414213562373");
    assertThat(ask("head -c 1000000 /dev/zero | sha256sum"))
        .startsWith(sha256(new byte[1_000_000]));
    byte[] counted = new byte[256 * 1024];
    for (int i = 0; i < counted.length; i++) {
      counted[i] = (byte) (i % 10 == 9 ? '\n' : '0' + i % 10);
    }
    assertThat(ask("yes 012345678 | head -c 262144 | gzip | gunzip | sha256sum"))
        .startsWith(sha256(counted));
  }

  private void runsPrograms() throws InterruptedException {
    assertThat(ask("sh -c 'trap \"echo caught\" USR1; kill -USR1 $$; exit'")).isEqualTo("caught");
    assertThat(ask("for i in 1 2 3 4 5 6; do sh -c \"echo n$i\" & done; wait; echo all"))
        .contains("n1", "n6", "all");
    assertThat(ask("i=0; while [ $i -lt 50 ]; do i=$(expr $i + 1); done; echo $i")).isEqualTo("50");
    assertThat(ask("sh -c 'kill -SEGV $$'; echo status $?")).contains("status 139");
  }

  /** The guest's clock and the host's agree, and a timer rings neither early nor never. */
  private void keepsTime() throws InterruptedException {
    assertThat(Long.parseLong(ask("date +%s"))).isBetween(now() - 30, now() + 5);
    long began = System.nanoTime();
    assertThat(Long.parseLong(ask("sleep 2; date +%s"))).isBetween(now() - 30, now() + 5);
    assertThat(System.nanoTime() - began).isGreaterThan(2_000_000_000L);
    assertThat(ask("timeout 1 sleep 1000; echo $?")).contains("143");
  }

  private static long now() {
    return Instant.now().getEpochSecond();
  }

  /** Lines of the kernel's log of level warning and worse, but for the expected ones. */
  private List<String> warnings() throws InterruptedException {
    return ask("dmesg -r | grep '^<[0-4]>'")
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .filter(line -> EXPECTED_WARNINGS.stream().noneMatch(line::contains))
        .toList();
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
