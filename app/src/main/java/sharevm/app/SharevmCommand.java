package sharevm.app;

import java.io.PrintStream;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;
import sharevm.app.disk.DiskCommand;
import sharevm.library.HostHoles;

/** The command {@code sharevm} and what all its subcommands have in common. */
final class SharevmCommand implements Runnable {
  private final OptionSpec help =
      OptionSpec.builder("-h", "--help")
          .type(boolean.class)
          .usageHelp(true)
          .scopeType(ScopeType.INHERIT)
          .description("Show this help.")
          .build();
  private final OptionSpec version =
      OptionSpec.builder("-V", "--version")
          .type(boolean.class)
          .versionHelp(true)
          .description("Show the version.")
          .build();
  private final OptionSpec verbose =
      OptionSpec.builder("--verbose")
          .type(boolean.class)
          .initialValue(false)
          .scopeType(ScopeType.INHERIT)
          .description("Add details and stack traces to errors.")
          .build();
  private final CommandSpec spec = Arguments.command(this, help, version, verbose);

  private SharevmCommand() {
    spec.name("sharevm").versionProvider(new Version());
    spec.usageMessage()
        .synopsisSubcommandLabel("COMMAND")
        .header("Runs unmodified operating systems on any host with a Java runtime.")
        .optionListHeading("%nOptions:%n")
        .commandListHeading("%nCommands:%n")
        .footer(
            "",
            "'sharevm run' boots a small Linux; 'sharevm run --help' tells all that a run can be.");
  }

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
    CommandLine line = new CommandLine(command.spec);
    new Subcommands()
        .with("run", () -> new RunCommand(command::diagnostics).spec())
        .with("disk", DiskCommand::describe)
        .with("warm-up", () -> new WarmUpCommand().spec())
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
    return new Diagnostics(System.err, Arguments.given(verbose));
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
