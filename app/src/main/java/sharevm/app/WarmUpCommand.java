package sharevm.app;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What the JVM watches when its AOT caches are made: the ways that every start goes. Not for
 * people.
 */
final class WarmUpCommand implements Callable<Integer> {
  /** Enough for several threads to have something to do. */
  private static final int DISK_BYTES = 32 << 20;

  private final OptionSpec guest =
      Arguments.flag("Boot the guest mini instead of converting disks.", "--guest");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, guest);
    spec.usageMessage().hidden(true);
    return spec;
  }

  @Override
  public Integer call() throws IOException {
    if (Arguments.given(guest)) {
      return SharevmCommand.execute("run", "--timeout", "60s");
    }
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    nowhere.println(Version.line());
    CommandLine root = SharevmCommand.describe();
    root.usage(nowhere);
    root.getSubcommands().get("run").usage(nowhere);
    convertDisks();
    return ExitStatus.DONE;
  }

  /** From one format to the next, so that each is read and written once. */
  private static void convertDisks() throws IOException {
    Path folder = Files.createTempDirectory("sharevm-warm-up");
    Path from = folder.resolve("disk.raw");
    byte[] data = new byte[DISK_BYTES / 4];
    Arrays.fill(data, (byte) 1);
    try (RandomAccessFile file = new RandomAccessFile(from.toFile(), "rw")) {
      file.write(data);
      file.seek(DISK_BYTES / 2);
      file.write(data);
      file.setLength(DISK_BYTES);
    }
    for (String format : List.of("qcow2", "vhd", "vhdx", "vmdk", "raw")) {
      Path to = folder.resolve("disk2." + format);
      SharevmCommand.execute("disk", "convert", "-f", format, from.toString(), to.toString());
      Files.delete(from);
      from = to;
      SharevmCommand.execute("disk", "info", from.toString());
    }
    Files.delete(from);
    Files.delete(folder);
  }
}
