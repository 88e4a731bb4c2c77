package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Writes a layer's content into its parent. */
@Command(
    description =
        "Write what a layer holds into its parent. Other layers on that parent become invalid.")
final class CommitCommand implements Callable<Integer> {
  @Parameters(paramLabel = "IMAGE")
  private Path image;

  private CommitCommand() {}

  @Override
  public Integer call() throws DiskException {
    DiskImages.commit(image);
    return 0;
  }
}
