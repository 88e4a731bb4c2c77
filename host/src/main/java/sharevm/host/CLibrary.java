package sharevm.host;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Functions of the C library, found by name.
 *
 * <p>Every handle made here takes as its first argument a segment of {@link #CALL_STATE}, in which
 * the call leaves {@code errno}.
 */
final class CLibrary {
  /** Where a call leaves {@code errno}. */
  static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();

  private static final VarHandle ERRNO = CALL_STATE.varHandle(PathElement.groupElement("errno"));

  private static final FunctionDescriptor MAP =
      FunctionDescriptor.of(
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG);

  private CLibrary() {}

  /** Whether the host's C library is one of those whose functions are called here. */
  static boolean isPosix() {
    String system = System.getProperty("os.name");
    return system.equals("Linux") || system.equals("Mac OS X");
  }

  /** Whether the host is macOS, where some constants differ from Linux's. */
  static boolean isMac() {
    return System.getProperty("os.name").equals("Mac OS X");
  }

  /**
   * Returns a function of the C library.
   *
   * @throws IllegalStateException if the library has none of that name
   */
  @SuppressWarnings("restricted") // This module is the one that may call native code.
  static MethodHandle function(String name, FunctionDescriptor type, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new IllegalStateException("the C library has no " + name));
    List<Linker.Option> all = new ArrayList<>(List.of(options));
    all.add(Linker.Option.captureCallState("errno"));
    return linker.downcallHandle(address, type, all.toArray(Linker.Option[]::new));
  }

  /** Returns the descriptor of a function from these to an {@code int}. */
  static FunctionDescriptor toInt(ValueLayout... arguments) {
    return FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments);
  }

  /** Allocates what the first argument of every handle must be. */
  static MemorySegment callState(Arena arena) {
    return arena.allocate(CALL_STATE);
  }

  /** Returns the error number that the last call with this state left. */
  static int errno(MemorySegment callState) {
    return (int) ERRNO.get(callState, 0L);
  }

  /** Turns what a method handle threw, which is always a bug, into an unchecked error. */
  static AssertionError unexpected(Throwable thrown) {
    return new AssertionError("a native call threw", thrown);
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
    MethodHandle map = function("mmap", MAP);
    try {
      return (long) map.invokeExact(state, address, bytes, protection, flags, descriptor, 0L);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  /** Ends the mapping of a range of addresses. */
  static void unmap(long address, long bytes) {
    try (Arena scratch = Arena.ofConfined()) {
      int _ =
          (int)
              function("munmap", toInt(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG))
                  .invokeExact(callState(scratch), address, bytes);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }
}
