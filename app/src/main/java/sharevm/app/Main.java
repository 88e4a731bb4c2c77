package sharevm.app;

/** Where the process starts. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit status. */
  public static void main(String[] arguments) {
    // Not System.exit, which first looks through all modules for someone who would log it: a fifth
    // of a short command. What hooks guard against, a signal's end, is not this one.
    Runtime.getRuntime().halt(run(arguments));
  }

  private static int run(String[] arguments) {
    // Asked often, by scripts; it need not wait for the parser.
    if (arguments.length == 1 && (arguments[0].equals("--version") || arguments[0].equals("-V"))) {
      System.out.println(Version.line());
      return ExitStatus.DONE;
    }
    return SharevmCommand.execute(arguments);
  }
}
