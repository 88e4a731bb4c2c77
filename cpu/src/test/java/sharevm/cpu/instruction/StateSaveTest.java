package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.cpu.Control;
import sharevm.cpu.CpuState;
import sharevm.cpu.event.GuestFault;

/**
 * FXSAVE and the XSAVE family: formats, what they leave alone, what they refuse (Intel SDM Vol. 1
 * 10.5 and 13).
 */
final class StateSaveTest {
  private static final String FXSAVE = "0f ae 03";
  private static final String FXRSTOR = "0f ae 0b";
  private static final String XSAVE = "0f ae 23";
  private static final String XSAVEOPT = "0f ae 33";
  private static final String XSAVEC = "0f c7 23";
  private static final String XRSTOR = "0f ae 2b";
  private static final int AREA = 0x2000;
  private static final int XSTATE_BV = AREA + 512;
  private static final int XCOMP_BV = AREA + 520;
  private static final long COMPACTED = 1L << 63;
  private static final long UNTOUCHED = 0x5a5a_5a5a_5a5a_5a5aL;
  private static final long PI = 0xc90f_daa2_2168_c235L;

  private final SingleSteps processor = new SingleSteps();
  private final CpuState s = processor.state;

  @BeforeEach
  void prepare() {
    s.gpr[CpuState.RBX] = AREA;
    s.gpr[CpuState.RAX] = 3;
    s.xcr0 = 3;
    for (int at = 0; at < 576; at += 8) {
      processor.store(AREA + at, at < 512 ? UNTOUCHED : 0);
    }
  }

  private void fill() {
    for (int n = 0; n < 16; n++) {
      s.xmmLow(n, 100 + n);
      s.xmmHigh(n, 200 + n);
    }
    s.mxcsr(0x1f82);
    s.x87.decrementTop();
    s.x87.set(0, 0x4000, PI);
  }

  private void clear() {
    for (int n = 0; n < 16; n++) {
      s.xmmLow(n, -1);
      s.xmmHigh(n, -1);
    }
    s.mxcsr(0x9fff);
    s.x87.initialize();
  }

  private void expectFilled() {
    for (int n = 0; n < 16; n++) {
      assertThat(s.xmmLow(n)).isEqualTo(100 + n);
      assertThat(s.xmmHigh(n)).isEqualTo(200 + n);
    }
    assertThat(s.mxcsr()).isEqualTo(0x1f82);
    assertThat(s.x87.top()).isEqualTo(7);
    assertThat(s.x87.signExponent(0)).isEqualTo(0x4000);
    assertThat(s.x87.significand(0)).isEqualTo(PI);
  }

  @ParameterizedTest
  @CsvSource({
    FXSAVE + ", " + FXRSTOR,
    XSAVE + ", " + XRSTOR,
    XSAVEOPT + ", " + XRSTOR,
    XSAVEC + ", " + XRSTOR
  })
  void whatWasSavedComesBack(String save, String restore) {
    fill();
    assertThat(processor.run(save)).isEqualTo(SingleSteps.COMPLETED);
    clear();
    assertThat(processor.run(restore)).isEqualTo(SingleSteps.COMPLETED);
    expectFilled();
  }

  @Test
  void placesAreTheManuals() {
    fill();
    processor.run(FXSAVE);
    assertThat(processor.load(AREA)).isEqualTo(0x0000_0080_3800_037fL);
    assertThat(processor.load(AREA + 24)).isEqualTo(0x0000_ffff_0000_1f82L);
    assertThat(processor.load(AREA + 32)).isEqualTo(PI);
    assertThat(processor.load(AREA + 40)).isEqualTo(0x4000);
    assertThat(processor.load(AREA + 160 + 16 * 15)).isEqualTo(115);
    assertThat(processor.load(AREA + 168 + 16 * 15)).isEqualTo(215);
    assertThat(processor.load(AREA + 464)).isEqualTo(UNTOUCHED);
  }

