package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.CpuModel;

/** What is asked in a wrong way gets one line that says what to do, and the right status. */
@Timeout(60)
final class CommandTest {
  /** Takes no byte (full(4)). */
  private static final Path FULL = Path.of("/dev/full");

  @TempDir private Path folder;

  static Stream<Arguments> wrongUsage() {
    return Stream.of(
        usage("there is no command 'fun'", "fun"),
        usage("unknown option: '--foo'", "run", "--foo"),
        usage("did you mean --memory?", "run", "--memori", "1G"),
        usage("there is no guest 'nobody'", "run", "nobody"),
        usage("leave out one of 'mini' and --kernel", "run", "mini", "--kernel", "x"),
        usage("--initrd is nothing without a kernel", "run", "--initrd", "x"),
        usage("choose whole MiB from 16M to 64G", "run", "--memory", "8M"),
        usage("choose whole MiB from 16M to 64G", "run", "--memory", "65G"),
        usage("choose whole MiB from 16M to 64G", "run", "--memory", "17000K"),
        usage("larger than any size", "run", "--memory", "999999999999T"),
        usage("'512' is no size", "run", "--memory", "512"),
        usage("'-1M' is no size", "run", "--memory=-1M"),
        usage("choose 1 to 16", "run", "--cpus", "0"),
        usage("choose 1 to 16", "run", "--cpus", "17"),
        usage("'-1' is no whole number", "run", "--cpus=-1"),
        usage("'99999999999' is no whole number", "run", "--cpus", "99999999999"),
        usage("'fast' is none of auto, translator, interpreter", "run", "--engine", "fast"),
        usage("there is no processor model 'z80'", "run", "--cpu", "z80"),
        usage("'60' is no time", "run", "--timeout", "60"),
        usage("a timeout of nothing", "run", "--timeout", "0s"),
        usage("'cake' is none of", "run", "--trace", "apic,cake"),
        usage("'cake' is none of debug-exit", "run", "--device", "cake"),
        usage("'user' is not there yet", "run", "--net", "user"),
        usage("give the name of a file", "run", "--kernel", ""),
        usage("missing required parameter for option '--append'", "run", "--append"));
  }

  private static Arguments usage(String message, String... arguments) {
    return Arguments.of(message, List.of(arguments));
  }

  @ParameterizedTest
  @MethodSource
  void wrongUsage(String message, List<String> arguments) {
    Answer answer = Answer.to(arguments.toArray());
    assertThat(answer.err()).contains(message);
    assertOneLine(answer, ExitStatus.USAGE);
  }

  @Test
  void kernelsThatAreNone() throws IOException {
    Path text = Files.writeString(folder.resolve("text"), "hello");
    Path empty = Files.writeString(folder.resolve("empty"), "");
    for (Path kernel : List.of(folder.resolve("missing"), folder, text, empty)) {
      Answer answer = Answer.to("run", "--kernel", kernel.toString());
      assertThat(answer.err()).contains(kernel.toString());
      assertOneLine(answer, ExitStatus.FAILED);
    }
  }

  @Test
  void anEngineThatIsNotThere() {
    assertOneLine(Answer.to("run", "--engine", "magic"), ExitStatus.USAGE);
  }

  @Test
  void serialOutputThatCannotBeWritten() {
    Answer answer = Answer.to("run", "--serial", folder.resolve("no/file").toString());
    assertThat(answer.err()).contains("its folder does not exist");
    assertOneLine(answer, ExitStatus.FAILED);
    assertOneLine(Answer.to("run", "--serial", folder.toString()), ExitStatus.FAILED);
  }

  @Test
  void kernelsAndInitialFileSystemsThatDoNotFit() throws IOException {
    Path kernel = Files.write(folder.resolve("kernel"), TinyKernel.of(0xEB, 0xFE));
    Path initrd = folder.resolve("initrd");
    try (RandomAccessFile file = new RandomAccessFile(initrd.toFile(), "rw")) {
      file.setLength(64L << 20);
    }
    Answer large =
        Answer.to(
            "run", "--kernel", kernel.toString(), "--initrd", initrd.toString(), "--memory", "32M");
    assertThat(large.err()).contains("memory");
    assertOneLine(large, ExitStatus.FAILED);
    Answer missing =
        Answer.to(
            "run", "--kernel", kernel.toString(), "--initrd", folder.resolve("none").toString());
    assertThat(missing.err()).contains("no such file");
    assertOneLine(missing, ExitStatus.FAILED);
    Path text = Files.writeString(folder.resolve("cut"), "\u007fELF");
    assertOneLine(Answer.to("run", "--kernel", text.toString()), ExitStatus.FAILED);
  }

  @Test
  void filesThatMayNotBeRead() throws IOException {
    Path kernel = Files.write(folder.resolve("secret"), TinyKernel.of(0xEB, 0xFE));
    assumeTrue(kernel.toFile().setReadable(false) && !Files.isReadable(kernel), "root reads all");
    Answer answer = Answer.to("run", "--kernel", kernel.toString());
    assertThat(answer.err()).contains("may not be read");
    assertOneLine(answer, ExitStatus.FAILED);
  }

  /** What a guest said and nobody keeps is a failure, though the guest itself did well. */
  @Test
  void aFullDiskBehindTheSerialPortFailsTheRun() throws IOException {
    assumeTrue(Files.isWritable(FULL), "needs " + FULL);
    // mov dx, 3F8h; mov al, 'x'; out dx, al; jmp $-3
    Path kernel =
        Files.write(
            folder.resolve("talker"),
            TinyKernel.of(0x66, 0xBA, 0xF8, 0x03, 0xB0, 'x', 0xEE, 0xEB, 0xFD));
    Answer answer =
        Answer.to(
            "run", "--kernel", kernel.toString(), "--serial", FULL.toString(), "--timeout", "50s");
    assertThat(answer.err()).contains("the disk full");
    assertOneLine(answer, ExitStatus.FAILED);
  }

  @Test
  void verboseAddsTheStackTrace() {
    Answer answer = Answer.to("run", "--verbose", "--kernel", folder.resolve("missing").toString());
    assertThat(answer.err()).contains("LibraryException").contains("\tat ");
  }

  @Test
  void helpAndVersionGoToStandardOutput() {
    Answer help = Answer.to("run", "--help");
    assertThat(help.status()).isZero();
    assertThat(help.err()).isEmpty();
    assertThat(help.out()).contains("--kernel", "--memory", "--timeout", "Exit status", "Ctrl-A x");
    assertThat(help.out().lines())
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
    assertThat(Answer.to("--help").out()).contains("run").doesNotContain("warm-up");
    assertThat(Answer.to("--version").out()).startsWith("sharevm ");
    assertThat(Answer.to().out()).contains("Usage: sharevm");
  }

  @Test
  void everyProcessorModelIsNamedAndTaken() {
    String help = Answer.to("run", "--help").out();
    for (String model : CpuModel.names()) {
      assertThat(help).contains(model);
      Answer answer = Answer.to("run", "--cpu", model, "--kernel", "/nonexistent");
      assertThat(answer.err()).contains("/nonexistent");
    }
    assertThat(Answer.to("run", "--cpu", "z80").err())
        .contains(String.join(", ", CpuModel.names()));
  }

  private static void assertOneLine(Answer answer, int status) {
    assertThat(answer.err()).startsWith("sharevm: ").endsWith("\n");
    assertThat(answer.err().lines()).hasSize(1);
    assertThat(answer.out()).isEmpty();
    assertThat(answer.status()).isEqualTo(status);
  }
}
