package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * The programs that these images are held against. A test without its program is skipped by name.
 */
public final class Tools {
  private Tools() {}

  /** What a program said and how it ended. */
  public record Result(int status, String output) {}

  /** Runs a program that must succeed and returns what it printed. */
  public static String run(Object... command) {
    Result result = tryRun(command);
    assertThat(result.status()).as(List.of(command) + "\n" + result.output()).isZero();
    return result.output();
  }

  /** Runs a program. */
  public static Result tryRun(Object... command) {
    List<String> words = new ArrayList<>();
    for (Object word : command) {
      words.add(word.toString());
    }
    requireTool(words.getFirst());
    try {
      Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(words + " does not end");
      }
      return new Result(process.exitValue(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Skips the test when a program is not installed. */
  public static void requireTool(String name) {
    boolean found = false;
    for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      found |= Files.isExecutable(Path.of(directory, name));
    }
    Assumptions.assumeTrue(found, name + " is not installed; see .ci/run for the packages");
  }
}
