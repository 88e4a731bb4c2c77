package sharevm.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.Console;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The terminal that standard input is, and its mode: as found, or raw, when every key goes to the
 * program as it is pressed.
 *
 * <p>The mode as found comes back with {@link #restore()} or {@link #close()}, and at the latest
 * when the process ends, also when a signal ends it. The settings are kept as opaque bytes and
 * changed by the C library's own {@code cfmakeraw}, so that no layout or constant of them is needed
 * here.
 */
public final class Terminal implements AutoCloseable {
  /** The size of a terminal's window in characters, each at least 1. */
  public record Size(int columns, int rows) {}

  private static final int STANDARD_INPUT = 0;

  /** At least the size of {@code struct termios}: 60 bytes on Linux, 72 on macOS. */
  private static final long SETTINGS_BYTES = 128;

  /**
   * {@code TCSADRAIN} of POSIX termios.h, the same on Linux and macOS: change when output is sent.
   */
  private static final int AFTER_OUTPUT = 1;

  /** {@code TIOCGWINSZ} of Linux, asm-generic/ioctls.h. */
  private static final long GET_WINDOW_SIZE_LINUX = 0x5413;

  /** {@code TIOCGWINSZ} of macOS, sys/ttycom.h: {@code _IOR('t', 104, struct winsize)}. */
  private static final long GET_WINDOW_SIZE_MAC = 0x40087468;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment callState = CFunction.callState(arena);
  private final MemorySegment found = arena.allocate(SETTINGS_BYTES, 8);
  private final MemorySegment raw = arena.allocate(SETTINGS_BYTES, 8);
  private final CFunction setSettings = CFunction.of("tcsetattr");
  private final Thread restorer = new Thread(this::restoreAtExit, "terminal-restore");
  private boolean isRaw;
  private boolean isClosed;

  private Terminal() {}

  /** Returns the terminal that standard input is, or nothing when it is none or has no raw mode. */
  public static Optional<Terminal> ofStandardInput() {
    if (!isTerminal(STANDARD_INPUT)) {
      return Optional.empty();
    }
    Terminal terminal = new Terminal();
    if (!terminal.readSettings()) {
      terminal.arena.close();
      return Optional.empty();
    }
    return Optional.of(terminal);
  }

  /** Returns whether a file descriptor (0 input, 1 output, 2 errors) is a terminal. */
  public static boolean isTerminal(int descriptor) {
    if (!CLibrary.isPosix()) {
      return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }
    try (Arena scratch = Arena.ofConfined()) {
      return CFunction.of("isatty").callInt(CFunction.callState(scratch), descriptor) == 1;
    }
  }

  /** Every key goes to the program as it is pressed, unechoed, and output is sent as it is. */
  public synchronized void raw() {
    if (isRaw || isClosed) {
      return;
    }
    Runtime.getRuntime().addShutdownHook(restorer);
    isRaw = true;
    set(raw);
  }

  /** Gives the terminal back in the mode in which it was found. */
  public synchronized void restore() {
    if (!isRaw || isClosed) {
      return;
    }
    set(found);
    isRaw = false;
    try {
      Runtime.getRuntime().removeShutdownHook(restorer);
    } catch (IllegalStateException _) {
      // The process is ending already; the hook will find nothing to do.
    }
  }

  /** Returns the size of the window, or nothing when the terminal does not know. */
  public Optional<Size> size() {
    long request = CLibrary.isMac() ? GET_WINDOW_SIZE_MAC : GET_WINDOW_SIZE_LINUX;
    MethodHandle ioctl = ioctl();
    try (Arena scratch = Arena.ofConfined()) {
      // struct winsize: rows, columns, and two sizes in pixels, 16 bits each.
      MemorySegment window = scratch.allocate(JAVA_SHORT, 4);
      int result = (int) ioctl.invokeExact(STANDARD_INPUT, request, window);
      int rows = Short.toUnsignedInt(window.getAtIndex(JAVA_SHORT, 0));
      int columns = Short.toUnsignedInt(window.getAtIndex(JAVA_SHORT, 1));
      return result == 0 && rows > 0 && columns > 0
          ? Optional.of(new Size(columns, rows))
          : Optional.empty();
    } catch (Throwable thrown) {
      throw CFunction.unexpected(thrown);
    }
  }

  @SuppressWarnings("restricted") // This module is the one that may call native code.
  private static MethodHandle ioctl() {
    return Linker.nativeLinker()
        .downcallHandle(
            CFunction.address("ioctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
            Linker.Option.firstVariadicArg(2));
  }

  /** Restores the mode; afterwards this terminal changes nothing any more. */
  @Override
  public synchronized void close() {
    restore();
    if (!isClosed) {
      isClosed = true;
      arena.close();
    }
  }

  private boolean readSettings() {
    CFunction getSettings = CFunction.of("tcgetattr");
    if (getSettings.callInt(callState, STANDARD_INPUT, found.address()) != 0) {
      return false;
    }
    raw.copyFrom(found);
    CFunction.of("cfmakeraw").call(callState, raw.address());
    return true;
  }

  private void set(MemorySegment settings) {
    // A terminal that has gone away cannot be restored; there is nobody left to tell.
    setSettings.call(callState, STANDARD_INPUT, AFTER_OUTPUT, settings.address());
  }

  private synchronized void restoreAtExit() {
    if (isRaw && !isClosed) {
      set(found);
    }
  }
}
