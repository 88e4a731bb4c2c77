package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Resizable;

/** Changes a disk's size. */
@Command(description = "Change the size of a disk.")
final class ResizeCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "IMAGE")
  private Path image;

  @Parameters(index = "1", paramLabel = "SIZE", converter = Sizes.class)
  private long size;

  @Option(names = "--shrink", description = "Allow a smaller size; what lies beyond it is lost.")
  private boolean shrink;

  private ResizeCommand() {}

  @Override
  public Integer call() throws DiskException {
    try (DiskImage disk = DiskImages.open(image, Images.writing())) {
      if (size < disk.size() && !shrink) {
        throw DiskException.invalid(
            image.toString(), "the disk is larger; --shrink accepts the loss of its end");
      }
      disk.capability(Resizable.class)
          .orElseThrow(() -> DiskException.unsupported(image.toString(), "resizing this format"))
          .resize(size);
    }
    return 0;
  }
}
