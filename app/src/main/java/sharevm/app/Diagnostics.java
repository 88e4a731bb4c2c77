package sharevm.app;

import java.io.PrintStream;
import sharevm.disk.DiskException;
import sharevm.library.LibraryException;

/**
 * What the command says on standard error: one line for an error, more only if asked for. Safe for
 * several threads.
 */
final class Diagnostics {
  private final PrintStream errors;
  private final boolean verbose;
  private volatile boolean rawTerminal;

  Diagnostics(PrintStream errors, boolean verbose) {
    this.errors = errors;
    this.verbose = verbose;
  }

  /** Says whether standard error may be a terminal in raw mode, where a line end needs a return. */
  void rawTerminal(boolean isRaw) {
    rawTerminal = isRaw;
  }

  /** Writes a line under the command's name; line ends in it become semicolons. */
  void say(String line) {
    text(
        (rawTerminal ? "\r" : "")
            + "sharevm: "
            + line.strip().replaceAll("\\s*\\R\\s*", "; ")
            + "\n");
  }

  /** Writes text as it is. */
  void text(String text) {
    errors.print(rawTerminal ? text.replaceAll("\\R", "\r\n") : text);
    errors.flush();
  }

  /** Reports an error and returns the exit status for it. */
  int report(Throwable error) {
    int status = ExitStatus.FAILED;
    if (error instanceof LibraryException library) {
      say(library.getMessage());
      status = library.kind() == LibraryException.Kind.USAGE ? ExitStatus.USAGE : ExitStatus.FAILED;
    } else if (error instanceof DiskException disk) {
      say(disk.getMessage());
      status = disk.kind() == DiskException.Kind.INVALID ? ExitStatus.USAGE : ExitStatus.FAILED;
    } else if (error instanceof OutOfMemoryError) {
      say("out of memory: " + error.getMessage() + "; free some, or run a smaller guest");
    } else {
      say("internal error: " + error + "; please report it with what --verbose adds");
    }
    if (verbose) {
      error.printStackTrace(errors);
    }
    return status;
  }

  /** Writes text, if more was asked for. */
  void details(String text) {
    if (verbose) {
      text(text);
    }
  }
}
