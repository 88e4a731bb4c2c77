package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Makes an empty image. */
final class CreateCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final PositionalParamSpec size =
      PositionalParamSpec.builder()
          .index("1")
          .arity("0..1")
          .paramLabel("SIZE")
          .type(Long.class)
          .converters(new Sizes())
          .description("Of the disk.")
          .build();
  private final OptionSpec parent =
      OptionSpec.builder("-b", "--parent")
          .paramLabel("IMAGE")
          .type(Path.class)
          .converters(Path::of)
          .description("Make a layer on top of this image, as large as it.")
          .build();
  private final FormatOptions format = new FormatOptions();

  CommandSpec spec() {
    CommandSpec spec = format.addTo(Arguments.command(this, image, size, parent));
    spec.usageMessage().description("Make an empty image, or an empty layer on top of another.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    Path image = this.image.getValue();
    Long size = this.size.getValue();
    Path parent = this.parent.getValue();
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
