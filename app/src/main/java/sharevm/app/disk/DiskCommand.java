package sharevm.app.disk;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sharevm.app.Subcommands;

/** The command {@code sharevm disk}: disk images of any format, without any virtual machine. */
@Command(
    header = "Shows, makes, converts, checks and serves disk images.",
    description = {
      "Formats: raw, qcow2, vhd, vhdx, vmdk, vdi; an image's format is found by its content.",
      "Sizes are bytes, or end in K, M, G or T."
    },
    synopsisSubcommandLabel = "COMMAND")
public final class DiskCommand implements Runnable {
  @Spec private CommandSpec spec;

  private DiskCommand() {}

  /** The commands below it. */
  public static Subcommands commands() {
    return new Subcommands()
        .with("info", InfoCommand.class)
        .with("create", CreateCommand.class)
        .with("convert", ConvertCommand.class)
        .with("check", CheckCommand.class)
        .with("resize", ResizeCommand.class)
        .with("map", MapCommand.class)
        .with("compare", CompareCommand.class)
        .with("snapshot", SnapshotCommand.class)
        .with("commit", CommitCommand.class)
        .with("rebase", RebaseCommand.class)
        .with("serve", ServeCommand.class);
  }

  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
