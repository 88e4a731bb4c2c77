package sharevm.app;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command {@code sharevm} and what is common to all its subcommands. */
@Command(
    name = "sharevm",
    mixinStandardHelpOptions = true,
    description = "Runs unmodified operating systems in virtual machines, on any host with a Java runtime.")
final class SharevmCommand {
  static int execute(String... arguments) {
    return new CommandLine(new SharevmCommand()).execute(arguments);
  }
}
