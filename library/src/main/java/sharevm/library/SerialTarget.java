package sharevm.library;

import java.nio.file.Path;

/** What a guest's serial port is connected to. */
public sealed interface SerialTarget {
  /** Standard input and output. */
  record Stdio() implements SerialTarget {}

  /** A file that takes the output; there is no input. */
  record ToFile(Path path) implements SerialTarget {}

  /** Nothing. */
  record None() implements SerialTarget {}

  /** Reads what the command line says: {@code stdio}, {@code none} or the name of a file. */
  static SerialTarget parse(String text) {
    return switch (text) {
      case "stdio" -> new Stdio();
      case "none" -> new None();
      case "" -> throw new IllegalArgumentException("give stdio, none or the name of a file");
      default -> new ToFile(Path.of(text));
    };
  }
}
