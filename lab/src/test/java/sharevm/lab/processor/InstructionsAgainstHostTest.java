package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.lab.Engines;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/**
 * Every instruction form that user mode may execute does on our processor what it does on the
 * host's: random instances in random states, in 64-bit and in compatibility mode, compared in full.
 *
 * <p>System properties: {@code sharevm.seed}; {@code sharevm.cases} per form and mode; {@code
 * sharevm.row}, {@code sharevm.mode} and {@code sharevm.case} for one case again, as a report says
 * it.
 */
class InstructionsAgainstHostTest {
  private static final int QUICK_CASES = 60;
  private static final int LONG_CASES = 2000;

  /** How many reports the failure itself shows; the rest is in the file. */
  private static final int SHOWN = 5;

  @TempDir Path folder;

  private InterpreterProcessor ours = new InterpreterProcessor();
  private final Map<String, Failures> failures = new LinkedHashMap<>();
  private final List<String> reports = new ArrayList<>();
  private long notRun;

  /** How often a form differed, and in what. */
  private static final class Failures {
    private final Map<String, Integer> places = new TreeMap<>();
    private int cases;

    @Override
    public String toString() {
      return cases + " " + places;
    }
  }

  /** A case and the row it is of. */
  private record Numbered(Opcode row, CpuCase input) {}

  @Test
  void doesWhatTheHostDoes() throws Exception {
    compare(QUICK_CASES);
  }

  @Test
  @Tag("long")
  void doesWhatTheHostDoesThousandsOfTimes() throws Exception {
    compare(LONG_CASES);
  }

  @Test
  @Tag("long")
  void doesWhatTheHostDoesThousandsOfTimesWhenTranslated() throws Exception {
    ours = new InterpreterProcessor(Translator.factory(Engines.translatesAll()));
    compare(LONG_CASES);
  }

  static List<Named<Tuning>> tunings() {
    return Engines.tunings();
  }

  @ParameterizedTest
  @MethodSource("tunings")
  @Tag("long")
  void doesWhatTheHostDoesHoweverTheTranslatorWorks(Tuning tuning) throws Exception {
    ours = new InterpreterProcessor(Translator.factory(tuning));
    compare(QUICK_CASES);
  }

  private void compare(int standardCases) throws Exception {
    Optional<String> missing = HostProcessor.whyUnavailable();
    assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.get());
    long seed = Long.getLong("sharevm.seed", 20261122L);
    int cases = Integer.getInteger("sharevm.cases", standardCases);
    String onlyRow = System.getProperty("sharevm.row", "");
    String onlyMode = System.getProperty("sharevm.mode", "");
    int onlyCase = Integer.getInteger("sharevm.case", -1);
    int forms = 0;
    int rowsLeftOut = 0;
    try (HostProcessor host = HostProcessor.start(folder)) {
      Judge judge = new Judge(host, ours);
      HostKind kind = judge.kind();
      List<Numbered> batch = new ArrayList<>();
      for (Opcode row : OpcodeTable.load().rows()) {
        if (!row.text().contains(onlyRow)) {
          continue;
        }
        if (judge.leavesOut(row)) {
          rowsLeftOut++;
          continue;
        }
        for (Mode mode : Mode.values()) {
          if (!CaseGenerator.existsIn(row, mode) || !mode.name().contains(onlyMode)) {
            continue;
          }
          int first = Math.max(0, onlyCase);
          int end = onlyCase < 0 ? cases : onlyCase + 1;
          if (!kind.runs(mode)) {
            notRun += end - first;
            continue;
          }
          forms++;
          for (int n = first; n < end; n++) {
            batch.add(new Numbered(row, CaseGenerator.make(row, mode, seed, n, kind)));
            if (batch.size() == HostProcessor.BATCH) {
              run(host, judge, batch);
            }
          }
        }
      }
      run(host, judge, batch);
      print(judge, forms, rowsLeftOut, seed);
    }
    Path file = Path.of("target", "processor-differences.txt");
    if (!failures.isEmpty()) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, summary() + "\n" + String.join("\n", reports));
    }
    assertThat(failures.isEmpty())
        .as(
            "no differences; but (all in target/processor-differences.txt):%n%s%n%s",
            summary(), String.join("\n", reports.subList(0, Math.min(SHOWN, reports.size()))))
        .isTrue();
  }

  private void print(Judge judge, int forms, int rowsLeftOut, long seed) {
    System.out.printf(
        "%d instruction forms, %d cases compared with the host's processor;"
            + " %d rows left out with reasons (seed %d)%s%n",
        forms,
        judge.compared(),
        rowsLeftOut,
        seed,
        ours.counts().isEmpty() ? "" : "; " + ours.counts());
    if (!judge.kind().runs32BitCode()) {
      System.out.printf("%s: %d cases not compared%n", HostKind.NO_32_BIT_CODE, notRun);
    }
    if (!judge.kind().keepsUpperGsBase()) {
      System.out.printf(
          "%s: cases begin with one in the lower half; GSBASE not compared in %d%n",
          HostKind.NO_UPPER_GS_BASE, judge.basesLeftOut());
    }
    if (judge.disturbed() > 0) {
      System.out.printf(
          "asked again, the host did what ours does in %d cases%n", judge.disturbed());
    }
  }

  private String summary() {
    StringBuilder lines = new StringBuilder();
    failures.forEach((form, of) -> lines.append(form).append(": ").append(of).append('\n'));
    return lines.toString();
  }

  private void run(HostProcessor host, Judge judge, List<Numbered> batch) {
    List<CpuOutcome> outcomes = host.run(batch.stream().map(Numbered::input).toList());
    for (int i = 0; i < batch.size(); i++) {
      Opcode row = batch.get(i).row();
      CpuCase input = batch.get(i).input();
      Judge.Verdict verdict = judge.judge(row, input, outcomes.get(i));
      List<String> differences = verdict.differences();
      if (differences.isEmpty()) {
        continue;
      }
      Failures of =
          failures.computeIfAbsent(row.text() + " (" + input.mode() + ")", _ -> new Failures());
      of.cases++;
      differences.forEach(place -> of.places.merge(place, 1, Integer::sum));
      if (of.cases == 1) {
        reports.add(
            FailureReport.of(row, input, verdict.natively(), verdict.interpreted(), differences));
      }
    }
    batch.clear();
  }
}
