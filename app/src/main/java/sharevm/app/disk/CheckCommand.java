package sharevm.app.disk;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Looks for damage. */
@Command(description = "Look for what contradicts the format. Status 1 when something is wrong.")
final class CheckCommand implements Callable<Integer> {
  @Parameters(paramLabel = "IMAGE")
  private Path image;

  @Option(
      names = "--repair",
      description = "Mend what needs no guess; what is overwritten is kept in IMAGE.before-repair.")
  private boolean repair;

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  private CheckCommand() {}

  @Override
  public Integer call() throws DiskException {
    Path journal = image.resolveSibling(image.getFileName() + ".before-repair");
    CheckReport report = repair ? DiskImages.repair(image, journal) : DiskImages.check(image);
    if (json) {
      System.out.println(Json.of(map(report)));
    } else {
      for (CheckReport.Finding finding : report.findings()) {
        System.out.println(
            (finding.severity() == CheckReport.Severity.LEAK ? "leak" : "error")
                + " at byte "
                + finding.offset()
                + ": "
                + finding.what()
                + (finding.repaired() ? " (mended)" : ""));
      }
      System.out.println(
          report.errors()
              + " errors, "
              + report.leaks()
              + " leaks, "
              + report.repaired()
              + " mended");
    }
    return report.isClean() ? 0 : 1;
  }

  private static Map<String, Object> map(CheckReport report) {
    List<Map<String, Object>> findings =
        report.findings().stream()
            .map(
                finding -> {
                  Map<String, Object> map = new LinkedHashMap<>();
                  map.put("severity", finding.severity());
                  map.put("offset", finding.offset());
                  map.put("what", finding.what());
                  map.put("repaired", finding.repaired());
                  return map;
                })
            .toList();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("errors", report.errors());
    map.put("leaks", report.leaks());
    map.put("repaired", report.repaired());
    map.put("findings", findings);
    return map;
  }
}
