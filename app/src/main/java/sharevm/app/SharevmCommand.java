package sharevm.app;

import java.io.PrintStream;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;
import sharevm.app.disk.DiskCommand;
import sharevm.library.HostHoles;

/** The command {@code sharevm} and what all its subcommands have in common. */
@Command(
    name = "sharevm",
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    header = "Runs unmodified operating systems on any host with a Java runtime.",
    optionListHeading = "%nOptions:%n",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "'sharevm run' boots a small Linux; 'sharevm run --help' tells all that a run can be."
    })
final class SharevmCommand implements Runnable {
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  private boolean help;

  @SuppressWarnings("UnusedVariable") // picocli acts on it
  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  private boolean version;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Add details and stack traces to errors.")
  private boolean verbose;

  @Spec private CommandSpec spec;

  private SharevmCommand() {}

  /** Parses and executes; returns the exit status. */
  static int execute(String... arguments) {
    if (arguments.length > 1 && arguments[0].equals("disk")) {
      // Takes as long as the parser, and as most disk commands themselves.
      Thread.ofPlatform().daemon().start(HostHoles::prepare);
    }
    SharevmCommand command = new SharevmCommand();
    CommandLine line = describe(command, arguments);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setExecutionExceptionHandler((e, _, _) -> command.diagnostics().report(e));
    line.setParameterExceptionHandler((e, _) -> command.wrongUsage(e));
    return line.execute(arguments);
  }

  private static CommandLine describe(SharevmCommand command, String... arguments) {
    CommandLine line = new CommandLine(command);
    new Subcommands()
        .with("run", RunCommand.class)
        .with("disk", DiskCommand.class)
        .with("warm-up", WarmUpCommand.class)
        .addTo(line, arguments);
    CommandLine disk = line.getSubcommands().get("disk");
    if (disk != null) {
      String[] rest = Arrays.stream(arguments).skip(1).toArray(String[]::new);
      DiskCommand.commands().addTo(disk, rest);
    }
    return line;
  }

  /** The parser of {@link #execute}, with all commands, or with the named one only. */
  static CommandLine describe(String... arguments) {
    return describe(new SharevmCommand(), arguments);
  }

  Diagnostics diagnostics() {
    return new Diagnostics(System.err, verbose);
  }

  @Override
  public void run() {
    PrintStream out = System.out;
    spec.commandLine().usage(out);
  }

  private int wrongUsage(ParameterException e) {
    String help = e.getCommandLine().getCommandSpec().qualifiedName() + " --help";
    String suggestion = "";
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      suggestion = "; did you mean " + unmatched.getSuggestions().getFirst() + "?";
    }
    diagnostics().say(message(e) + suggestion + "; see '" + help + "'");
    return ExitStatus.USAGE;
  }

  private String message(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.isUnknownOption()
        && e.getCommandLine().equals(spec.commandLine())) {
      return "there is no command '" + unmatched.getUnmatched().getFirst() + "'";
    }
    String text = e.getMessage();
    return Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }
}
