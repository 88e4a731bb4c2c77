package sharevm.app.disk;

import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;

/** Compares what two disks show. */
final class CompareCommand implements Callable<Integer> {
  private final PositionalParamSpec first = Arguments.file(0, "IMAGE");
  private final PositionalParamSpec second = Arguments.file(1, "IMAGE");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, first, second);
    spec.usageMessage().description("Compare what two disks show. Status 1 when they differ.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    try (DiskImage a = DiskImages.open(first.getValue(), Images.reading());
        DiskImage b = DiskImages.open(second.getValue(), Images.reading())) {
      long at = DiskImages.compare(a, b);
      String sizes = a.size() == b.size() ? "" : "; the sizes differ, the rest is zero";
      System.out.println(at < 0 ? "the same" + sizes : "they differ, first at byte " + at);
      return at < 0 ? 0 : 1;
    }
  }
}
