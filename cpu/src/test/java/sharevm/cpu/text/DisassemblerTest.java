package sharevm.cpu.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;

/** {@link Disassembler} against objdump, on random encodings of every row of the opcode table. */
final class DisassemblerTest {
  private static final int PER_ROW = 8;

  /** Keeps addresses in 16 bits, so that targets of branches do not wrap. */
  private static final int BATCH = 1024;

  private record Sample(byte[] code, Instruction instruction) {}

  private final OpcodeTable table = OpcodeTable.load();
  private final Decoder decoder = new Decoder(table, i -> null);

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8})
  void saysWhatObjdumpSays(int codeSize) {
    assumeTrue(Objdump.isPresent(), "there is no objdump");
    long seed = Long.getLong("sharevm.seed", 7);
    Random random = new Random(seed);
    List<Sample> samples = new ArrayList<>();
    for (Opcode row : table.rows()) {
      for (int n = 0; n < PER_ROW; n++) {
        Sample sample = sample(row, codeSize, random);
        if (sample != null) {
          samples.add(sample);
        }
      }
    }
    List<String> differences = new ArrayList<>();
    for (int from = 0; from < samples.size(); from += BATCH) {
      compare(samples.subList(from, Math.min(from + BATCH, samples.size())), codeSize, differences);
    }
    assertThat(samples).hasSizeGreaterThan(table.rows().size() * PER_ROW * 3 / 4);
    assertThat(differences).as("seed %d", seed).isEmpty();
  }

  private static void compare(List<Sample> samples, int codeSize, List<String> differences) {
    Map<Integer, String> theirs =
        Objdump.texts(samples.stream().map(Sample::code).toList(), codeSize);
    for (int n = 0; n < samples.size(); n++) {
      Instruction instruction = samples.get(n).instruction;
      int address = n * Objdump.STRIDE;
      String ours = Notation.normalized(Disassembler.text(instruction, address));
      String objdump = Notation.normalized(theirs.getOrDefault(address, "(nothing)"));
      if (!ours.equals(objdump) && !Notation.isKnownDifference(instruction, objdump)) {
        differences.add(
            "%-30s ours %-50s objdump %-50s row %s"
                .formatted(hex(samples.get(n).code), ours, objdump, instruction.opcode));
      }
    }
  }

  /** Returns random bytes that are an instruction of a row, or null where the mode has none. */
  private Sample sample(Opcode row, int codeSize, Random random) {
    byte[] code = new byte[32];
    boolean nearBranch = row.is(Opcode.Attribute.F64);
    for (int attempt = 0; attempt < 20; attempt++) {
      random.nextBytes(code);
      int n = 0;
      switch (row.prefix()) {
        case P66 -> code[n++] = 0x66;
        case F2 -> code[n++] = (byte) 0xf2;
        case F3 -> code[n++] = (byte) 0xf3;
        case ANY -> n += !nearBranch && random.nextInt(4) == 0 ? prefix(code, 0x66) : 0;
        default -> {}
      }
      if (codeSize == 8 && (row.rexW() == 1 || random.nextInt(3) == 0)) {
        code[n++] = (byte) (0x40 | random.nextInt(16) | (row.rexW() == 1 ? 8 : 0));
      }
      if (row.map() > 0) {
        code[n++] = 0x0f;
      }
      if (row.map() > 1) {
        code[n++] = (byte) (row.map() == 2 ? 0x38 : 0x3a);
      }
      boolean inOpcode = row.text().contains("+r");
      code[n++] = (byte) (row.code() + (inOpcode ? random.nextInt(8) : 0));
      if (row.exactModrm() >= 0) {
        code[n] = (byte) row.exactModrm();
      } else if (row.digit() >= 0) {
        code[n] = (byte) (code[n] & 0xc7 | row.digit() << 3);
      }
      if (decoder.decode(code, 0, Decoder.MAX_LENGTH, codeSize, 0) == Decoder.Outcome.DECODED
          && decoder.instruction().opcode.equals(row)) {
        Instruction instruction = decoder.instruction();
        return new Sample(Arrays.copyOf(code, instruction.length), instruction);
      }
    }
    return null;
  }

  private static int prefix(byte[] code, int prefix) {
    code[0] = (byte) prefix;
    return 1;
  }

  private static String hex(byte[] code) {
    return java.util.HexFormat.ofDelimiter(" ").formatHex(code);
  }
}
