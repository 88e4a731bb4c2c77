package sharevm.lab.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.lab.Engines;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/**
 * Runs the test programs of the system side of the processor: modes, gates, paging, faults, task
 * switches, debug registers. Each is one file of the folder {@code programs}, checks itself and
 * says what must hold.
 */
final class ProgramTest {
  private static final long BUDGET = 20_000_000;

  /** The exit device ends with twice the value and one more. */
  private static final int PASSED_EXIT_STATUS = 1;

  /** How a program says that it wants more processors than one. */
  private static final Pattern PROCESSORS = Pattern.compile("%define PROCESSORS (\\d+)");

  @TempDir static Path scratch;

  @BeforeAll
  static void needsAssembler() {
    assumeTrue(isPresent("nasm"), "nasm is not on the path: the system test programs are not run");
  }

  private static boolean isPresent(String tool) {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
  }

  /** Every program with every engine that this host has. */
  static Stream<Arguments> programsAndEngines() throws IOException, URISyntaxException {
    return programs().stream()
        .flatMap(program -> Engines.all().stream().map(engine -> Arguments.of(program, engine)));
  }

  private static List<String> programs() throws IOException, URISyntaxException {
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
  @MethodSource("programsAndEngines")
  void holds(String name, EngineFactory engine) throws Exception {
    Path source = Path.of(ProgramTest.class.getResource("/programs/" + name).toURI());
    Matcher several = PROCESSORS.matcher(Files.readString(source));
    int processors = several.find() ? Integer.parseInt(several.group(1)) : 1;
    ProgramMachine machine =
        new ProgramMachine(assemble(source, "-DSHAREVM"), CpuModel.standard(), processors, engine);

    Exit exit = machine.runAll(BUDGET);

    assertThat(machine.exitValue).as(() -> failure(source, machine, exit)).isZero();
  }

  /** Every program with every way of the translator to work. */
  static Stream<Arguments> programsAndTunings() throws IOException, URISyntaxException {
    return programs().stream()
        .flatMap(program -> Engines.tunings().stream().map(way -> Arguments.of(program, way)));
  }

  @ParameterizedTest
  @MethodSource("programsAndTunings")
  void holdsHoweverTheTranslatorWorks(String name, Tuning tuning) throws Exception {
    assumeTrue(Engines.canTranslate(), "no translator for this host");
    holds(name, Translator.factory(tuning));
  }

  /**
   * Proves the programs' expectations by an emulator that others wrote. Where that is known to
   * differ from the manuals a program leaves the check out ({@code %ifdef QEMU}) and says why.
   */
  @Tag("long")
  @ParameterizedTest
  @MethodSource("programs")
  void holdsUnderQemu(String name) throws Exception {
    String qemu = "qemu-system-x86_64";
    assumeTrue(isPresent(qemu), qemu + " is not on the path: nobody else proves the programs");
    Path source = Path.of(ProgramTest.class.getResource("/programs/" + name).toURI());
    Path console = scratch.resolve(name + ".console");
    assemble(source, "-DQEMU");

    Process process =
        new ProcessBuilder(
                qemu,
                "-accel",
                "tcg",
                "-cpu",
                "max",
                "-m",
                "16",
                "-display",
                "none",
                "-no-reboot",
                "-bios",
                image(source).toString(),
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=4",
                "-debugcon",
                "file:" + console)
            .redirectErrorStream(true)
            .redirectOutput(scratch.resolve(name + ".out").toFile())
            .start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();

    assertThat(ended).as("%s ends", name).isTrue();
    assertThat(process.exitValue())
        .as("%s, console: %s", name, Files.exists(console) ? Files.readString(console) : "")
        .isEqualTo(PASSED_EXIT_STATUS);
  }

  private static Path image(Path source) {
    return scratch.resolve(source.getFileName() + ".bin");
  }

  private static byte[] assemble(Path source, String definition)
      throws IOException, InterruptedException {
    Path image = image(source);
    Process nasm =
        new ProcessBuilder(
                "nasm", definition, "-f", "bin", "-o", image.toString(), source.toString())
            .directory(source.getParent().toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(nasm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
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
      return line >= 1 && line <= lines.size()
          ? where + "; line " + line + ": " + lines.get(line - 1)
          : where;
    } catch (NumberFormatException | IOException e) {
      return where;
    }
  }
}
