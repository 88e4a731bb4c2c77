package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.decode.Instruction;

/** LAR, LSL, VERR, VERW and ARPL: what a program may know of selectors (Intel SDM Vol. 3A 5.10). */
final class SegmentQueries {
  /**
   * System types that LAR knows, by type (Intel SDM Vol. 2 LAR, table 3-53), outside and in IA-32e
   * mode.
   */
  private static final int LAR_TYPES =
      1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;

  private static final int LAR_TYPES_LONG = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12;

  /** System types that LSL knows (Intel SDM Vol. 2 LSL, table 3-56). */
  private static final int LSL_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;

  private static final int LSL_TYPES_LONG = 1 << 2 | 1 << 9 | 1 << 11;

  private static final long NOT_VISIBLE = -1;

  private SegmentQueries() {}

  static void bind(Semantics s) {
    s.put("LAR", SegmentQueries::lar);
    s.put("LSL", SegmentQueries::lsl);
    s.put("VERR", (cpu, i) -> verify(cpu, i, false));
    s.put("VERW", (cpu, i) -> verify(cpu, i, true));
    s.put("ARPL", SegmentQueries::arpl);
  }

  private static void lar(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = i.memory ? cpu.memory.load16(i) : s.r16(i.source);
    long descriptor = visible(cpu, selector, s.longMode() ? LAR_TYPES_LONG : LAR_TYPES);
    zero(s, descriptor != NOT_VISIBLE);
    if (descriptor != NOT_VISIBLE) {
      s.r(i.destination, i.size, descriptor >>> 32 & (i.size == 2 ? 0xff00 : 0x00f0_ff00));
    }
  }

  private static void lsl(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = i.memory ? cpu.memory.load16(i) : s.r16(i.source);
    long descriptor = visible(cpu, selector, s.longMode() ? LSL_TYPES_LONG : LSL_TYPES);
    zero(s, descriptor != NOT_VISIBLE);
    if (descriptor != NOT_VISIBLE) {
      s.r(i.destination, i.size, Descriptors.limit(descriptor) & 0xffff_ffffL);
    }
  }

  private static void zero(CpuState s, boolean value) {
    Flags.status(s, Flags.status(s) & ~Flags.ZF | (value ? Flags.ZF : 0));
  }

  /** Returns the descriptor if this program may know of it, else {@link #NOT_VISIBLE}. */
  private static long visible(Cpu cpu, int selector, int systemTypes) {
    CpuState s = cpu.state;
    long place = Descriptors.isNull(selector) ? -1 : Descriptors.place(s, selector, 8);
    if (place == -1) {
      return NOT_VISIBLE;
    }
    long descriptor = cpu.memory.loadSystem(place, 8);
    int type = Descriptors.type(descriptor);
    if (type < 16 && (systemTypes >> type & 1) == 0) {
      return NOT_VISIBLE;
    }
    int conforming = Segment.CODE_OR_DATA | Segment.CODE | Segment.EXPAND_CONFORM;
    boolean reachable =
        (type & conforming) == conforming
            || Segment.dpl(Descriptors.attributes(descriptor)) >= Math.max(s.cpl, selector & 3);
    return reachable ? descriptor : NOT_VISIBLE;
  }

  private static void verify(Cpu cpu, Instruction i, boolean write) {
    CpuState s = cpu.state;
    int selector = i.memory ? cpu.memory.load16(i) : s.r16(i.destination);
    long descriptor = visible(cpu, selector, 0);
    int type = descriptor == NOT_VISIBLE ? 0 : Descriptors.type(descriptor);
    boolean code = (type & Segment.CODE) != 0;
    boolean readWrite = (type & Segment.READ_WRITE) != 0;
    zero(s, type >= 16 && (write ? !code && readWrite : !code || readWrite));
  }

  /**
   * Memory is written only when the level is raised: a program may ask about what it cannot write.
   */
  private static void arpl(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int level = s.r16(i.source) & 3;
    int old = i.memory ? cpu.memory.load16(i) : s.r16(i.destination);
    boolean raised = (old & 3) < level;
    if (raised) {
      int value = old & ~3 | level;
      if (i.memory) {
        cpu.memory.store16(i, value);
      } else {
        s.r16(i.destination, value);
      }
    }
    zero(s, raised);
  }
}
