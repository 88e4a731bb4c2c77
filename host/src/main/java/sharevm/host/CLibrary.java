package sharevm.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What several classes ask of the C library, and which one it is. */
final class CLibrary {
  /** {@code MFD_CLOEXEC} of Linux, linux/memfd.h. */
  private static final int CLOSE_ON_EXEC = 1;

  /** {@code MADV_POPULATE_READ} and {@code _WRITE} of Linux 5.14, asm-generic/mman-common.h. */
  private static final int POPULATE_READ = 22;

  private static final int POPULATE_WRITE = 23;

  private CLibrary() {}

  /** Found when it is first called, and then once for all, since it is called often. */
  private static final class Madvise {
    private static final CFunction FUNCTION = CFunction.of("madvise");
  }

  /** Whether the host's C library is one of those whose functions are called here. */
  static boolean isPosix() {
    return isLinux() || isMac();
  }

  /** Whether the host is Linux. */
  static boolean isLinux() {
    return System.getProperty("os.name").equals("Linux");
  }

  /** Whether the host is macOS, where some constants differ from Linux's. */
  static boolean isMac() {
    return System.getProperty("os.name").equals("Mac OS X");
  }

  /**
   * Makes a file in memory, which Linux has.
   *
   * @param state where {@code errno} is left
   * @return its descriptor, or -1
   * @throws IllegalStateException if the library has no such function
   */
  static int memoryFile(MemorySegment state, String name) {
    try (Arena scratch = Arena.ofConfined()) {
      long text = scratch.allocateFrom(name).address();
      return CFunction.of("memfd_create").callInt(state, text, CLOSE_ON_EXEC);
    }
  }

  /** Closes a descriptor. */
  static void close(int descriptor) {
    try (Arena scratch = Arena.ofConfined()) {
      CFunction.of("close").call(CFunction.callState(scratch), descriptor);
    }
  }

  /**
   * Calls {@code mmap}, for a file from its beginning on.
   *
   * @param state where {@code errno} is left
   * @return the address, or -1
   * @throws IllegalStateException if the library has none
   */
  static long map(
      MemorySegment state, long address, long bytes, int protection, int flags, int descriptor) {
    return CFunction.of("mmap").call(state, address, bytes, protection, flags, descriptor, 0);
  }

  /**
   * Has the host make the pages of a range ready to be touched, all at once, which costs it less
   * than one by one. A host that cannot does nothing: it will make each when it is touched.
   *
   * @param address of a page
   * @param bytes a multiple of a page
   */
  static void populate(long address, long bytes, boolean write) {
    if (isLinux()) {
      try (Arena scratch = Arena.ofConfined()) {
        MemorySegment state = CFunction.callState(scratch);
        Madvise.FUNCTION.call(state, address, bytes, write ? POPULATE_WRITE : POPULATE_READ);
      }
    }
  }

  /** Ends the mapping of a range of addresses. */
  static void unmap(long address, long bytes) {
    try (Arena scratch = Arena.ofConfined()) {
      CFunction.of("munmap").call(CFunction.callState(scratch), address, bytes);
    }
  }
}
