package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Makes an empty image. */
@Command(description = "Make an empty image, or an empty layer on top of another.")
final class CreateCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "IMAGE")
  private Path image;

  @Parameters(
      index = "1",
      paramLabel = "SIZE",
      arity = "0..1",
      converter = Sizes.class,
      description = "Of the disk.")
  private Long size;

  @Option(
      names = {"-b", "--parent"},
      paramLabel = "IMAGE",
      description = "Make a layer on top of this image, as large as it.")
  private Path parent;

  @Mixin private FormatOptions format;

  private CreateCommand() {}

  @Override
  public Integer call() throws DiskException {
    if ((size == null) == (parent == null)) {
      throw DiskException.invalid(image.toString(), "give either a SIZE or a --parent");
    }
    if (parent == null) {
      DiskImages.create(image, format.format(image), size);
    } else {
      DiskImages.createOverlay(image, format.format(image), parent);
    }
    return 0;
  }
}
