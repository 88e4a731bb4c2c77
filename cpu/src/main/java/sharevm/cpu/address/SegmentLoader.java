package sharevm.cpu.address;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.event.GuestFault;

/** Loads of segment registers (Intel SDM Vol. 3A 5.5 and 5.6, Vol. 2 MOV). */
public final class SegmentLoader {
  private static final int VIRTUAL_8086_DATA = Segment.REAL_DATA | 3 << Segment.DPL_SHIFT;

  private SegmentLoader() {}

  /**
   * Loads ES, SS, DS, FS or GS with a selector, in any mode; checks first, so a fault changes
   * nothing.
   */
  public static void load(Cpu cpu, int n, int selector) {
    CpuState s = cpu.state;
    if (s.realSegments()) {
      loadReal(s, n, selector);
    } else if (n == CpuState.SS) {
      loadStack(cpu, selector);
    } else {
      loadData(cpu, n, selector);
    }
    cpu.contextChanged();
  }

  /**
   * Loads a segment register as real-address and virtual-8086 mode do: the base is the selector
   * times 16. Real-address mode keeps limit and size, which a program may have set in protected
   * mode.
   */
  public static void loadReal(CpuState s, int n, int selector) {
    s.selector[n] = selector & 0xffff;
    s.segmentBase[n] = (selector & 0xffffL) << 4;
    int code = n == CpuState.CS ? Segment.CODE : 0;
    if (s.virtual8086()) {
      s.segmentLimit[n] = 0xffff;
      s.segmentAttributes[n] = VIRTUAL_8086_DATA;
      return;
    }
    int size = s.segmentAttributes[n] & (Segment.DEFAULT_BIG | Segment.GRANULAR);
    s.segmentAttributes[n] = Segment.REAL_DATA | code | size;
  }

  /** Puts a descriptor into the hidden part of a segment register. */
  public static void set(CpuState s, int n, int selector, long descriptor) {
    s.selector[n] = selector & 0xffff;
    s.segmentBase[n] = Descriptors.base(descriptor);
    s.segmentLimit[n] = Descriptors.limit(descriptor);
    s.segmentAttributes[n] = Descriptors.attributes(descriptor);
  }

  /**
   * Makes a segment register hold a null selector: no access through it is allowed outside 64-bit
   * mode.
   */
  public static void setNull(CpuState s, int n, int selector) {
    s.selector[n] = selector & 0xffff;
    s.segmentBase[n] = 0;
    s.segmentLimit[n] = 0;
    s.segmentAttributes[n] = Segment.UNUSABLE;
  }

  private static void loadStack(Cpu cpu, int selector) {
    CpuState s = cpu.state;
    if (Descriptors.isNull(selector)) {
      if (!s.code64 || s.cpl == 3 || (selector & 3) != s.cpl) {
        throw GuestFault.generalProtection();
      }
      setNull(s, CpuState.SS, selector);
      return;
    }
    long descriptor = stack(cpu, selector, s.cpl, GuestFault.GP, 0);
    set(s, CpuState.SS, selector, Descriptors.touch(cpu, selector, descriptor));
  }

  /**
   * Reads and checks the descriptor of a stack segment for a privilege level.
   *
   * @param vector thrown for what is no stack segment of that level: #GP, or #TS where it comes
   *     from a TSS
   * @param ext 1 when an event outside the program is being delivered, else 0
   */
  public static long stack(Cpu cpu, int selector, int cpl, int vector, int ext) {
    long descriptor = Descriptors.read(cpu, selector, vector, ext);
    int attributes = Descriptors.attributes(descriptor);
    int kind = Segment.CODE_OR_DATA | Segment.CODE | Segment.READ_WRITE;
    boolean writableData = (attributes & kind) == (Segment.CODE_OR_DATA | Segment.READ_WRITE);
    if ((selector & 3) != cpl || Segment.dpl(attributes) != cpl || !writableData) {
      throw GuestFault.of(vector, selector & Descriptors.INDEX | ext);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.SS, selector & Descriptors.INDEX | ext);
    }
    return descriptor;
  }

  private static void loadData(Cpu cpu, int n, int selector) {
    CpuState s = cpu.state;
    if (Descriptors.isNull(selector)) {
      setNull(s, n, selector);
      return;
    }
    long descriptor = data(cpu, selector, s.cpl, GuestFault.GP, 0);
    set(s, n, selector, Descriptors.touch(cpu, selector, descriptor));
  }

  /**
   * Reads and checks the descriptor of a segment for ES, DS, FS or GS; parameters as {@link
   * #stack}.
   */
  public static long data(Cpu cpu, int selector, int cpl, int vector, int ext) {
    long descriptor = Descriptors.read(cpu, selector, vector, ext);
    int attributes = Descriptors.attributes(descriptor);
    if (!readable(attributes) || !reachable(attributes, Math.max(cpl, selector & 3))) {
      throw GuestFault.of(vector, selector & Descriptors.INDEX | ext);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX | ext);
    }
    return descriptor;
  }

  private static boolean readable(int attributes) {
    boolean executeOnly = (attributes & (Segment.CODE | Segment.READ_WRITE)) == Segment.CODE;
    return (attributes & Segment.CODE_OR_DATA) != 0 && !executeOnly;
  }

  /**
   * Whether a privilege level may use a data or code segment: its own level or less, or conforming
   * code.
   */
  private static boolean reachable(int attributes, int level) {
    int conforming = Segment.CODE | Segment.EXPAND_CONFORM;
    return (attributes & conforming) == conforming || Segment.dpl(attributes) >= level;
  }

  /**
   * After a return to an outer level: makes null what that level may not use (Intel SDM Vol. 2
   * RET). A null selector stays as it is, with the base that 64-bit code may have given it.
   */
  public static void dropPrivileged(CpuState s) {
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      if (isPrivileged(s, n, s.cpl)) {
        setNull(s, n, 0);
      }
    }
  }

  /** Whether a register is ES, DS, FS or GS with a segment that a level may not use. */
  public static boolean isPrivileged(CpuState s, int n, int level) {
    boolean code = n == CpuState.CS || n == CpuState.SS;
    boolean usable = (s.segmentAttributes[n] & Segment.UNUSABLE) == 0;
    return !code && usable && !reachable(s.segmentAttributes[n], level);
  }
}
