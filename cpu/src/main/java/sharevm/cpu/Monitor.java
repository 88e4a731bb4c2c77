package sharevm.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The address range that MONITOR arms and for a write to which MWAIT waits (Intel SDM Vol. 3A
 * 10.10.4): one cache line. A write is noticed by what it changed, since processors write to RAM
 * without telling anyone; one that changes nothing, or is undone, goes unnoticed, so whoever waits
 * may not wait for long. For the processor's thread alone.
 */
public final class Monitor {
  /** The bytes of a line, as CPUID leaf 5 tells. */
  public static final int LINE = 64;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private final MemorySegment ram;
  private final long[] armedWith = new long[LINE / Long.BYTES];
  private long line;
  private boolean armed;

  Monitor(MemorySegment ram) {
    this.ram = ram;
  }

  /** Watches the line of a place in RAM. */
  public void arm(long place) {
    line = place & -LINE;
    armed = true;
    for (int i = 0; i < armedWith.length; i++) {
      armedWith[i] = word(i);
    }
  }

  /** Watches nothing, so that there is nothing to wait for. */
  public void disarm() {
    armed = false;
  }

  /** Returns whether to wait for a write: something is watched, and unchanged. */
  public boolean mayWait() {
    return armed && !changed();
  }

  /** Returns whether the line has changed since it was armed. */
  public boolean changed() {
    for (int i = 0; i < armedWith.length; i++) {
      if (word(i) != armedWith[i]) {
        return true;
      }
    }
    return false;
  }

  private long word(int i) {
    return (long) LONG.getVolatile(ram, line + i * (long) Long.BYTES);
  }
}
