package sharevm.lab.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;

/**
 * Runs the test programs of the system side of the processor: modes, gates, paging, faults, task switches, debug
 * registers. Each is one file of the folder {@code programs}, checks itself and says what must hold.
 */
final class ProgramTest {
  private static final long BUDGET = 20_000_000;

  /** How a program says that it wants more processors than one. */
  private static final Pattern PROCESSORS = Pattern.compile("%define PROCESSORS (\\d+)");

  @TempDir static Path scratch;

  @BeforeAll
  static void needsAssembler() {
    boolean present =
        Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, "nasm")));
    assumeTrue(present, "nasm is not on the path: the system test programs are not run");
  }

  static List<String> programs() throws IOException, URISyntaxException {
    URL folder = ProgramTest.class.getResource("/programs");
    try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(n -> n.endsWith(".asm"))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void holds(String name) throws Exception {
    Path source = Path.of(ProgramTest.class.getResource("/programs/" + name).toURI());
    Matcher several = PROCESSORS.matcher(Files.readString(source));
    int processors = several.find() ? Integer.parseInt(several.group(1)) : 1;
    ProgramMachine machine = new ProgramMachine(assemble(source), CpuModel.standard(), processors);

    Exit exit = machine.runAll(BUDGET);

    assertThat(machine.exitValue).as(() -> failure(source, machine, exit)).isZero();
  }

  private static byte[] assemble(Path source) throws IOException, InterruptedException {
    Path image = scratch.resolve(source.getFileName() + ".bin");
    Process nasm =
        new ProcessBuilder("nasm", "-f", "bin", "-o", image.toString(), source.toString())
            .directory(source.getParent().toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(nasm.getInputStream().readAllBytes());
    assertThat(nasm.waitFor()).as("nasm %s: %s", source.getFileName(), said).isZero();
    return Files.readAllBytes(image);
  }

  /** Says which line of the program did not hold, or where the processor was. */
  private static String failure(Path source, ProgramMachine machine, Exit exit) {
    CpuState s = machine.cpu.state;
    String where =
        String.format(
            "%s at CS %x RIP %x after %s, console \"%s\"",
            source.getFileName(), s.selector[CpuState.CS], s.rip, exit, machine.console);
    try {
      int line = Integer.parseInt(machine.console.toString(), 16);
      List<String> lines = Files.readAllLines(source);
      return line >= 1 && line <= lines.size() ? where + "; line " + line + ": " + lines.get(line - 1) : where;
    } catch (NumberFormatException | IOException e) {
      return where;
    }
  }
}
