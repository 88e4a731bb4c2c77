package sharevm.library.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class InitramfsTest {
  private static final Path BUSYBOX = Path.of("/bin/busybox");

  private static byte[] small() {
    return new Initramfs()
        .folders("bin")
        .file("bin/tool", "hello".getBytes(StandardCharsets.UTF_8), true)
        .link("sbin", "bin")
        .device("console", 5, 1)
        .toBytes();
  }

  @Test
  void isWhatCpioReads() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cpio")), "needs cpio");
    String listing = run(small(), "cpio", "-itv", "--quiet");
    assertThat(listing.lines().map(line -> line.replaceAll(" +", " ")))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("drwxr-xr-x").endsWith(" bin"),
            line -> assertThat(line).startsWith("-rwxr-xr-x").contains(" 5 ").endsWith("bin/tool"),
            line -> assertThat(line).startsWith("lrwxrwxrwx").endsWith("sbin -> bin"),
            line -> assertThat(line).startsWith("crw-------").contains("5, 1").endsWith("console"));
  }

  @Test
  void theSameContentGivesTheSameBytes() {
    assertThat(small()).isEqualTo(small()).startsWith("070701".getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void findsTheAppletsThatBusyboxItselfLists() throws Exception {
    assumeTrue(Files.isExecutable(BUSYBOX), "needs busybox-static");
    List<String> listed = run(new byte[0], BUSYBOX.toString(), "--list").lines().toList();
    assertThat(BusyboxApplets.of(Files.readAllBytes(BUSYBOX))).isEqualTo(listed);
  }

  @Test
  void theMiniGuestHasALinkForEveryApplet() throws Exception {
    assumeTrue(Files.isExecutable(BUSYBOX), "needs busybox-static");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cpio")), "needs cpio");
    byte[] busybox = Files.readAllBytes(BUSYBOX);
    List<String> listed = run(MiniGuest.initrd(busybox), "cpio", "-it", "--quiet").lines().toList();
    assertThat(listed).contains("init", "bin/busybox", "bin/sh", "bin/poweroff", "dev/console");
    for (String applet : BusyboxApplets.of(busybox)) {
      assertThat(listed).contains("bin/" + applet);
    }
  }

  @Test
  void otherProgramsAreNoBusybox() {
    assertThatThrownBy(() -> BusyboxApplets.of(new byte[0])).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> BusyboxApplets.of("\0[\0[[\0acpid".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(IOException.class);
  }

  private static String run(byte[] input, String... command) throws Exception {
    Process process = new ProcessBuilder(command).start();
    process.getOutputStream().write(input);
    process.getOutputStream().close();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
