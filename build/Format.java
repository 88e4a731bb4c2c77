import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Keeps every Java source in google-java-format.
 *
 * <p>Maven itself may run on an older JDK whose compiler, which the formatter parses with, does not
 * know this project's Java; so the build starts this program with the toolchain's {@code java}.
 *
 * <p>Usage: {@code java -cp google-java-format.jar Format.java check|apply FOLDER...}
 */
final class Format {
  private static final Formatter FORMATTER =
      new Formatter(JavaFormatterOptions.builder().formatJavadoc(true).build());

  private Format() {}

  public static void main(String[] arguments) throws IOException {
    boolean apply = arguments[0].equals("apply");
    int wrong = 0;
    for (Path file : sources(List.of(arguments).subList(1, arguments.length))) {
      String source = Files.readString(file);
      String formatted;
      try {
        formatted = format(source);
      } catch (FormatterException e) {
        System.err.println(file + ": cannot be parsed: " + e.getMessage());
        wrong++;
        continue;
      }
      if (formatted.equals(source)) {
        continue;
      }
      if (apply) {
        Files.writeString(file, formatted);
        System.out.println("formatted " + file);
      } else {
        System.err.println(file + ": not in the project's format");
        wrong++;
      }
    }
    if (wrong > 0) {
      System.err.println("Run: mvn -Pformat -N process-sources");
      System.exit(1);
    }
  }

  private static String format(String source) throws FormatterException {
    String ordered = ImportOrderer.reorderImports(source, JavaFormatterOptions.Style.GOOGLE);
    return FORMATTER.formatSource(RemoveUnusedImports.removeUnusedImports(ordered));
  }

  private static List<Path> sources(List<String> folders) throws IOException {
    try (Stream<Path> all =
        folders.stream()
            .map(Path::of)
            .filter(Files::isDirectory)
            .flatMap(
                folder -> {
                  try {
                    return Files.walk(folder);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                })) {
      return all.filter(Files::isRegularFile)
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.toString().contains("/target/"))
          .sorted()
          .toList();
    }
  }
}
