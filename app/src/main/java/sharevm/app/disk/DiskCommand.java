package sharevm.app.disk;

import picocli.CommandLine.Model.CommandSpec;
import sharevm.app.Arguments;
import sharevm.app.Subcommands;

/** The command {@code sharevm disk}: disk images of any format, without any virtual machine. */
public final class DiskCommand implements Runnable {
  private final CommandSpec spec = Arguments.command(this);

  private DiskCommand() {}

  /** Describes it, without the commands below it. */
  public static CommandSpec describe() {
    CommandSpec spec = new DiskCommand().spec;
    spec.usageMessage()
        .header("Shows, makes, converts, checks and serves disk images.")
        .description(
            "Formats: raw, qcow2, vhd, vhdx, vmdk, vdi; an image's format is found by its content.",
            "Sizes are bytes, or end in K, M, G or T.")
        .synopsisSubcommandLabel("COMMAND");
    return spec;
  }

  /** The commands below it. */
  public static Subcommands commands() {
    return new Subcommands()
        .with("info", () -> new InfoCommand().spec())
        .with("create", () -> new CreateCommand().spec())
        .with("convert", () -> new ConvertCommand().spec())
        .with("check", () -> new CheckCommand().spec())
        .with("resize", () -> new ResizeCommand().spec())
        .with("map", () -> new MapCommand().spec())
        .with("compare", () -> new CompareCommand().spec())
        .with("snapshot", () -> new SnapshotCommand().spec())
        .with("commit", () -> new CommitCommand().spec())
        .with("rebase", () -> new RebaseCommand().spec())
        .with("serve", () -> new ServeCommand().spec());
  }

  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
