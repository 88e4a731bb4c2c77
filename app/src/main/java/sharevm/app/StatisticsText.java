package sharevm.app;

import java.util.Locale;
import sharevm.machine.Statistics;

/** The counts of a run, for a person. */
final class StatisticsText {
  private StatisticsText() {}

  static String of(Statistics statistics) {
    double seconds = statistics.runNanos() / 1e9;
    StringBuilder text = new StringBuilder();
    line(text, "time", "%.3f s", seconds);
    line(text, "instructions", "%,d", statistics.instructions());
    line(text, "speed", "%.1f MIPS while not waiting", statistics.mips());
    for (int i = 0; i < statistics.processors().size(); i++) {
      Statistics.Processor processor = statistics.processors().get(i);
      line(
          text,
          "processor " + i,
          "%,d instructions, waited %,d times, %.3f s",
          processor.instructions(),
          processor.halts(),
          processor.haltedNanos() / 1e9);
      if (!processor.engine().isEmpty()) {
        line(text, "engine " + i, "%s", processor.engine());
      }
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String format, Object... values) {
    text.append(String.format(Locale.ROOT, "%-14s", name))
        .append(String.format(Locale.ROOT, format, values))
        .append('\n');
  }
}
