package sharevm.app.disk;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Looks for damage. */
final class CheckCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final OptionSpec repair =
      Arguments.flag(
          "Mend what needs no guess; what is overwritten is kept in IMAGE.before-repair.",
          "--repair");
  private final OptionSpec json = Arguments.flag("As JSON.", "--json");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, repair, json);
    spec.usageMessage()
        .description("Look for what contradicts the format. Status 1 when something is wrong.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    Path image = this.image.getValue();
    Path journal = image.resolveSibling(image.getFileName() + ".before-repair");
    CheckReport report =
        Arguments.given(repair) ? DiskImages.repair(image, journal) : DiskImages.check(image);
    if (Arguments.given(json)) {
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
