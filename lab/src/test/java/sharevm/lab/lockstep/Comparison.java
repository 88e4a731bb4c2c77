package sharevm.lab.lockstep;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.real.X87State;

/**
 * Compares two machines that should be alike.
 *
 * <p>Status flags are compared by what programs do with them: translated code does not keep those
 * that are written before anyone reads them.
 */
public final class Comparison {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final String[] REGISTERS =
      IntStream.range(0, 32)
          .mapToObj(n -> n < 16 ? "general register " + n : "XMM" + (n - 16))
          .toArray(String[]::new);

  private Comparison() {}

  /** Compares texts. */
  public static void same(String what, String left, String right) throws Difference {
    if (!left.equals(right)) {
      throw new Difference(what + ": " + left + ", expected " + right);
    }
  }

  /** Compares numbers. */
  public static void same(String what, long left, long right) throws Difference {
    if (left != right) {
      throw new Difference("%s: %x, expected %x".formatted(what, left, right));
    }
  }

  /** Compares what programs see of processors, and how many instructions they have completed. */
  public static void processors(Cpu leftCpu, Cpu rightCpu) throws Difference {
    CpuState left = leftCpu.state;
    CpuState right = rightCpu.state;
    same("RIP", left.rip, right.rip);
    for (int n = 0; n < 16; n++) {
      same(REGISTERS[n], left.gpr[n], right.gpr[n]);
      same(REGISTERS[n + 16], left.xmmLow(n), right.xmmLow(n));
      same(REGISTERS[n + 16], left.xmmHigh(n), right.xmmHigh(n));
    }
    same("flags of the system", left.flagsSystem, right.flagsSystem);
    same("MXCSR", left.mxcsr(), right.mxcsr());
    for (int n = 0; n < X87State.LEGACY_WORDS; n++) {
      same("x87 word " + n, left.x87.legacyWord(n, false), right.x87.legacyWord(n, false));
    }
    same("CR2", left.cr2, right.cr2);
    same("CR4", left.cr4, right.cr4);
    same("CPL", left.cpl, right.cpl);
    same("retired", leftCpu.engine().retired(), rightCpu.engine().retired());
  }

  /** Compares bytes of RAM. */
  public static void ram(MemorySegment left, MemorySegment right, long from, long to)
      throws Difference {
    long at = MemorySegment.mismatch(left, from, to, right, from, to);
    if (at >= 0) {
      long word = from + at & -8;
      String what = "RAM at %x".formatted(word);
      same(what, left.get(LONG, word), right.get(LONG, word));
    }
  }

  /**
   * Compares page tables but for accessed flags, which a processor may set for accesses that it
   * does not make in the end (Intel SDM Vol. 3A 4.8).
   *
   * @param width bytes of an entry
   */
  public static void tables(MemorySegment left, MemorySegment right, long from, long to, int width)
      throws Difference {
    long mask = ~GuestPages.ACCESSED & ~(width == 4 ? GuestPages.ACCESSED << 32 : 0);
    for (long at = from; at < to; at += 8) {
      long leftEntry = left.get(LONG, at) & mask;
      long rightEntry = right.get(LONG, at) & mask;
      if (leftEntry != rightEntry) {
        throw new Difference("table at %x: %x, expected %x".formatted(at, leftEntry, rightEntry));
      }
    }
  }
}
