package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;

/** Compares what two disks show. */
@Command(description = "Compare what two disks show. Status 1 when they differ.")
final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "IMAGE")
  private Path first;

  @Parameters(index = "1", paramLabel = "IMAGE")
  private Path second;

  private CompareCommand() {}

  @Override
  public Integer call() throws DiskException {
    try (DiskImage a = DiskImages.open(first, Images.reading());
        DiskImage b = DiskImages.open(second, Images.reading())) {
      long at = DiskImages.compare(a, b);
      String sizes = a.size() == b.size() ? "" : "; the sizes differ, the rest is zero";
      System.out.println(at < 0 ? "the same" + sizes : "they differ, first at byte " + at);
      return at < 0 ? 0 : 1;
    }
  }
}
