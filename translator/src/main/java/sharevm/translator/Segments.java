package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;

/**
 * What code knows of segments in modes where they count (Intel SDM Vol. 3A 5.3): for each register
 * its base, and the last offsets that may be read and written. What is none of an ordinary segment,
 * such as one that expands down, has no such offset, so that each access through it is Java's.
 */
final class Segments {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final long NOTHING = -1;

  private Segments() {}

  /** Lays out the processor's segment registers. */
  static void enter(CpuState s, MemorySegment shared) {
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      shared.set(LONG, base(n), s.segmentBase[n]);
      shared.set(LONG, Context.READ_LIMITS + 8L * n, lastOffset(s, n, false));
      shared.set(LONG, Context.WRITE_LIMITS + 8L * n, lastOffset(s, n, true));
    }
    shared.set(INT, Context.CODE_LIMIT, s.segmentLimit[CpuState.CS]);
    shared.set(LONG, Context.CODE_SPACE, SegmentedJumps.space(s.segmentBase[CpuState.CS]));
    shared.set(LONG, Context.IDT_BASE, s.idtBase);
    shared.set(INT, Context.IDT_LIMIT, s.idtLimit);
  }

  /** Returns where the base of a segment register is. */
  static int base(int n) {
    return switch (n) {
      case CpuState.FS -> Context.FS_BASE;
      case CpuState.GS -> Context.GS_BASE;
      default -> Context.SEGMENT_BASES + 8 * n;
    };
  }

  private static long lastOffset(CpuState s, int n, boolean write) {
    if (s.segmentCheck[n] == 0) {
      return Long.MAX_VALUE;
    }
    int attributes = s.segmentAttributes[n];
    boolean code = (attributes & Segment.CODE) != 0;
    boolean readWrite = (attributes & Segment.READ_WRITE) != 0;
    boolean usable = (attributes & Segment.UNUSABLE) == 0;
    boolean down = !code && (attributes & Segment.EXPAND_CONFORM) != 0;
    boolean allowed = s.realSegments() || (write ? !code && readWrite : !code || readWrite);
    return usable && !down && allowed ? s.segmentLimit[n] & 0xffff_ffffL : NOTHING;
  }
}
