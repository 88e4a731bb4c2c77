package sharevm.app.disk;

import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImages;

/** Writes a layer's content into its parent. */
final class CommitCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image);
    spec.usageMessage()
        .description(
            "Write what a layer holds into its parent. Other layers on that parent become invalid.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    DiskImages.commit(image.getValue());
    return 0;
  }
}
