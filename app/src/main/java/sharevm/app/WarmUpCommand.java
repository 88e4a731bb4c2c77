package sharevm.app;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What the JVM watches when its AOT cache is made: the ways that every start goes. Not for people.
 */
@Command(name = "warm-up", hidden = true)
final class WarmUpCommand implements Callable<Integer> {
  private static final int DISK_BYTES = 4 << 20;

  @Spec private CommandSpec spec;

  @Option(names = "--guest", description = "Boot the guest mini as well.")
  private boolean guest;

  private WarmUpCommand() {}

  @Override
  public Integer call() throws IOException {
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    nowhere.println(Version.line());
    CommandLine root = spec.root().commandLine();
    root.usage(nowhere);
    root.getSubcommands().get("run").usage(nowhere);
    convertDisks();
    if (guest) {
      return SharevmCommand.execute("run", "--timeout", "60s");
    }
    return ExitStatus.DONE;
  }

  /** From one format to the next, so that each is read and written once. */
  private static void convertDisks() throws IOException {
    Path folder = Files.createTempDirectory("sharevm-warm-up");
    Path from = folder.resolve("disk.raw");
    byte[] data = new byte[DISK_BYTES];
    Arrays.fill(data, DISK_BYTES / 2, DISK_BYTES, (byte) 1);
    Files.write(from, data);
    for (String format : List.of("qcow2", "vhd", "vhdx", "vmdk", "raw")) {
      Path to = folder.resolve("disk2." + format);
      SharevmCommand.execute("disk", "convert", "-f", format, from.toString(), to.toString());
      Files.delete(from);
      from = to;
    }
    Files.delete(from);
    Files.delete(folder);
  }
}
