package sharevm.disk;

import java.util.ArrayList;
import java.util.List;

/**
 * What a check found.
 *
 * @param findings in the order found, at most {@link #MOST}
 * @param errors how many contradictions there are
 * @param leaks how many blocks are taken by nobody; harmless but for the space
 * @param repaired how many of both are mended
 */
public record CheckReport(List<Finding> findings, long errors, long leaks, long repaired) {
  /** So many findings are listed; the rest is only counted. */
  public static final int MOST = 200;

  /** How bad it is. */
  public enum Severity {
    /** The image contradicts its format: guest data may be wrong. */
    ERROR,
    /** Space is lost, nothing else. */
    LEAK
  }

  /**
   * One of them.
   *
   * @param severity how bad
   * @param offset in the image file
   * @param what in a clause
   * @param repaired true when it is mended
   */
  public record Finding(Severity severity, long offset, String what, boolean repaired) {}

  /** True when nothing is wrong, or nothing is wrong any more. */
  public boolean isClean() {
    return errors + leaks == repaired;
  }

  /** Collects findings. */
  public static final class Builder {
    private final List<Finding> findings = new ArrayList<>();
    private long errors;
    private long leaks;
    private long repaired;

    /** Makes an empty report. */
    public Builder() {}

    /** Adds a contradiction. */
    public void error(long offset, boolean mended, String what) {
      errors++;
      add(new Finding(Severity.ERROR, offset, what, mended));
    }

    /** Adds lost space. */
    public void leak(long offset, boolean mended, String what) {
      leaks++;
      add(new Finding(Severity.LEAK, offset, what, mended));
    }

    private void add(Finding finding) {
      repaired += finding.repaired() ? 1 : 0;
      if (findings.size() < MOST) {
        findings.add(finding);
      }
    }

    /** Adds another report's findings. */
    public void add(CheckReport report) {
      errors += report.errors();
      leaks += report.leaks();
      repaired += report.repaired();
      report.findings().stream().limit(MOST - findings.size()).forEach(findings::add);
    }

    /** What has been collected. */
    public CheckReport build() {
      return new CheckReport(List.copyOf(findings), errors, leaks, repaired);
    }
  }
}
