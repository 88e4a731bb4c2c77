package sharevm.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs a program on a terminal of its own, that {@code script} of util-linux makes. */
@Timeout(60)
final class TerminalTest {
  private static final Path SCRIPT = Path.of("/usr/bin/script");

  /** The program: goes raw, shows the mode, then ends as its argument says. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] arguments) throws Exception {
      Terminal terminal = Terminal.ofStandardInput().orElseThrow();
      Terminal.Size size = terminal.size().orElseThrow();
      System.out.println("size " + size.columns() + " by " + size.rows());
      terminal.raw();
      show();
      switch (arguments[0]) {
        case "close" -> terminal.close();
        case "exit" -> System.exit(0);
        case "throw" -> throw new IllegalStateException("on purpose");
        case "signal" -> {
          ProcessHandle self = ProcessHandle.current();
          new ProcessBuilder("kill", "-TERM", Long.toString(self.pid())).start().waitFor();
          Thread.sleep(30_000);
        }
        default -> throw new IllegalArgumentException(arguments[0]);
      }
    }

    private static void show() throws IOException, InterruptedException {
      new ProcessBuilder("stty", "-a").inheritIO().start().waitFor();
    }
  }

  @Test
  void rawModeIsOnAndTheModeComesBackHoweverTheProgramEnds() throws Exception {
    for (String end : List.of("close", "exit", "throw", "signal")) {
      String output = onTerminal(end);
      assertThat(output).as(end).contains("size 77 by 33");
      String raw = output.substring(output.indexOf("speed"), output.indexOf("AFTERWARDS"));
      assertThat(raw)
          .as(end)
          .contains("-icanon")
          .contains("-echo ")
          .contains("-isig")
          .contains("-opost");
      String after = output.substring(output.indexOf("AFTERWARDS"));
      assertThat(after)
          .as(end)
          .contains(" icanon")
          .contains(" echo ")
          .contains(" isig")
          .contains(" opost");
    }
  }

  @Test
  void aPipeIsNoTerminal() throws Exception {
    Process process =
        new ProcessBuilder(java("sharevm.host.TerminalTest$Pipe"))
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("terminal: false");
  }

  /** The program of the test above. */
  static final class Pipe {
    private Pipe() {}

    public static void main(String[] arguments) {
      System.out.println("terminal: " + Terminal.ofStandardInput().isPresent());
    }
  }

  private static String onTerminal(String end) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(SCRIPT), "needs " + SCRIPT);
    String program = String.join(" ", java("'sharevm.host.TerminalTest$Probe'")) + " " + end;
    String commands = "stty columns 77 rows 33; " + program + "; echo AFTERWARDS; stty -a";
    Process process =
        new ProcessBuilder(SCRIPT.toString(), "-qec", commands, "/dev/null")
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return output.replaceAll("\\s+", " ");
  }

  private static List<String> java(String mainClass) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        mainClass);
  }
}
