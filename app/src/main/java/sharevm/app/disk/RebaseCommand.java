package sharevm.app.disk;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Gives a layer another parent. */
final class RebaseCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final PositionalParamSpec parent = Arguments.optionalFile(1, "PARENT");
  private final OptionSpec unsafe =
      Arguments.flag(
          "Only change the note of the parent: it has moved, or is accepted as it is.", "--unsafe");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, parent, unsafe);
    spec.usageMessage()
        .description(
            "Give a layer another parent, keeping what it shows; or none, with all stored in it.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    Optional<Path> newParent = Optional.ofNullable(parent.getValue());
    DiskImages.rebase(image.getValue(), newParent, unsafe.getValue());
    return 0;
  }
}
