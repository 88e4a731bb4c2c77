package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.lab.Engines;

/** A guest whose fault handler faults at once retires nothing, and still comes to an end. */
class FaultStormTest {
  private static final int RAM_SIZE = 1 << 20;
  private static final short UD2 = 0x0b0f;

  static Stream<Arguments> engines() {
    return Engines.all().stream().map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void faultsUseUpTheBudget(EngineFactory engine) {
    SmallBus bus = new SmallBus(RAM_SIZE);
    CodePages codePages = new CodePages(RAM_SIZE);
    Cpu.Environment environment = new Cpu.Environment(bus, new NoInterrupts(), () -> 0L, codePages);
    Cpu cpu = new Cpu(CpuModel.standard(), environment, new CpuState(), engine);
    // All vectors lead to 0000:0000, where the instruction is undefined.
    bus.ram().set(ValueLayout.JAVA_SHORT, 0, UD2);
    cpu.state.segmentBase[CpuState.CS] = 0;
    cpu.state.selector[CpuState.CS] = 0;
    cpu.state.rip = 0;
    cpu.state.gpr[CpuState.RSP] = 0x8000;
    cpu.contextChanged();

    Exit exit = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(1), () -> cpu.run(1000));

    assertThat(exit).isEqualTo(new Exit.BudgetSpent());
  }
}
