package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;
import sharevm.disk.Snapshot;
import sharevm.disk.Snapshots;

/** Works with the snapshots inside an image. */
final class SnapshotCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final OptionSpec take = named("--take", "Keep the present content.");
  private final OptionSpec apply = named("--apply", "Make a kept content the present one.");
  private final OptionSpec delete = named("--delete", "Forget a kept content.");

  private static OptionSpec named(String option, String description) {
    return OptionSpec.builder(option)
        .paramLabel("NAME")
        .type(String.class)
        .description(description)
        .build();
  }

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image);
    spec.addArgGroup(ArgGroupSpec.builder().addArg(take).addArg(apply).addArg(delete).build());
    spec.usageMessage()
        .description(
            "List, take, apply or delete the snapshots that an image keeps within itself"
                + " (qcow2).");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    Path image = this.image.getValue();
    String take = this.take.getValue();
    String apply = this.apply.getValue();
    String delete = this.delete.getValue();
    boolean list = take == null && apply == null && delete == null;
    OpenOptions options = list ? Images.reading() : Images.writing();
    try (DiskImage disk = DiskImages.open(image, options)) {
      Snapshots snapshots =
          disk.capability(Snapshots.class)
              .orElseThrow(
                  () ->
                      DiskException.unsupported(image.toString(), "snapshots within this format"));
      if (list) {
        for (Snapshot snapshot : snapshots.snapshots()) {
          System.out.printf(
              "%-6s %-30s %s  %s%n",
              snapshot.id(), snapshot.name(), snapshot.taken(), Sizes.text(snapshot.diskSize()));
        }
      } else if (take != null) {
        System.out.println(snapshots.takeSnapshot(take).id());
      } else if (apply != null) {
        snapshots.applySnapshot(apply);
      } else {
        snapshots.deleteSnapshot(delete);
      }
    }
    return 0;
  }
}
