package sharevm.lab.processor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import sharevm.cpu.opcode.Opcode;

/**
 * Where the interpreter and the host may differ, each with its reason: the text resource {@code
 * undefined.txt}, whose head explains its notation.
 */
final class UndefinedResults {
  /** Stands for "do not compare this case at all". */
  static final String CASE = "case";

  private final List<Rule> rules;
  private final Set<Rule> used = new HashSet<>();

  /**
   * One line of the resource.
   *
   * @param form matches rows as the opcode table writes their instruction ({@code ADD r/m, r})
   * @param condition when, a name of {@link Conditions}, or empty
   * @param what the places that may differ
   * @param reason why
   */
  private record Rule(Pattern form, String condition, List<String> what, String reason) {}

  private UndefinedResults(List<Rule> rules) {
    this.rules = rules;
  }

  /** Reads the resource. */
  static UndefinedResults load() {
    List<Rule> rules = new ArrayList<>();
    try (InputStream in = UndefinedResults.class.getResourceAsStream("undefined.txt");
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        String[] columns = line.split(";", 4);
        if (columns.length != 4 || columns[3].isBlank()) {
          throw new IllegalStateException("undefined.txt: four columns wanted in: " + line);
        }
        rules.add(
            new Rule(
                Pattern.compile(columns[0].strip()),
                columns[1].strip(),
                List.of(columns[2].strip().split(" +")),
                columns[3].strip()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new UndefinedResults(rules);
  }

  /** Returns an instruction as the table's second column writes it. */
  static String form(Opcode row) {
    return row.operandNames().isEmpty()
        ? row.mnemonic()
        : row.mnemonic() + " " + String.join(", ", row.operandNames());
  }

  /** Returns the places at which results of a case may differ. */
  Set<String> of(Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    Set<String> places = new HashSet<>();
    String form = form(row);
    for (Rule rule : rules) {
      if (rule.form.matcher(form).matches()
          && (rule.condition.isEmpty()
              || Conditions.hold(rule.condition, row, input, host, ours))) {
        rule.what.forEach(what -> places.addAll(meaning(what, row, input)));
        used.add(rule);
      }
    }
    if (host.vector() == CpuOutcome.COMPLETED) {
      for (int bit = 0; bit < Comparison.FLAGS.length; bit++) {
        if ((row.flagsUndefined() >> bit & 1) != 0) {
          places.add(Comparison.FLAGS[bit]);
        }
      }
    }
    return places;
  }

  private static List<String> meaning(String what, Opcode row, CpuCase input) {
    return switch (what) {
      case "reg" -> List.of(Comparison.REGISTERS[Encoding.of(row, input).reg()]);
      case "rm" -> List.of(Comparison.REGISTERS[Encoding.of(row, input).rm()]);
      case "registers" -> List.of(Comparison.REGISTERS);
      case "single-nans" -> List.of("nan4-XMM" + Encoding.of(row, input).reg());
      case "double-nans" -> List.of("nan8-XMM" + Encoding.of(row, input).reg());
      case "pushed" -> around("stack", -8, 0);
      case "operand-10" -> around("operand", 0, 10);
      case "status" -> List.of("CF", "PF", "AF", "ZF", "SF", "OF");
      default -> List.of(what);
    };
  }

  /** Returns the bytes around the top of the stack or the start of the operand. */
  private static List<String> around(String where, int from, int to) {
    return IntStream.range(from, to).mapToObj(n -> where + "+" + n).toList();
  }

  /** Returns why a row is not compared at all, or null when it is. */
  String whyLeftOut(Opcode row) {
    String form = form(row);
    for (Rule rule : rules) {
      if (rule.what.contains("row")
          && rule.condition.isEmpty()
          && rule.form.matcher(form).matches()) {
        used.add(rule);
        return rule.reason;
      }
    }
    return null;
  }
}
