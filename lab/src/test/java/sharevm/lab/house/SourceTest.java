package sharevm.lab.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the sources must look like beyond what the formatter and the compiler see to. */
final class SourceTest {
  /** The longest file in lines; one idea a file is well below. */
  private static final int LONGEST_FILE = 700;

  /** The longest line; the formatter wraps at 100 all but long words. */
  private static final int LONGEST_LINE = 130;

  private static final Path ROOT = root();

  @Test
  void filesAreOfReadableSize() throws IOException {
    Set<String> wrong = new TreeSet<>();
    for (Path file : sources()) {
      List<String> lines = Files.readAllLines(file);
      if (lines.size() > LONGEST_FILE) {
        wrong.add(ROOT.relativize(file) + ": " + lines.size() + " lines");
      }
      for (int i = 0; i < lines.size(); i++) {
        if (lines.get(i).length() > LONGEST_LINE) {
          wrong.add(ROOT.relativize(file) + ":" + (i + 1) + ": a line of " + lines.get(i).length());
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void nothingIsLeftToDoInComments() throws IOException {
    Set<String> wrong = new TreeSet<>();
    for (Path file : sources()) {
      // Written in two parts, so as not to find itself.
      if (Files.readString(file).matches("(?s).*\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b.*")) {
        wrong.add(ROOT.relativize(file).toString());
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(ROOT)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.toString().contains("/target/"))
          .toList();
    }
  }

  /** The checkout: where the license is, at or above the folder in which the test runs. */
  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("LICENSE"))) {
      folder = folder.getParent();
    }
    return folder;
  }
}
