package sharevm.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.charset.Charset;
import java.nio.file.Path;

/**
 * A file's holes: {@code lseek(2)} finds them, {@code fallocate(2)} makes them. Safe for several
 * threads: nobody else uses the descriptor's position.
 */
public final class SparseFile implements AutoCloseable {
  private static final int READ_ONLY = 0;
  private static final int READ_WRITE = 2;

  /** {@code O_CLOEXEC}, fcntl.h of Linux and of macOS. */
  private static final int CLOSE_ON_EXEC_LINUX = 0x80000;

  private static final int CLOSE_ON_EXEC_MAC = 0x1000000;

  /** {@code ENXIO}, the same on both: there is no data behind the position. */
  private static final int NO_DATA = 6;

  /** {@code FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE}, linux/falloc.h. */
  private static final int PUNCH = 3;

  /**
   * What every file needs; linked together when the first file is opened.
   *
   * <p>All are called as functions of three numbers: linking one form takes 15 ms, each further one
   * as long again, and a conversion is over in 300. The hosts' conventions pass the first three
   * whole numbers and pointers alike, ignore those that a function does not take, and an {@code
   * int} is the lower half of what comes back. Only an {@code open} that creates a file, which none
   * does here, would look for its third argument elsewhere on some hosts.
   */
  private static final class Functions {
    private static final FunctionDescriptor FORM =
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    static final MethodHandle OPEN = CLibrary.function("open", FORM);
    static final MethodHandle SEEK = CLibrary.function("lseek", FORM);
    static final MethodHandle CLOSE = CLibrary.function("close", FORM);

    private Functions() {}
  }

  /** What only Linux has, and few files need. */
  private static final class Punching {
    static final MethodHandle FALLOCATE =
        CLibrary.function(
            "fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));

    private Punching() {}
  }

  private final int descriptor;

  private SparseFile(int descriptor) {
    this.descriptor = descriptor;
  }

  /** Whether this host can be asked. */
  public static boolean isSupported() {
    return CLibrary.isPosix();
  }

  /**
   * Does what the first {@link #open} would do once and for all; another thread has time for it.
   */
  public static void prepare() {
    try {
      MethodHandles.lookup().ensureInitialized(Functions.class);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Opens a file. Closing it drops all record locks that the process has on it, as POSIX wants.
   *
   * @throws HostException if the host refuses
   */
  public static SparseFile open(Path path, boolean writable) throws HostException {
    int closeOnExec = CLibrary.isMac() ? CLOSE_ON_EXEC_MAC : CLOSE_ON_EXEC_LINUX;
    int flags = (writable ? READ_WRITE : READ_ONLY) | closeOnExec;
    try (Arena arena = Arena.ofConfined()) {
      Charset names = Charset.forName(System.getProperty("sun.jnu.encoding"));
      MemorySegment name = arena.allocateFrom(path.toString(), names);
      MemorySegment state = CLibrary.callState(arena);
      int descriptor =
          (int) (long) Functions.OPEN.invokeExact(state, name.address(), (long) flags, 0L);
      if (descriptor < 0) {
        throw new HostException(path + " cannot be opened: error " + CLibrary.errno(state));
      }
      return new SparseFile(descriptor);
    } catch (HostException e) {
      throw e;
    } catch (Throwable t) {
      throw CLibrary.unexpected(t);
    }
  }

  /**
   * Returns the least position from {@code position} on that may hold data, or {@link
   * Long#MAX_VALUE} when only holes follow.
   */
  public long nextData(long position) {
    return seek(position, CLibrary.isMac() ? 4 : 3, position);
  }

  /** Returns the least position from {@code position} on that is in a hole or at the end. */
  public long nextHole(long position) {
    return seek(position, CLibrary.isMac() ? 3 : 4, Long.MAX_VALUE);
  }

  /** A file system that does not know gets {@code unknown}. */
  private long seek(long position, int whence, long unknown) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = CLibrary.callState(arena);
      long found =
          (long) Functions.SEEK.invokeExact(state, (long) descriptor, position, (long) whence);
      if (found >= 0) {
        return found;
      }
      return CLibrary.errno(state) == NO_DATA ? Long.MAX_VALUE : unknown;
    } catch (Throwable t) {
      throw CLibrary.unexpected(t);
    }
  }

  /**
   * Makes a range of a file that is open for writing a hole, without changing the file's length.
   *
   * @return false when the host or its file system cannot
   */
  public boolean punch(long position, long length) {
    if (CLibrary.isMac()) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = CLibrary.callState(arena);
      return (int) Punching.FALLOCATE.invokeExact(state, descriptor, PUNCH, position, length) == 0;
    } catch (Throwable t) {
      throw CLibrary.unexpected(t);
    }
  }

  @Override
  public void close() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = CLibrary.callState(arena);
      // Nothing is written through this descriptor, so nothing can be lost with it.
      long _ = (long) Functions.CLOSE.invokeExact(state, (long) descriptor, 0L, 0L);
    } catch (Throwable t) {
      throw CLibrary.unexpected(t);
    }
  }
}
