package sharevm.app.disk;

import java.io.Console;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.app.ProgressBar;
import sharevm.disk.ConvertOptions;
import sharevm.disk.ConvertReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;

/** Makes an image of another one's content. */
@Command(
    description = {
      "Make an image of another one's content, with all its parents'.",
      "The target appears under its name only when it is whole; a killed run can simply be repeated."
    })
final class ConvertCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "SOURCE")
  private Path source;

  @Parameters(index = "1", paramLabel = "TARGET")
  private Path target;

  @Option(
      names = "--source-format",
      paramLabel = "FORMAT",
      description = "Instead of by its content.")
  private String sourceFormat;

  @Option(
      names = {"-c", "--compress"},
      description = "qcow2: store compressed clusters.")
  private boolean compress;

  @Option(
      names = "--salvage",
      description = "Go on past what cannot be read, with zeroes in its place.")
  private boolean salvage;

  @Option(names = "--no-sync", description = "Do not wait for the target to be on stable storage.")
  private boolean noSync;

  @Mixin private FormatOptions format;

  private ConvertCommand() {}

  @Override
  @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal
  public Integer call() throws DiskException {
    OpenOptions open = Images.reading();
    ConvertOptions options = ConvertOptions.usual();
    options = compress ? options.compressing() : options;
    options = salvage ? options.salvaging() : options;
    options = noSync ? options.withoutSync() : options;
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    ProgressBar bar = new ProgressBar(System.err);
    if (terminal) {
      options = options.telling((done, total) -> bar.at("converting", done, total));
    }
    try (DiskImage from =
        DiskImages.open(source, sourceFormat == null ? open : open.withFormat(sourceFormat))) {
      ConvertReport report = DiskImages.convert(from, target, format.format(target), options);
      bar.end();
      for (ConvertReport.Lost lost : report.lost()) {
        System.out.println(
            "lost: " + lost.length() + " bytes at " + lost.position() + ": " + lost.why());
      }
      if (report.lostBytes() > 0) {
        System.out.println("lost in all: " + Sizes.text(report.lostBytes()));
      }
      return report.lostBytes() > 0 ? 1 : 0;
    } finally {
      bar.end();
    }
  }
}
