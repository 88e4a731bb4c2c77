package sharevm.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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

  /** What every file needs; linked together when the first file is opened. */
  private static final class Functions {
    static final CFunction OPEN = CFunction.of("open");
    static final CFunction SEEK = CFunction.of("lseek");
    static final CFunction CLOSE = CFunction.of("close");

    private Functions() {}
  }

  /** What only Linux has, and few files need. */
  private static final class Punching {
    static final CFunction FALLOCATE = CFunction.of("fallocate");

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
      MemorySegment state = CFunction.callState(arena);
      // Only one that creates a file, which none does here, has a third argument of its own kind.
      int descriptor = Functions.OPEN.callInt(state, name.address(), flags);
      if (descriptor < 0) {
        throw new HostException(path + " cannot be opened: error " + CFunction.errno(state));
      }
      return new SparseFile(descriptor);
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
      MemorySegment state = CFunction.callState(arena);
      long found = Functions.SEEK.call(state, descriptor, position, whence);
      if (found >= 0) {
        return found;
      }
      return CFunction.errno(state) == NO_DATA ? Long.MAX_VALUE : unknown;
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
      MemorySegment state = CFunction.callState(arena);
      return Punching.FALLOCATE.callInt(state, descriptor, PUNCH, position, length) == 0;
    }
  }

  @Override
  public void close() {
    try (Arena arena = Arena.ofConfined()) {
      // Nothing is written through this descriptor, so nothing can be lost with it.
      Functions.CLOSE.call(CFunction.callState(arena), descriptor);
    }
  }
}
