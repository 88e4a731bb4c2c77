package sharevm.app;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;

/**
 * The commands below a command. Describing one to the parser takes longer than most of them run, so
 * only those that the arguments speak of are described.
 */
public final class Subcommands {
  private final Map<String, Class<?>> classes = new LinkedHashMap<>();

  /** Adds a command behind the others. */
  public Subcommands with(String name, Class<?> type) {
    classes.put(name, type);
    return this;
  }

  /**
   * Adds the command that is named first, or all when the arguments start otherwise.
   *
   * @param arguments what follows the name of {@code line}'s command
   */
  public void addTo(CommandLine line, String... arguments) {
    boolean known = arguments.length > 0 && classes.containsKey(arguments[0]);
    Set<String> wanted = known ? Set.of(arguments[0]) : classes.keySet();
    classes.forEach(
        (name, type) -> {
          if (wanted.contains(name)) {
            line.addSubcommand(name, type);
          }
        });
  }
}
