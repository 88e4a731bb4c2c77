package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.real.TestBus;

/** CMPS and SCAS with REP that fault after some elements. */
final class RepeatedComparisonTest {
  private static final long LAST_CANONICAL = 0x7fff_ffff_ffffL;

  /** Intel SDM Vol. 2B REP; AMD's processors leave the last comparison's flags (measured). */
  @ParameterizedTest
  @CsvSource({
    "standard, f2 a6, true",
    "standard, f2 ae, true",
    "amd64,    f2 a6, false",
    "amd64,    f2 ae, false"
  })
  void faultRestoresTheFlagsOnIntelsModels(String model, String code, boolean restored) {
    SingleSteps processor = new SingleSteps(new TestBus(0x10000), CpuModel.named(model));
    CpuState s = processor.state;
    s.gpr[CpuState.RCX] = 5;
    s.gpr[CpuState.RSI] = 0x1000;
    s.gpr[CpuState.RDI] = LAST_CANONICAL - 1;
    Flags.status(s, Flags.ZF | Flags.CF | Flags.OF);
    assertThat(processor.run(code)).isEqualTo(GuestFault.GP);
    assertThat(s.gpr[CpuState.RCX]).isEqualTo(3);
    assertThat(s.gpr[CpuState.RDI]).isEqualTo(LAST_CANONICAL + 1);
    assertThat(Flags.status(s) == (Flags.ZF | Flags.CF | Flags.OF)).isEqualTo(restored);
  }

  @Test
  void countsOf2To63AndMoreAreNotDoneAtOnce() {
    SingleSteps processor = new SingleSteps();
    CpuState s = processor.state;
    s.gpr[CpuState.RCX] = Long.MIN_VALUE + 5;
    s.gpr[CpuState.RSI] = 0x1000;
    s.gpr[CpuState.RDI] = LAST_CANONICAL - 1;
    assertThat(processor.run("f2 a6")).isEqualTo(GuestFault.GP);
    assertThat(s.gpr[CpuState.RCX]).isEqualTo(Long.MIN_VALUE + 3);
  }
}
