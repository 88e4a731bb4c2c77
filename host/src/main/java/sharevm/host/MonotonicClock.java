package sharevm.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalLong;

/** The clock that {@link System#nanoTime} reads, for machine code. */
public final class MonotonicClock {
  /** {@code CLOCK_MONOTONIC} of Linux, linux/time.h. */
  public static final int NUMBER = 1;

  private static final long SECOND = 1_000_000_000;
  private static final String FUNCTION = "clock_gettime";

  private MonotonicClock() {}

  /**
   * Returns the address of the C library's {@code clock_gettime}, which puts seconds and
   * nanoseconds of the clock {@link #NUMBER}, eight bytes each, where its second argument points;
   * or nothing on a host where that is not what {@link System#nanoTime} counts.
   */
  public static OptionalLong function() {
    if (!System.getProperty("os.name").equals("Linux") || !isNanoTime()) {
      return OptionalLong.empty();
    }
    return Linker.nativeLinker()
        .defaultLookup()
        .find(FUNCTION)
        .map(function -> OptionalLong.of(function.address()))
        .orElse(OptionalLong.empty());
  }

  private static boolean isNanoTime() {
    try (Arena scratch = Arena.ofConfined()) {
      MethodHandle read = CLibrary.function(FUNCTION, CLibrary.toInt(JAVA_INT, ADDRESS));
      MemorySegment time = scratch.allocate(2 * JAVA_LONG.byteSize(), JAVA_LONG.byteSize());
      long before = System.nanoTime();
      int result = (int) read.invokeExact(CLibrary.callState(scratch), NUMBER, time);
      long after = System.nanoTime();
      long nanos = time.get(JAVA_LONG, 0) * SECOND + time.get(JAVA_LONG, JAVA_LONG.byteSize());
      return result == 0 && before <= nanos && nanos <= after;
    } catch (IllegalStateException e) {
      return false;
    } catch (Throwable thrown) {
      throw CLibrary.unexpected(thrown);
    }
  }
}
