package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.cpu.CpuModel;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.lab.Engines;

/** Instructions whose feature a named processor has not are undefined for it, with every engine. */
class ModelFeaturesTest {
  private static final int CASES = 4;
  private static final int UNDEFINED = 6;
  private static final long SEED = 20261125L;

  static Stream<Arguments> modelsAndEngines() {
    return CpuModel.names().stream()
        .flatMap(model -> Engines.all().stream().map(engine -> Arguments.of(model, engine)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndEngines")
  void whatAModelLacksIsUndefined(String name, EngineFactory engine) {
    CpuModel model = CpuModel.named(name);
    InterpreterProcessor processor = new InterpreterProcessor(model, engine);
    List<String> wrong = new ArrayList<>();
    for (Opcode row : OpcodeTable.load().rows()) {
      boolean lacking = row.needs().filter(feature -> !model.has(feature)).isPresent();
      for (Mode mode : Mode.values()) {
        for (int n = 0; n < CASES && lacking && CaseGenerator.existsIn(row, mode); n++) {
          int vector =
              processor.run(CaseGenerator.make(row, mode, SEED, n, HostKind.COMPLETE)).vector();
          if (vector != UNDEFINED) {
            wrong.add("%s (%s): vector %d".formatted(row, mode, vector));
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }
}
