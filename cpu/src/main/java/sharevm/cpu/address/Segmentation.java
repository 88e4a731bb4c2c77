package sharevm.cpu.address;

import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.event.GuestFault;

/** Checks of an access against its segment's type and limit (Intel SDM Vol. 3A 5.3 and 5.4). */
final class Segmentation {
  private Segmentation() {}

  /**
   * Checks an access that lies at an offset in a segment which is not flat.
   *
   * @throws GuestFault a stack fault through SS, else a general-protection fault, with error code 0
   */
  static void check(CpuState s, int segment, long offset, int size, boolean write) {
    int attributes = s.segmentAttributes[segment];
    boolean code = (attributes & Segment.CODE) != 0;
    boolean readWrite = (attributes & Segment.READ_WRITE) != 0;
    boolean allowed = write ? !code && readWrite : !code || readWrite;
    boolean usable = (attributes & Segment.UNUSABLE) == 0;
    boolean real = s.realSegments();
    if (!usable || !real && !allowed || !inside(s, segment, offset, size)) {
      throw GuestFault.of(segment == CpuState.SS ? GuestFault.SS : GuestFault.GP, 0);
    }
  }

  private static boolean inside(CpuState s, int segment, long offset, int size) {
    long last = offset + size - 1;
    long limit = s.segmentLimit[segment] & 0xffff_ffffL;
    int attributes = s.segmentAttributes[segment];
    if ((attributes & (Segment.CODE | Segment.EXPAND_CONFORM)) != Segment.EXPAND_CONFORM) {
      return last <= limit;
    }
    long top = (attributes & Segment.DEFAULT_BIG) != 0 ? 0xffff_ffffL : 0xffff;
    return offset > limit && last <= top;
  }
}
