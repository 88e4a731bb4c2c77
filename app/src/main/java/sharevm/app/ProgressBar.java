package sharevm.app;

import java.io.PrintStream;
import java.util.Locale;
import sharevm.library.Progress;

/** A line on a terminal that is drawn over and over while something is fetched, then wiped. */
public final class ProgressBar implements Progress {
  private static final int BAR = 30;
  private static final long REDRAW_NANOS = 100_000_000;
  private static final String WIPE = "\r\u001b[K";

  private final PrintStream out;
  private String drawn = "";
  private long drawnAt;

  /** Draws on a terminal's stream. */
  public ProgressBar(PrintStream out) {
    this.out = out;
  }

  @Override
  public void at(String what, long done, long total) {
    String line = line(what, done, total);
    long now = System.nanoTime();
    boolean due = drawn.isEmpty() || done >= total || now - drawnAt >= REDRAW_NANOS;
    if (due && !line.equals(drawn)) {
      out.print(WIPE + line);
      out.flush();
      drawn = line;
      drawnAt = now;
    }
  }

  @Override
  public void end() {
    if (!drawn.isEmpty()) {
      out.print(WIPE);
      out.flush();
      drawn = "";
    }
  }

  static String line(String what, long done, long total) {
    if (total <= 0) {
      return what + " ...";
    }
    long shown = Math.clamp(done, 0, total);
    int filled = (int) (shown * BAR / total);
    return String.format(
        Locale.ROOT,
        "%s [%s%s] %3d%% of %.1f MB",
        what,
        "#".repeat(filled),
        ".".repeat(BAR - filled),
        shown * 100 / total,
        total / 1e6);
  }
}
