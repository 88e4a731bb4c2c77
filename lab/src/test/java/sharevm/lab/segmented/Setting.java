package sharevm.lab.segmented;

import java.util.List;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.GuestMode.Paging;

/**
 * The world of one random program: its segments, its descriptors, paging, privilege.
 *
 * @param paging the kind of page tables, or null
 * @param code the segment that the program runs in; offset 0 is that of its bytes
 * @param otherCode another one that has the program too, a little shifted
 * @param otherSize a segment that has the program's code as code of the other size, or null
 * @param stack its range is that of the stack's data, {@code zone} in it is the stack itself
 * @param otherStack the same in a segment that begins a little higher
 * @param alias a segment to write to the code through
 * @param initial what segment registers hold when the program begins
 * @param usual what they hold mostly
 * @param loadable what else data segment registers may be loaded with
 * @param hidden what real-address mode can load by way of protected mode: the first two are of 64
 *     KiB and 4 GiB
 * @param invalid selectors that loads fault with
 * @param endless a bit for each register whose limit real-address mode keeps at 4 GiB
 * @param origin where the program's code begins
 * @param descriptors the GDT
 */
record Setting(
    SegmentedMode mode,
    Paging paging,
    int iopl,
    GuestSegment code,
    GuestSegment otherCode,
    GuestSegment otherSize,
    GuestSegment stack,
    GuestSegment otherStack,
    GuestSegment.Range zone,
    GuestSegment alias,
    List<GuestSegment> initial,
    List<GuestSegment> usual,
    List<GuestSegment> loadable,
    List<GuestSegment> hidden,
    List<Integer> invalid,
    int endless,
    long origin,
    List<Long> descriptors) {

  /** Bytes of the zone, at its end, that have numbered places of the program's own. */
  static final int SLOTS = 0x200;

  /** What a slot has: a register, or half of a far pointer. */
  static final int SLOT = 4;

  /** Returns what a data segment register is after it was loaded with a segment. */
  GuestSegment in(int register, GuestSegment segment) {
    return (endless >> register & 1) == 0 ? segment : SettingMaker.endless(segment);
  }

  /** Returns where the stack begins, as an offset. */
  long stackTop() {
    return zone.high() - SLOTS - 0x40;
  }

  /** Returns the offset of a slot. */
  long slot(int number) {
    return zone.high() - SLOTS + (long) SLOT * number;
  }

  /** Returns by how much an address in the other code segment is larger. */
  long otherCodeShift() {
    return code.base() - otherCode.base();
  }

  /** Whether offsets of the program's code have 16 bits. */
  boolean narrowCode() {
    return mode.kind != SegmentedMode.Kind.FLAT;
  }

  /** Whether PUSHF, POPF and IRET work, and INT other than by a fault. */
  boolean changesFlags() {
    return mode.kind != SegmentedMode.Kind.VIRTUAL || iopl == 3;
  }

  /** Returns the size of stack pointers in bytes. */
  int stackSize() {
    return stack.big() ? 4 : 2;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("%s, paging %s, IOPL %d".formatted(mode, paging, iopl));
    text.append("\n  other CS ").append(otherCode).append("\n  other SS ").append(otherStack);
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      text.append("\n  %sS ".formatted("ECSDFG".charAt(n))).append(usual.get(n));
    }
    return text.toString();
  }
}