  @Test
  void onlyRequestedComponentsAreTouched() {
    fill();
    s.gpr[CpuState.RAX] = 2;
    processor.store(XSTATE_BV, 1);
    processor.run(XSAVE);
    assertThat(processor.load(XSTATE_BV)).isEqualTo(3);
    assertThat(processor.load(AREA)).isEqualTo(UNTOUCHED);
    assertThat(processor.load(AREA + 160)).isEqualTo(100);
    s.gpr[CpuState.RAX] = 1;
    clear();
    assertThat(processor.run(XRSTOR)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.xmmLow(3)).isEqualTo(-1);
    assertThat(s.mxcsr()).isEqualTo(0x9fff);
  }

  @Test
  void initialStateIsMarkedAndRestored() {
    processor.store(XSTATE_BV, 3);
    processor.run(XSAVE);
    assertThat(processor.load(XSTATE_BV)).isZero();
    assertThat(processor.load(AREA + 160)).isZero();
    fill();
    assertThat(processor.run(XRSTOR)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.xmmLow(3)).isZero();
    assertThat(s.x87.abridgedTags()).isZero();
    assertThat(s.x87.controlWord()).isEqualTo(0x37f);
    assertThat(s.mxcsr()).isEqualTo(0x1f80);
  }

  @Test
  void optimizedSavesSkipInitialState() {
    processor.run(XSAVEOPT);
    assertThat(processor.load(XSTATE_BV)).isZero();
    assertThat(processor.load(AREA)).isEqualTo(UNTOUCHED);
    assertThat(processor.load(AREA + 160)).isEqualTo(UNTOUCHED);
    assertThat(processor.load(AREA + 24)).isEqualTo(0x0000_ffff_0000_1f80L);
    processor.run(XSAVEC);
    assertThat(processor.load(XCOMP_BV)).isEqualTo(COMPACTED | 3);
    s.mxcsr(0x1f81);
    processor.run(XSAVEC);
    assertThat(processor.load(XSTATE_BV)).isEqualTo(2);
    assertThat(processor.load(AREA + 24)).isEqualTo(0x0000_ffff_0000_1f81L);
  }

  /** XSTATE_BV, XCOMP_BV and the word behind it that XRSTOR refuses. */
  @ParameterizedTest
  @CsvSource({
    "4, 0, 0",
    "0, 1, 0",
    "0, 0, 1",
    "1, -9223372036854775806, 0",
    "0, -9223372036854775804, 0"
  })
  void badHeadersAreRefused(long present, long format, long reserved) {
    fill();
    processor.run(XSAVE);
    processor.store(XSTATE_BV, present);
    processor.store(XCOMP_BV, format);
    processor.store(XCOMP_BV + 8, reserved);
    assertThat(processor.run(XRSTOR)).isEqualTo(GuestFault.GP);
    expectFilled();
  }

  @Test
  void reservedBitsOfMxcsrAreRefused() {
    fill();
    processor.run(XSAVE);
    processor.store(AREA + 24, 0x1_1f80);
    assertThat(processor.run(XRSTOR)).isEqualTo(GuestFault.GP);
    assertThat(processor.run(FXRSTOR)).isEqualTo(GuestFault.GP);
    expectFilled();
  }

  @Test
  void areasAreAligned() {
    s.gpr[CpuState.RBX] = AREA + 16;
    assertThat(processor.run(FXSAVE)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(processor.run(XSAVE)).isEqualTo(GuestFault.GP);
    assertThat(processor.run(XRSTOR)).isEqualTo(GuestFault.GP);
    s.gpr[CpuState.RBX] = AREA + 8;
    assertThat(processor.run(FXSAVE)).isEqualTo(GuestFault.GP);
    assertThat(processor.run(FXRSTOR)).isEqualTo(GuestFault.GP);
  }

  @Test
  void controlBitsDecide() {
    s.cr0 |= Control.CR0_TS;
    assertThat(processor.run(FXSAVE)).isEqualTo(GuestFault.NM);
    assertThat(processor.run(XSAVE)).isEqualTo(GuestFault.NM);
    s.cr4 &= ~Control.CR4_OSXSAVE;
    assertThat(processor.run(XSAVE)).isEqualTo(GuestFault.UD);
    assertThat(processor.run(XRSTOR)).isEqualTo(GuestFault.UD);
  }
}
