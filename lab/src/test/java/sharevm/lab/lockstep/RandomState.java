package sharevm.lab.lockstep;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.real.FloatException;
import sharevm.cpu.real.X87State;

/** Random contents of memory and of registers that hold data. */
public final class RandomState {
  /** Values that instructions treat differently. */
  private static final long[] SPECIAL = {
    0L,
    -1L,
    0x3ff0_0000_0000_0000L,
    0x7f80_0000_7fc0_0001L,
    0x7ff8_0000_0000_0001L,
    0x8000_0000_0000_0000L,
    0x0000_0001_0000_0001L,
    0x4049_0fdb_c049_0fdbL
  };

  private RandomState() {}

  private static long special(SplittableRandom random) {
    return SPECIAL[random.nextInt(SPECIAL.length)];
  }

  /** Fills memory from one address to before another, both multiples of 8. */
  public static void fill(MemorySegment ram, long from, long to, SplittableRandom random) {
    for (long at = from; at < to; at += 8) {
      long word = random.nextInt(4) == 0 ? special(random) : random.nextLong();
      ram.set(ValueLayout.JAVA_LONG_UNALIGNED, at, word);
    }
  }

  /** Sets an XMM register. */
  public static void setXmm(CpuState s, int n, SplittableRandom random) {
    s.xmmLow(n, special(random));
    s.xmmHigh(n, random.nextLong());
  }

  /** Sets rounding, and whether subnormal numbers count as zero. */
  public static void setMxcsr(CpuState s, SplittableRandom random) {
    int rounding = random.nextInt(4) << 13;
    s.mxcsr(CpuState.MXCSR_DEFAULT | rounding | (random.nextInt(4) == 0 ? 0x8040 : 0));
  }

  /** Sets x87 registers, precision, rounding, and now and then an exception that traps. */
  public static void setX87(X87State x87, SplittableRandom random) {
    x87.initialize();
    int precisionAndRounding = random.nextInt(16) << 8;
    int unmasked = random.nextInt(6) == 0 ? 1 << random.nextInt(6) : 0;
    x87.setControlWord(FloatException.ALL & ~unmasked | precisionAndRounding);
    for (int n = random.nextInt(9); n > 0; n--) {
      x87.decrementTop();
      x87.set(
          0,
          random.nextInt(4) == 0 ? 0x3ff0 + random.nextInt(40) : random.nextInt(0x1_0000),
          random.nextInt(8) == 0 ? random.nextLong() : random.nextLong() | Long.MIN_VALUE);
    }
  }
}
