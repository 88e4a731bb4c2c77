package sharevm.app;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The commands below a command. Describing one to the parser takes longer than most of them run, so
 * only those that the arguments speak of are described.
 */
public final class Subcommands {
  private final Map<String, Supplier<CommandSpec>> commands = new LinkedHashMap<>();

  /** Adds a command behind the others. */
  public Subcommands with(String name, Supplier<CommandSpec> description) {
    commands.put(name, description);
    return this;
  }

  /**
   * Adds the command that is named first, or all when the arguments start otherwise.
   *
   * @param arguments what follows the name of {@code line}'s command
   */
  public void addTo(CommandLine line, String... arguments) {
    boolean known = arguments.length > 0 && commands.containsKey(arguments[0]);
    Set<String> wanted = known ? Set.of(arguments[0]) : commands.keySet();
    commands.forEach(
        (name, description) -> {
          if (wanted.contains(name)) {
            line.addSubcommand(name, description.get());
          }
        });
  }
}
