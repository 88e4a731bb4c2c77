package sharevm.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
    try {
      return CLibrary.isLinux() && isNanoTime()
          ? OptionalLong.of(CFunction.address(FUNCTION).address())
          : OptionalLong.empty();
    } catch (IllegalStateException _) {
      return OptionalLong.empty();
    }
  }

  private static boolean isNanoTime() {
    try (Arena scratch = Arena.ofConfined()) {
      CFunction read = CFunction.of(FUNCTION);
      MemorySegment state = CFunction.callState(scratch);
      MemorySegment time = scratch.allocate(2 * JAVA_LONG.byteSize(), JAVA_LONG.byteSize());
      long before = System.nanoTime();
      int result = read.callInt(state, NUMBER, time.address());
      long after = System.nanoTime();
      long nanos = time.get(JAVA_LONG, 0) * SECOND + time.get(JAVA_LONG, JAVA_LONG.byteSize());
      return result == 0 && before <= nanos && nanos <= after;
    }
  }
}
