package sharevm.app.disk;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command {@code sharevm disk}: disk images of any format, without any virtual machine. */
@Command(
    name = "disk",
    header = "Shows, makes, converts, checks and serves disk images.",
    description = {
      "Formats: raw, qcow2, vhd, vhdx, vmdk, vdi; an image's format is found by its content.",
      "Sizes are bytes, or end in K, M, G or T."
    },
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      InfoCommand.class,
      CreateCommand.class,
      ConvertCommand.class,
      CheckCommand.class,
      ResizeCommand.class,
      MapCommand.class,
      CompareCommand.class,
      SnapshotCommand.class,
      CommitCommand.class,
      RebaseCommand.class,
      ServeCommand.class
    })
public final class DiskCommand implements Runnable {
  @Spec private CommandSpec spec;

  private DiskCommand() {}

  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
