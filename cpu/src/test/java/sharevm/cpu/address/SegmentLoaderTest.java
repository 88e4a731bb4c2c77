package sharevm.cpu.address;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;

/** What a return to an outer privilege level does to data segments. */
final class SegmentLoaderTest {
  private final CpuState s = new CpuState();

  @Test
  void dropPrivileged_nullSelectorWithBase_keepsTheBase() {
    SegmentLoader.setNull(s, CpuState.FS, 0);
    s.segmentBase[CpuState.FS] = 0x7f00_1234_5000L;
    s.cpl = 3;

    SegmentLoader.dropPrivileged(s);

    assertThat(s.segmentBase[CpuState.FS]).isEqualTo(0x7f00_1234_5000L);
  }

  @Test
  void dropPrivileged_innerDataSegment_becomesNull() {
    s.selector[CpuState.GS] = 0x10;
    s.segmentAttributes[CpuState.GS] = Segment.REAL_DATA;
    s.cpl = 3;

    SegmentLoader.dropPrivileged(s);

    assertThat(s.selector[CpuState.GS]).isZero();
    assertThat(s.segmentAttributes[CpuState.GS]).isEqualTo(Segment.UNUSABLE);
  }
}
