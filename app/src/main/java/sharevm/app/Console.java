package sharevm.app;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;
import sharevm.host.Terminal;
import sharevm.library.VirtualMachine;

/**
 * Standard input as a guest's keyboard: on a terminal in raw mode and with commands, else byte by
 * byte.
 */
final class Console {
  private static final int CHUNK = 4096;

  private final VirtualMachine machine;
  private final Optional<Terminal> terminal;
  private final Diagnostics diagnostics;
  private final Escapes escapes = new Escapes();
  // Not System.in, which reads ahead: what the monitor reads must be what was typed there.
  private final InputStream input = new FileInputStream(FileDescriptor.in);

  Console(VirtualMachine machine, Optional<Terminal> terminal, Diagnostics diagnostics) {
    this.machine = machine;
    this.terminal = terminal;
    this.diagnostics = diagnostics;
  }

  /** Begins to read. */
  void start() {
    raw();
    Thread.ofPlatform().daemon().name("console").start(this::read);
  }

  /** Gives the terminal back; what is typed from now on is not the guest's any more. */
  void end() {
    terminal.ifPresent(Terminal::close);
    diagnostics.rawTerminal(false);
  }

  private void raw() {
    terminal.ifPresent(Terminal::raw);
    diagnostics.rawTerminal(terminal.isPresent());
  }

  private void read() {
    byte[] chunk = new byte[CHUNK];
    try {
      for (int count = input.read(chunk); count >= 0; count = input.read(chunk)) {
        if (terminal.isEmpty()) {
          machine.serialInput().send(Arrays.copyOf(chunk, count));
        } else {
          typed(chunk, count);
        }
      }
    } catch (IOException e) {
      diagnostics.say("standard input cannot be read any more: " + e.getMessage());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void typed(byte[] keys, int count) throws IOException, InterruptedException {
    int at = 0;
    while (at < count) {
      Escapes.Piece piece = escapes.next(keys, at, count);
      at += piece.consumed();
      machine.serialInput().send(piece.forGuest());
      switch (piece.command()) {
        case NONE -> {}
        case QUIT -> machine.stop();
        case HELP ->
            diagnostics.say(
                "Ctrl-A x leaves, Ctrl-A c opens the monitor, Ctrl-A Ctrl-A sends a Ctrl-A");
        case MONITOR -> monitor();
      }
    }
  }

  private void monitor() throws IOException {
    terminal.ifPresent(Terminal::restore);
    diagnostics.rawTerminal(false);
    new Monitor(machine, input, diagnostics).run();
    raw();
  }
}
