package sharevm.app.disk;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;
import sharevm.disk.Snapshot;
import sharevm.disk.Snapshots;

/** Works with the snapshots inside an image. */
@Command(
    description =
        "List, take, apply or delete the snapshots that an image keeps within itself (qcow2).")
final class SnapshotCommand implements Callable<Integer> {
  @Parameters(paramLabel = "IMAGE")
  private Path image;

  @ArgGroup private Action action;

  /** One of them, or none to list. */
  static final class Action {
    @Option(names = "--take", paramLabel = "NAME", description = "Keep the present content.")
    private String take;

    @Option(
        names = "--apply",
        paramLabel = "NAME",
        description = "Make a kept content the present one.")
    private String apply;

    @Option(names = "--delete", paramLabel = "NAME", description = "Forget a kept content.")
    private String delete;

    private Action() {}
  }

  private SnapshotCommand() {}

  @Override
  public Integer call() throws DiskException {
    boolean list = action == null;
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
      } else if (action.take != null) {
        System.out.println(snapshots.takeSnapshot(action.take).id());
      } else if (action.apply != null) {
        snapshots.applySnapshot(action.apply);
      } else {
        snapshots.deleteSnapshot(action.delete);
      }
    }
    return 0;
  }
}
