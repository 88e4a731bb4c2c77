package sharevm.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * A function of the C library whose arguments and result are whole numbers and addresses.
 *
 * <p>All are called in one form, as functions of six numbers: to link a form takes the JVM ten
 * milliseconds, and what a command does may be over in a hundred. The hosts' conventions pass the
 * first six whole numbers and addresses alike, ignore those that a function does not take, and an
 * {@code int} is the lower half of what comes back. Not so for functions of a variable number of
 * arguments, whose further ones some hosts look for elsewhere.
 */
final class CFunction {
  private static final int MOST_ARGUMENTS = 6;

  private static final FunctionDescriptor FORM =
      FunctionDescriptor.of(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  private static final Linker.Option ERROR_NUMBER = Linker.Option.captureCallState("errno");
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private final MethodHandle handle;

  private CFunction(MethodHandle handle) {
    this.handle = handle;
  }

  /**
   * Finds a function.
   *
   * @throws IllegalStateException if the library has none of that name
   */
  @SuppressWarnings("restricted") // This module is the one that may call native code.
  static CFunction of(String name) {
    return new CFunction(Linker.nativeLinker().downcallHandle(address(name), FORM, ERROR_NUMBER));
  }

  /**
   * Returns where a function is.
   *
   * @throws IllegalStateException if the library has none of that name
   */
  static MemorySegment address(String name) {
    return Linker.nativeLinker()
        .defaultLookup()
        .find(name)
        .orElseThrow(() -> new IllegalStateException("the C library has no " + name));
  }

  /** Allocates what the first argument of every call must be. */
  static MemorySegment callState(Arena arena) {
    return arena.allocate(STATE);
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
   * Calls the function.
   *
   * @param state where {@code errno} is left
   * @param arguments six at most
   */
  long call(MemorySegment state, long... arguments) {
    long[] a = Arrays.copyOf(arguments, MOST_ARGUMENTS);
    try {
      return (long) handle.invokeExact(state, a[0], a[1], a[2], a[3], a[4], a[5]);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  /** Calls a function that returns an {@code int}. */
  int callInt(MemorySegment state, long... arguments) {
    return (int) call(state, arguments);
  }
}
