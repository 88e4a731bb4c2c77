package sharevm.app;

/** Where the process starts. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit status. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
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
