package sharevm.cpu.address;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.event.GuestFault;

/**
 * Descriptors in the GDT and LDT (Intel SDM Vol. 3A 3.4.5 and 3.5), as the 64-bit words that they
 * are in memory:
 *
 * <pre>
 * 63    56 55 54 53 52 51    48 47 46 45 44 43  40 39             16 15       0
 * base 24+  G D/B L AVL lim 16+  P  DPL  S  type   base 0 to 23      limit 0-15
 * </pre>
 */
public final class Descriptors {
  /** Selector bit: the descriptor is in the LDT. */
  public static final int TABLE_INDICATOR = 1 << 2;

  /** Bits of a selector that choose a descriptor, as error codes have them. */
  public static final int INDEX = 0xfffc;

  /** Types of system descriptors (Intel SDM Vol. 3A table 3-2), with S = 0. */
  public static final int TSS_16 = 1;

  public static final int LDT = 2;
  public static final int TSS_16_BUSY = 3;
  public static final int CALL_GATE_16 = 4;
  public static final int TASK_GATE = 5;
  public static final int INTERRUPT_GATE_16 = 6;
  public static final int TRAP_GATE_16 = 7;
  public static final int TSS_32 = 9;
  public static final int TSS_32_BUSY = 11;
  public static final int CALL_GATE_32 = 12;
  public static final int INTERRUPT_GATE_32 = 14;
  public static final int TRAP_GATE_32 = 15;

  /** Type bit of a TSS: busy. */
  public static final int BUSY = 2;

  private static final int TYPE_SHIFT = 40;

  private Descriptors() {}

  /** Returns the base address, 32 bits. */
  public static long base(long descriptor) {
    return descriptor >>> 16 & 0xff_ffffL | descriptor >>> 32 & 0xff00_0000L;
  }

  /** Returns the limit in bytes as an unsigned int. */
  public static int limit(long descriptor) {
    int raw = (int) (descriptor & 0xffff | descriptor >>> 32 & 0xf_0000);
    return descriptor << 8 < 0 ? raw << 12 | 0xfff : raw;
  }

  /** Returns the attributes as {@link Segment} has them. */
  public static int attributes(long descriptor) {
    return (int) (descriptor >>> TYPE_SHIFT) & 0xf0ff;
  }

  /** Returns S and type: 0 to 15 for system descriptors, 16 to 31 for code and data. */
  public static int type(long descriptor) {
    return (int) (descriptor >>> TYPE_SHIFT) & 0x1f;
  }

  /** Returns whether a selector is null, whatever its privilege level. */
  public static boolean isNull(int selector) {
    return (selector & INDEX) == 0;
  }

  /**
   * Returns the linear address of a descriptor of {@code size} bytes, or -1 where its table ends
   * before it.
   */
  public static long place(CpuState s, int selector, int size) {
    int index = selector & 0xfff8;
    if ((selector & TABLE_INDICATOR) == 0) {
      return index + size - 1 > s.gdtLimit ? -1 : s.gdtBase + index;
    }
    boolean none = (s.segmentAttributes[CpuState.LDTR] & Segment.UNUSABLE) != 0;
    long limit = s.segmentLimit[CpuState.LDTR] & 0xffff_ffffL;
    return none || index + size - 1 > limit ? -1 : s.segmentBase[CpuState.LDTR] + index;
  }

  /**
   * Reads a code, data or 8-byte system descriptor.
   *
   * @param vector what is thrown where there is none, with the selector as error code
   * @param ext 1 when an event outside the program is being delivered, else 0
   */
  public static long read(Cpu cpu, int selector, int vector, int ext) {
    long place = place(cpu.state, selector, 8);
    if (place == -1) {
      throw GuestFault.of(vector, selector & INDEX | ext);
    }
    return cpu.memory.loadSystem(place, 8);
  }

  /**
   * Reads the upper 32 bits of the base of a system descriptor of IA-32e mode, which has 16 bytes
   * (Intel SDM Vol. 3A 7.2.3).
   */
  public static long baseHigh(Cpu cpu, int selector, int vector, int ext) {
    long place = place(cpu.state, selector, 16);
    if (place == -1) {
      throw GuestFault.of(vector, selector & INDEX | ext);
    }
    long high = cpu.memory.loadSystem(place + 8, 8);
    if ((high >>> TYPE_SHIFT & 0x1f) != 0) {
      throw GuestFault.of(vector, selector & INDEX | ext);
    }
    return high << 32;
  }

  /**
   * Sets the accessed flag of a code or data descriptor in its table; returns the descriptor with
   * the flag set.
   */
  public static long touch(Cpu cpu, int selector, long descriptor) {
    long accessed = descriptor | (long) Segment.ACCESSED << TYPE_SHIFT;
    if (accessed != descriptor) {
      cpu.memory.changeSystemBits(place(cpu.state, selector, 8) + 5, 0, Segment.ACCESSED);
    }
    return accessed;
  }

  /** Checks that {@link #touch} will not fault. */
  public static void probeTouch(Cpu cpu, int selector, long descriptor) {
    if ((descriptor >>> TYPE_SHIFT & Segment.ACCESSED) == 0) {
      cpu.memory.probeSystemWrite(place(cpu.state, selector, 8) + 5, 1);
    }
  }
}
