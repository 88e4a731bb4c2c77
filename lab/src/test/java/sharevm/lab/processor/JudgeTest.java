package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;

final class JudgeTest {
  private static final long NESTED_TASK = 1 << 14;

  @TempDir private Path folder;

  @Test
  void whatTheHostDoesOnceOnlyIsNoDifference() throws Exception {
    Optional<String> missing = HostProcessor.whyUnavailable();
    assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.get());
    try (HostProcessor host = HostProcessor.start(folder)) {
      Judge judge = new Judge(host, new InterpreterProcessor());
      CpuCase input = input(judge, "90");
      CpuOutcome natively = host.run(List.of(input)).getFirst();
      natively.state().rflags ^= NESTED_TASK;
      assertThat(judge.judge(row(), input, natively).differences()).isEmpty();
      assertThat(judge.disturbed()).isEqualTo(1);
    }
  }

  /** CPUID, taken for a row of which all is compared: the processors differ in their features. */
  @Test
  void whatTheHostDoesAgainIsOne() throws Exception {
    Optional<String> missing = HostProcessor.whyUnavailable();
    assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.get());
    try (HostProcessor host = HostProcessor.start(folder)) {
      Judge judge = new Judge(host, new InterpreterProcessor());
      CpuCase input = input(judge, "0fa2");
      input.state().gpr[0] = 1;
      CpuOutcome natively = host.run(List.of(input)).getFirst();
      assertThat(judge.judge(row(), input, natively).differences()).isNotEmpty();
      assertThat(judge.disturbed()).isZero();
    }
  }

  private static CpuCase input(Judge judge, String code) {
    ProcessorState state =
        new StateGenerator(new SplittableRandom(0), judge.kind()).next(Mode.LONG);
    return new CpuCase(Mode.LONG, state, HexFormat.of().parseHex(code), List.of(), -1, "judge");
  }

  /** One that leaves nothing open. */
  private static Opcode row() {
    return OpcodeTable.load().rows().stream()
        .filter(row -> row.mnemonic().equals("MOV"))
        .findFirst()
        .orElseThrow();
  }
}
