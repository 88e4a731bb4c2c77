package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.cpu.Control;
import sharevm.cpu.CpuState;
import sharevm.cpu.event.GuestFault;

/**
 * When MMX and SSE instructions fault, and that they have then changed nothing: what user mode
 * cannot try on a host.
 */
final class VectorRulesTest {
  private static final String ADDPD_XMM1_XMM2 = "66 0f 58 ca";
  private static final String DIVPD_XMM1_XMM2 = "66 0f 5e ca";
  private static final String PADDB_MM1_MM2 = "0f fc ca";
  private static final String MOVAPS_XMM1_RAX = "0f 28 08";
  private static final String MOVUPS_XMM1_RAX = "0f 10 08";
  private static final String MOVAPS_RAX_XMM1 = "0f 29 08";
  private static final String LDMXCSR_RAX = "0f ae 10";

  private final SingleSteps processor = new SingleSteps();
  private final CpuState s = processor.state;

  /** Intel SDM Vol. 3A table 14-1. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        ADDPD_XMM1_XMM2,
        "0f 28 ca", // movaps xmm1, xmm2
        "66 0f ef ca", // pxor xmm1, xmm2
        "66 0f 38 00 ca", // pshufb xmm1, xmm2
        "66 0f 38 dc ca", // aesenc xmm1, xmm2
        "66 0f 3a 63 ca 00", // pcmpistri xmm1, xmm2, 0
        "f2 0f d6 ca", // movdq2q mm1, xmm2
        "0f 2a ca", // cvtpi2ps xmm1, mm2
        "0f ae 18" // stmxcsr [rax]
      })
  void sseWantsItsControlBits(String code) {
    assertThat(processor.run(code)).isEqualTo(SingleSteps.COMPLETED);
    s.cr0 |= Control.CR0_TS;
    assertThat(processor.run(code)).isEqualTo(GuestFault.NM);
    s.cr4 &= ~Control.CR4_OSFXSR;
    assertThat(processor.run(code)).isEqualTo(GuestFault.UD);
    s.cr4 |= Control.CR4_OSFXSR;
    s.cr0 |= Control.CR0_EM;
    assertThat(processor.run(code)).isEqualTo(GuestFault.UD);
  }

  /** Intel SDM Vol. 3A table 13-1; CR4.OSFXSR is not asked for. */
  @ParameterizedTest
  @ValueSource(strings = {PADDB_MM1_MM2, "0f 77", "0f 38 00 ca", "0f e7 08", "0f d7 ca"})
  void mmxWantsItsControlBits(String code) {
    s.cr4 &= ~Control.CR4_OSFXSR;
    assertThat(processor.run(code)).isEqualTo(SingleSteps.COMPLETED);
    s.cr0 |= Control.CR0_TS;
    assertThat(processor.run(code)).isEqualTo(GuestFault.NM);
    s.cr0 |= Control.CR0_EM;
    assertThat(processor.run(code)).isEqualTo(GuestFault.UD);
  }

  @Test
  void mmxMeetsPendingExceptionsAndEntersItsState() {
    s.x87.setControlWord(0x37e);
    s.x87.setStatusWord(0x3801);
    assertThat(processor.run(PADDB_MM1_MM2)).isEqualTo(GuestFault.MF);
    assertThat(s.x87.top()).isEqualTo(7);
    s.x87.setControlWord(0x37f);
    assertThat(processor.run(PADDB_MM1_MM2)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.x87.top()).isZero();
    assertThat(s.x87.abridgedTags()).isEqualTo(0xff);
    assertThat(processor.run("0f 77")).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.x87.abridgedTags()).isZero();
  }

  @Test
  void operandsOf16BytesAreAlignedWhereTheRowSaysSo() {
    s.gpr[CpuState.RAX] = 0x1008;
    processor.store(0x1008, 11);
    processor.store(0x1010, 12);
    assertThat(processor.run(MOVAPS_XMM1_RAX)).isEqualTo(GuestFault.GP);
    assertThat(processor.run(MOVAPS_RAX_XMM1)).isEqualTo(GuestFault.GP);
    assertThat(processor.run("66 0f ef 08")).isEqualTo(GuestFault.GP);
    assertThat(processor.xmm(1)).isEqualTo("0".repeat(32));
    assertThat(processor.run(MOVUPS_XMM1_RAX)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.xmmLow(1)).isEqualTo(11);
    assertThat(s.xmmHigh(1)).isEqualTo(12);
  }

  /**
   * One element divides by zero, the other is inexact: the first hides the second and stops both.
   */
  @ParameterizedTest
  @CsvSource({"true, 19", "false, 6"})
  void unmaskedExceptionsFaultAndLeaveTheDestination(boolean told, int vector) {
    s.cr4 = told ? s.cr4 : s.cr4 & ~Control.CR4_OSXMMEXCPT;
    s.mxcsr(0x1d80);
    s.xmmLow(1, Double.doubleToRawLongBits(1));
    s.xmmHigh(1, Double.doubleToRawLongBits(1));
    s.xmmLow(2, 0);
    s.xmmHigh(2, Double.doubleToRawLongBits(3));
    String before = processor.xmm(1);
    assertThat(processor.run(DIVPD_XMM1_XMM2)).isEqualTo(vector);
    assertThat(processor.xmm(1)).isEqualTo(before);
    assertThat(s.mxcsr()).isEqualTo(0x1d84);
  }

  @Test
  void maskedExceptionsAreKept() {
    s.xmmLow(1, Double.doubleToRawLongBits(1));
    s.xmmHigh(1, Double.doubleToRawLongBits(1));
    s.xmmHigh(2, Double.doubleToRawLongBits(3));
    assertThat(processor.run(DIVPD_XMM1_XMM2)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(Double.longBitsToDouble(s.xmmLow(1))).isInfinite();
    assertThat(Double.longBitsToDouble(s.xmmHigh(1))).isEqualTo(1 / 3.0);
    assertThat(s.mxcsr()).isEqualTo(0x1fa4);
  }

  @Test
  void reservedBitsOfMxcsrAreRefused() {
    s.gpr[CpuState.RAX] = 0x1000;
    processor.store(0x1000, 0x1_ffff);
    assertThat(processor.run(LDMXCSR_RAX)).isEqualTo(GuestFault.GP);
    assertThat(s.mxcsr()).isEqualTo(CpuState.MXCSR_DEFAULT);
    processor.store(0x1000, 0xffff);
    assertThat(processor.run(LDMXCSR_RAX)).isEqualTo(SingleSteps.COMPLETED);
    assertThat(s.mxcsr()).isEqualTo(0xffff);
  }
}
