package sharevm.app;

import java.io.ByteArrayOutputStream;

/**
 * Finds the commands in what is typed: Ctrl-A and a letter. Everything else is the guest's, and so
 * is a Ctrl-A typed twice.
 */
final class Escapes {
  /** What a piece of input asks for. */
  enum Command {
    /** Nothing but to pass the bytes on. */
    NONE,
    /** Leave and switch the guest off. */
    QUIT,
    /** Open the monitor. */
    MONITOR,
    /** Tell what Ctrl-A can do. */
    HELP
  }

  /** A piece of input up to and with the first command in it. */
  record Piece(byte[] forGuest, Command command, int consumed) {}

  private static final int CTRL_A = 1;
  private boolean escaped;

  /** Reads on from {@code start}. */
  Piece next(byte[] typed, int start, int end) {
    ByteArrayOutputStream forGuest = new ByteArrayOutputStream();
    int at = start;
    Command command = Command.NONE;
    while (at < end && command == Command.NONE) {
      int key = typed[at++];
      if (escaped) {
        escaped = false;
        command = command(key);
        if (key == CTRL_A || key == 'a') {
          forGuest.write(CTRL_A);
        }
      } else if (key == CTRL_A) {
        escaped = true;
      } else {
        forGuest.write(key);
      }
    }
    return new Piece(forGuest.toByteArray(), command, at - start);
  }

  private static Command command(int key) {
    return switch (key) {
      case 'x', 'X' -> Command.QUIT;
      case 'c', 'C' -> Command.MONITOR;
      case 'h', '?' -> Command.HELP;
      default -> Command.NONE;
    };
  }
}
