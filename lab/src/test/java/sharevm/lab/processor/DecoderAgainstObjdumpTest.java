package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.OpcodeTable;

/**
 * Random bytes have the same length for our decoder as for GNU objdump, and are an instruction for
 * one if they are for the other; exceptions are listed in {@code objdump-differs.txt}.
 */
class DecoderAgainstObjdumpTest {
  private static final int SAMPLES = 20_000;
  private static final int SAMPLE_BYTES = 16;

  /** A sample and then as many NOPs as bring objdump's sweep back into step. */
  private static final int SLOT_BYTES = 32;

  /** Without REX, which objdump reads in ways of its own where another prefix follows. */
  private static final byte[] PREFIXES = HexFormat.of().parseHex("262e363e6465666667f0f2f366f2f3");

  private static final Pattern ONLY_PREFIXES =
      Pattern.compile(
          "((cs|ds|es|ss|fs|gs|data16|data32|addr16|addr32|repz|repnz|rep|lock|rex(\\.[WRXB]+)?"
              + "|xacquire|xrelease|bnd|notrack) ?)+");

  private record Known(Pattern text, String who, String reason) {}

  private record Verdict(boolean valid, int length, String text) {}

  @ParameterizedTest
  @EnumSource(Mode.class)
  void agreesOnLengthAndValidity(Mode mode) {
    assumeTrue(Objdump.available(), "skipped: there is no objdump");
    long seed = Long.getLong("sharevm.seed", 20261122L);
    List<byte[]> samples = samples(new SplittableRandom(seed + mode.bits));
    List<Verdict> theirs = objdump(samples, mode);
    Decoder decoder = new Decoder(OpcodeTable.load(), _ -> null);
    List<Known> known = known();
    Map<String, String> differences = new LinkedHashMap<>();
    int compared = 0;
    for (int i = 0; i < samples.size(); i++) {
      byte[] code = samples.get(i);
      Decoder.Outcome outcome = decoder.decode(code, 0, code.length, mode.bits / 8, 0);
      boolean valid = outcome == Decoder.Outcome.DECODED;
      Verdict verdict = theirs.get(i);
      int length = valid ? decoder.instruction().length : 0;
      if (valid == verdict.valid && (!valid || length == verdict.length)) {
        compared++;
        continue;
      }
      String who = valid == verdict.valid ? "both" : valid ? "we" : "objdump";
      if (known.stream()
          .noneMatch(k -> k.who.equals(who) && k.text.matcher(verdict.text).matches())) {
        String mine = valid ? length + " " + decoder.instruction().opcode : outcome.toString();
        differences.putIfAbsent(
            who + " " + verdict.text.replaceAll(" .*", "") + mine.replaceAll("^[0-9]* *", ""),
            "%s: %s %d %s; we: %s"
                .formatted(
                    HexFormat.ofDelimiter(" ").formatHex(code, 0, 12),
                    who,
                    verdict.length,
                    verdict.text,
                    mine));
      }
    }
    System.out.printf("%d encodings agree with objdump, %s (seed %d)%n", compared, mode, seed);
    assertThat(differences.values()).as("seed %d", seed).isEmpty();
  }

  private static List<byte[]> samples(SplittableRandom random) {
    List<byte[]> samples = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      byte[] sample = new byte[SAMPLE_BYTES];
      random.nextBytes(sample);
      int at = 0;
      for (int n = random.nextInt(4); n > 0; n--) {
        sample[at++] = PREFIXES[random.nextInt(PREFIXES.length)];
      }
      if (random.nextInt(3) == 0) {
        sample[at++] = (byte) (0x40 | random.nextInt(16));
      }
      int map = random.nextInt(6);
      if (map >= 2) {
        sample[at++] = 0x0f;
      }
      if (map >= 4) {
        sample[at] = (byte) (map == 4 ? 0x38 : 0x3a);
      }
      samples.add(sample);
    }
    return samples;
  }

  private static List<Verdict> objdump(List<byte[]> samples, Mode mode) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] nops = new byte[SLOT_BYTES - SAMPLE_BYTES];
    Arrays.fill(nops, (byte) 0x90);
    for (byte[] sample : samples) {
      all.writeBytes(sample);
      all.writeBytes(nops);
    }
    Verdict[] verdicts = new Verdict[samples.size()];
    List<Objdump.Line> lines = Objdump.disassemble(all.toByteArray(), mode);
    for (int n = 0; n < lines.size(); n++) {
      if (lines.get(n).offset() % SLOT_BYTES == 0) {
        verdicts[lines.get(n).offset() / SLOT_BYTES] = verdict(lines, n);
      }
    }
    return Arrays.asList(verdicts);
  }

  /** objdump shows prefixes that it can make nothing of in lines of their own. */
  private static Verdict verdict(List<Objdump.Line> lines, int first) {
    int n = first;
    int length = lines.get(n).length();
    StringBuilder text = new StringBuilder(lines.get(n).text());
    while (ONLY_PREFIXES.matcher(lines.get(n).text()).matches() && n + 1 < lines.size()) {
      n++;
      length += lines.get(n).length();
      text.append(' ').append(lines.get(n).text());
    }
    boolean valid = text.indexOf("(bad)") < 0 && length <= Decoder.MAX_LENGTH;
    return new Verdict(valid, length, text.toString());
  }

  private static List<Known> known() {
    try (InputStream in =
        DecoderAgainstObjdumpTest.class.getResourceAsStream("objdump-differs.txt")) {
      List<Known> known = new ArrayList<>();
      String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      for (String line : text.lines().filter(l -> !l.isBlank() && !l.startsWith("#")).toList()) {
        String[] columns = line.split(" ; ", -1);
        known.add(new Known(Pattern.compile(columns[0].strip()), columns[1].strip(), columns[2]));
      }
      return known;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
