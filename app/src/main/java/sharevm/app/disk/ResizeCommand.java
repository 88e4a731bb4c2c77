package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Resizable;

/** Changes a disk's size. */
final class ResizeCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final PositionalParamSpec size =
      PositionalParamSpec.builder()
          .index("1")
          .arity("1")
          .required(true)
          .paramLabel("SIZE")
          .type(long.class)
          .converters(new Sizes())
          .build();
  private final OptionSpec shrink =
      Arguments.flag("Allow a smaller size; what lies beyond it is lost.", "--shrink");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, size, shrink);
    spec.usageMessage().description("Change the size of a disk.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    Path image = this.image.getValue();
    long size = this.size.getValue();
    try (DiskImage disk = DiskImages.open(image, Images.writing())) {
      if (size < disk.size() && !Arguments.given(shrink)) {
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
