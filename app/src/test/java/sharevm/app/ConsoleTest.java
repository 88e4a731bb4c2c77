package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command on a terminal of its own, that {@code script} of util-linux makes. */
@Timeout(120)
final class ConsoleTest {
  private static final Path SCRIPT = Path.of("/usr/bin/script");

  /** mov al, '!'; out E9h, al: tells on standard error that the guest runs. */
  private static final int[] SAY = {0xB0, '!', 0xE6, 0xE9};

  @TempDir private Path folder;

  @BeforeEach
  void needsATerminal() {
    assumeTrue(Files.isExecutable(SCRIPT), "needs " + SCRIPT);
  }

  @Test
  void ctrlAxLeavesAndGivesTheTerminalBack() throws IOException, InterruptedException {
    // jmp $
    String output = run("\u0001x", 0xEB, 0xFE);
    assertThat(output).contains("STATUS 0");
    assertUsable(output);
  }

  @Test
  void aCrashGivesTheTerminalBack() throws IOException, InterruptedException {
    // int3, which nothing handles
    String output = run("", 0xCC);
    assertThat(output).contains("triple fault").contains("STATUS 3");
    assertUsable(output);
  }

  private static void assertUsable(String output) {
    assertThat(output.substring(output.indexOf("STATUS")))
        .contains(" icanon", " echo ", " isig", " opost");
  }

  /** Runs a kernel, types when it says that it runs, and returns all that the terminal showed. */
  private String run(String typed, int... code) throws IOException, InterruptedException {
    int[] all = new int[SAY.length + code.length];
    System.arraycopy(SAY, 0, all, 0, SAY.length);
    System.arraycopy(code, 0, all, SAY.length, code.length);
    Path kernel = Files.write(folder.resolve("kernel"), TinyKernel.of(all));
    String command =
        String.join(
            " ",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            "sharevm.app.Main run --no-reboot --timeout 60s --kernel",
            kernel.toString());
    Process process =
        new ProcessBuilder(
                SCRIPT.toString(), "-qec", command + "; echo STATUS $?; stty -a", "/dev/null")
            .redirectErrorStream(true)
            .start();
    StringBuilder output = new StringBuilder();
    InputStream screen = process.getInputStream();
    boolean hasTyped = false;
    for (int c = screen.read(); c >= 0; c = screen.read()) {
      output.append((char) c);
      if (c == '!' && !hasTyped) {
        hasTyped = true;
        process.getOutputStream().write(typed.getBytes(StandardCharsets.US_ASCII));
        process.getOutputStream().flush();
      }
    }
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return output.toString().replaceAll("\\s+", " ");
  }
}
