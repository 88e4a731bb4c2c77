package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;

/** Encodings that our processor once did not treat as the host does, each in many random states. */
class DifficultInstructionsTest {
  private static final int STATES = 300;

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "MOVBE with F3 is undefined,                 LONG,          f3 0f 38 f0 06, 20000800",
    "PAUSE with REX.B exchanges R8 and RAX,      LONG,          f3 41 90,       20000800",
    "LOCK MOV from a debug register is undefined, LONG,    f0 41 0f 21 d0, 20000800",
    "ARPL does not write what it leaves alone,   COMPATIBILITY, 2e 63 06,       20000800",
    "a comparison that faults restores flags,    LONG,          f2 a6,          20001ffd",
    "a store that is kept back faults: m32,      LONG,          d9 1e,          20001ffe",
    "a store that is kept back faults: m64,      COMPATIBILITY, dd 16,          20001ffe",
    "a store that is kept back faults: integer,  LONG,          df 3e,          1ffffffe",
    "a store that is kept back faults: m80,      COMPATIBILITY, db 3e,          20001ffa",
    "a store that is kept back faults: decimal,  LONG,          df 36,          20001ffa"
  })
  void doesWhatTheHostDoes(String name, Mode mode, String code, String rsi) {
    Optional<String> missing = HostProcessor.whyUnavailable();
    assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.get());
    byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
    try (HostProcessor host = HostProcessor.start(folder)) {
      Judge judge = new Judge(host, new InterpreterProcessor());
      assumeTrue(judge.kind().runs(mode), "skipped: " + HostKind.NO_32_BIT_CODE);
      compare(
          host,
          judge,
          row(bytes, mode),
          cases(judge.kind(), mode, bytes, Long.parseLong(rsi, 16), name));
    }
  }

  private static List<CpuCase> cases(HostKind kind, Mode mode, byte[] code, long rsi, String name) {
    long seed = Long.getLong("sharevm.seed", 20261122L);
    StateGenerator states = new StateGenerator(new SplittableRandom(seed), kind);
    List<CpuCase> cases = new ArrayList<>();
    for (int n = 0; n < STATES; n++) {
      ProcessorState state = states.next(mode);
      state.gpr[6] = rsi;
      cases.add(new CpuCase(mode, state, code, List.of(), rsi, name + ", seed " + seed));
    }
    return cases;
  }

  private static void compare(HostProcessor host, Judge judge, Opcode row, List<CpuCase> cases) {
    List<CpuOutcome> outcomes = host.run(cases);
    for (int n = 0; n < STATES; n++) {
      CpuCase input = cases.get(n);
      Judge.Verdict verdict = judge.judge(row, input, outcomes.get(n));
      assertThat(verdict.differences())
          .as(
              () ->
                  FailureReport.of(
                      row, input, verdict.natively(), verdict.interpreted(), verdict.differences()))
          .isEmpty();
    }
  }

  private static Opcode row(byte[] code, Mode mode) {
    OpcodeTable table = OpcodeTable.load();
    Decoder decoder = new Decoder(table, _ -> null);
    Decoder.Outcome outcome = decoder.decode(code, 0, code.length, mode.bits / 8, 0);
    return outcome == Decoder.Outcome.DECODED
        ? decoder.instruction().opcode
        : table.rows().getFirst();
  }
}
