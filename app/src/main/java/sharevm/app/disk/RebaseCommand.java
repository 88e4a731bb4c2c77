package sharevm.app.disk;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Gives a layer another parent. */
@Command(
    description =
        "Give a layer another parent, keeping what it shows; or none, with all stored in it.")
final class RebaseCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "IMAGE")
  private Path image;

  @Parameters(index = "1", paramLabel = "PARENT", arity = "0..1")
  private Path parent;

  @Option(
      names = "--unsafe",
      description = "Only change the note of the parent: it has moved, or is accepted as it is.")
  private boolean unsafe;

  private RebaseCommand() {}

  @Override
  public Integer call() throws DiskException {
    DiskImages.rebase(image, Optional.ofNullable(parent), unsafe);
    return 0;
  }
}
