package sharevm.app.disk;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes maps, lists, texts, numbers and truth values as JSON (RFC 8259). */
final class Json {
  private Json() {}

  static String of(Object value) {
    return of(value, "");
  }

  private static String of(Object value, String indent) {
    String inner = indent + "  ";
    return switch (value) {
      case null -> "null";
      case Map<?, ?> map when map.isEmpty() -> "{}";
      case List<?> list when list.isEmpty() -> "[]";
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> inner + text(entry.getKey()) + ": " + of(entry.getValue(), inner))
              .collect(Collectors.joining(",\n", "{\n", "\n" + indent + "}"));
      case List<?> list ->
          list.stream()
              .map(entry -> inner + of(entry, inner))
              .collect(Collectors.joining(",\n", "[\n", "\n" + indent + "]"));
      case Number number -> number.toString();
      case Boolean truth -> truth.toString();
      case Object other -> text(other);
    };
  }

  private static String text(Object value) {
    StringBuilder out = new StringBuilder("\"");
    value
        .toString()
        .chars()
        .forEach(
            c -> {
              switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c < 0x20 || c == 0x7f) {
                    out.append(String.format("\\u%04x", c));
                  } else {
                    out.append((char) c);
                  }
                }
              }
            });
    return out.append('"').toString();
  }
}
