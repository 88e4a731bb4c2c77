package sharevm.app.disk;

import java.io.Console;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.app.ProgressBar;
import sharevm.disk.ConvertOptions;
import sharevm.disk.ConvertReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;

/** Makes an image of another one's content. */
final class ConvertCommand implements Callable<Integer> {
  private final PositionalParamSpec source = Arguments.file(0, "SOURCE");
  private final PositionalParamSpec target = Arguments.file(1, "TARGET");
  private final OptionSpec sourceFormat =
      OptionSpec.builder("--source-format")
          .paramLabel("FORMAT")
          .type(String.class)
          .description("Instead of by its content.")
          .build();
  private final OptionSpec compress =
      Arguments.flag("qcow2: store compressed clusters.", "-c", "--compress");
  private final OptionSpec salvage =
      Arguments.flag("Go on past what cannot be read, with zeroes in its place.", "--salvage");
  private final OptionSpec noSync =
      Arguments.flag("Do not wait for the target to be on stable storage.", "--no-sync");
  private final FormatOptions format = new FormatOptions();

  CommandSpec spec() {
    CommandSpec spec =
        format.addTo(
            Arguments.command(this, source, target, sourceFormat, compress, salvage, noSync));
    spec.usageMessage()
        .description(
            "Make an image of another one's content, with all its parents'.",
            "The target appears under its name only when it is whole; a killed run can simply be"
                + " repeated.");
    return spec;
  }

  @Override
  @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal
  public Integer call() throws DiskException {
    Path target = this.target.getValue();
    ConvertOptions options = ConvertOptions.usual();
    options = Arguments.given(compress) ? options.compressing() : options;
    options = Arguments.given(salvage) ? options.salvaging() : options;
    options = Arguments.given(noSync) ? options.withoutSync() : options;
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    ProgressBar bar = new ProgressBar(System.err);
    if (terminal) {
      options = options.telling((done, total) -> bar.at("converting", done, total));
    }
    try (DiskImage from = DiskImages.open(source.getValue(), reading())) {
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

  private OpenOptions reading() {
    String name = sourceFormat.getValue();
    return name == null ? Images.reading() : Images.reading().withFormat(name);
  }
}
