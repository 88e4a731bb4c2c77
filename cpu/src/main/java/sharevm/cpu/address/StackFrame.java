package sharevm.cpu.address;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.event.GuestFault;

/**
 * What a transfer through a gate puts on a stack, in protected mode outside IA-32e: the present
 * stack, or that of an inner level, which a TSS names. Words are gathered, checked as a whole, and
 * only then stored.
 */
public final class StackFrame {
  /** The most words: a call gate copies up to 31 parameters. */
  private static final int MOST = 40;

  private final Cpu cpu;
  private final int size;
  private final int cpl;
  private final int ext;
  private final int selector;
  private final long descriptor;
  private final boolean inner;
  private final long base;
  private final long limit;
  private final int attributes;
  private final long mask;
  private final long top;
  private final long[] words = new long[MOST];
  private int count;

  private StackFrame(
      Cpu cpu, int size, int cpl, int ext, int selector, long pointer, long descriptor) {
    this.cpu = cpu;
    this.size = size;
    this.cpl = cpl;
    this.ext = ext;
    this.selector = selector;
    this.descriptor = descriptor;
    inner = true;
    base = Descriptors.base(descriptor);
    limit = Descriptors.limit(descriptor) & 0xffff_ffffL;
    attributes = Descriptors.attributes(descriptor);
    mask = (attributes & Segment.DEFAULT_BIG) != 0 ? 0xffff_ffffL : 0xffff;
    top = pointer;
  }

  private StackFrame(Cpu cpu, int size, int ext) {
    CpuState s = cpu.state;
    this.cpu = cpu;
    this.size = size;
    this.ext = ext;
    cpl = s.cpl;
    selector = 0;
    descriptor = 0;
    inner = false;
    base = s.segmentBase[CpuState.SS];
    limit = s.segmentLimit[CpuState.SS] & 0xffff_ffffL;
    attributes = s.segmentAttributes[CpuState.SS];
    mask = s.stackMask;
    top = s.gpr[CpuState.RSP];
  }

  /** A frame of words of 2 or 4 bytes on the present stack. */
  public static StackFrame present(Cpu cpu, int ext, int size) {
    return new StackFrame(cpu, size, ext);
  }

  /**
   * A frame on the stack that the TSS has for an inner privilege level (Intel SDM Vol. 3A 5.8.5).
   */
  public static StackFrame inner(Cpu cpu, int cpl, int ext, int size) {
    CpuState s = cpu.state;
    boolean wide = (s.segmentAttributes[CpuState.TR] & 8) != 0;
    int at = wide ? 4 + 8 * cpl : 2 + 4 * cpl;
    int tss = s.selector[CpuState.TR] & Descriptors.INDEX | ext;
    if (at + (wide ? 5 : 3) > (s.segmentLimit[CpuState.TR] & 0xffff_ffffL)) {
      throw GuestFault.of(GuestFault.TS, tss);
    }
    long place = s.segmentBase[CpuState.TR] + at;
    long pointer = cpu.memory.loadSystem(place, wide ? 4 : 2);
    int selector = (int) cpu.memory.loadSystem(place + (wide ? 4 : 2), 2);
    if (Descriptors.isNull(selector)) {
      throw GuestFault.of(GuestFault.TS, ext);
    }
    long descriptor = SegmentLoader.stack(cpu, selector, cpl, GuestFault.TS, ext);
    return new StackFrame(cpu, size, cpl, ext, selector, pointer, descriptor);
  }

  /** Adds the next word that is pushed. */
  public void add(long word) {
    words[count++] = word;
  }

  /** Checks that all words fit and can be written, then writes them. */
  public void store() {
    for (int i = 0; i < count; i++) {
      long offset = offset(i);
      if (!inside(offset)) {
        throw GuestFault.of(GuestFault.SS, selector & Descriptors.INDEX | ext);
      }
      cpu.memory.probeAs(cpl, base + offset & 0xffff_ffffL, size);
    }
    if (inner) {
      Descriptors.probeTouch(cpu, selector, descriptor);
    }
    for (int i = 0; i < count; i++) {
      cpu.memory.storeAs(cpl, base + offset(i) & 0xffff_ffffL, size, words[i]);
    }
  }

  /** Makes this the present stack, below the words; the privilege level must be set already. */
  public void switchStack() {
    CpuState s = cpu.state;
    long pointer = offset(count - 1);
    if (inner) {
      SegmentLoader.set(s, CpuState.SS, selector, Descriptors.touch(cpu, selector, descriptor));
      s.gpr[CpuState.RSP] = top & ~mask;
    }
    s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~mask | pointer;
  }

  private long offset(int i) {
    return top - (long) size * (i + 1) & mask;
  }

  private boolean inside(long offset) {
    long last = offset + size - 1;
    boolean down = (attributes & (Segment.CODE | Segment.EXPAND_CONFORM)) == Segment.EXPAND_CONFORM;
    if (!down) {
      return last <= limit;
    }
    return offset > limit
        && last <= ((attributes & Segment.DEFAULT_BIG) != 0 ? 0xffff_ffffL : 0xffff);
  }
}
