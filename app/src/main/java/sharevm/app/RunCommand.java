package sharevm.app;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.TypeConversionException;
import sharevm.library.EngineChoice;
import sharevm.library.LibraryException;
import sharevm.library.Quantities;
import sharevm.library.RunRequest;
import sharevm.library.SerialTarget;
import sharevm.machine.bus.Trace;

/** {@code sharevm run}: boots a guest and stays with it until it ends. */
final class RunCommand implements Callable<Integer> {
  private final Supplier<Diagnostics> diagnostics;

  private final PositionalParamSpec target =
      PositionalParamSpec.builder()
          .index("0")
          .arity("0..1")
          .paramLabel("TARGET")
          .type(String.class)
          .description("What to boot; nothing, or 'mini': the mini guest.")
          .build();
  private final OptionSpec kernel =
      OptionSpec.builder("--kernel")
          .paramLabel("FILE")
          .type(Path.class)
          .converters(new FileConverter())
          .description("Linux bzImage, or ELF by Multiboot or PVH.")
          .build();
  private final OptionSpec initrd =
      OptionSpec.builder("--initrd")
          .paramLabel("FILE")
          .type(Path.class)
          .converters(new FileConverter())
          .description("The kernel's initial file system.")
          .build();
  private final OptionSpec append =
      OptionSpec.builder("--append")
          .paramLabel("TEXT")
          .type(String.class)
          .description(
              "The kernel's command line (default: console=ttyS0); added to the mini guest's own.")
          .build();
  private final OptionSpec memory =
      OptionSpec.builder("--memory")
          .paramLabel("SIZE")
          .type(long.class)
          .defaultValue("512M")
          .converters(new SizeConverter())
          .description("The guest's memory, 16M to 64G (default: ${DEFAULT-VALUE}).")
          .build();
  private final OptionSpec cpus =
      OptionSpec.builder("--cpus")
          .paramLabel("N")
          .type(int.class)
          .defaultValue("1")
          .converters(new CountConverter())
          .description("Processors, 1 to 16 (default: ${DEFAULT-VALUE}).")
          .build();
  private final OptionSpec cpu =
      OptionSpec.builder("--cpu")
          .paramLabel("MODEL")
          .type(String.class)
          .description(
              "The processors' model: standard, amd64, pentium3, pentium or 486 (default:"
                  + " standard).")
          .build();
  private final OptionSpec engine =
      OptionSpec.builder("--engine")
          .paramLabel("auto|translator|interpreter")
          .type(EngineChoice.class)
          .defaultValue("auto")
          .converters(new EngineConverter())
          .description("What executes the guest (default: ${DEFAULT-VALUE}).")
          .build();
  private final OptionSpec engineOptions =
      OptionSpec.builder("--engine-option")
          .paramLabel("NAME=off")
          .type(List.class)
          .auxiliaryTypes(String.class)
          .initialValue(List.of())
          .splitRegex(",")
          .hidden(true)
          .description("Do without one of the translator's means to speed.")
          .build();
  private final OptionSpec serial =
      OptionSpec.builder("--serial")
          .paramLabel("stdio|FILE|none")
          .type(SerialTarget.class)
          .defaultValue("stdio")
          .converters(new SerialConverter())
          .description("Where the serial port goes (default: ${DEFAULT-VALUE}).")
          .build();
  // Nobody reads it: its converter refuses what there is not.
  private final OptionSpec net =
      OptionSpec.builder("--net")
          .paramLabel("none")
          .type(String.class)
          .defaultValue("none")
          .converters(new NetConverter())
          .description("The network (default, and all there is so far: ${DEFAULT-VALUE}).")
          .build();
  private final OptionSpec devices =
      OptionSpec.builder("--device")
          .paramLabel("debug-exit")
          .type(Set.class)
          .auxiliaryTypes(String.class)
          .initialValue(Set.of())
          .splitRegex(",")
          .converters(new DeviceConverter())
          .description(
              "A further device. debug-exit: a write to port F4h ends the run with status (value << 1)"
                  + " | 1.")
          .build();
  private final OptionSpec noReboot =
      Arguments.flag("The guest's reboot ends the run.", "--no-reboot");
  private final OptionSpec timeout =
      OptionSpec.builder("--timeout")
          .paramLabel("TIME")
          .type(Duration.class)
          .converters(new TimeConverter())
          .description("End the run after so long: 500ms, 60s, 5m, 2h.")
          .build();
  private final OptionSpec stats =
      Arguments.flag("Show instructions, speed and time at the end.", "--stats");
  private final OptionSpec trace =
      OptionSpec.builder("--trace")
          .paramLabel("WORD")
          .type(Set.class)
          .auxiliaryTypes(Trace.Category.class)
          .initialValue(Set.of())
          .splitRegex(",")
          .converters(new TraceConverter())
          .description(
              "Write to standard error what chips do (apic, pci, uart and so on), what the processors"
                  + " meet (cpu), what the translator makes (blocks), or all.")
          .build();

  /**
   * @param diagnostics asked for when the arguments have been read, which say how much is wanted
   */
  RunCommand(Supplier<Diagnostics> diagnostics) {
    this.diagnostics = diagnostics;
  }

  CommandSpec spec() {
    CommandSpec spec =
        Arguments.command(
            this,
            target,
            kernel,
            initrd,
            append,
            memory,
            cpus,
            cpu,
            engine,
            engineOptions,
            serial,
            net,
            devices,
            noReboot,
            timeout,
            stats,
            trace);
    spec.usageMessage()
        .header("Boots a guest and stays with it until it ends.")
        .description(
            "",
            "Without --kernel it is the guest 'mini': Debian's cloud kernel and a busybox, fetched"
                + " with apt-get the first time and kept in ~/.cache/sharevm.",
            "",
            "The guest's serial console is this terminal. Ctrl-A x leaves and switches the guest"
                + " off, Ctrl-A c opens the monitor, Ctrl-A Ctrl-A sends a Ctrl-A. Where input is a"
                + " pipe, all of it goes to the guest, and its end does not end the guest.")
        .parameterListHeading("%nParameters:%n")
        .optionListHeading("%nOptions:%n")
        .sortOptions(false)
        .exitCodeListHeading("%nExit status:%n")
        .exitCodeList(
            UsageMessageSpec.keyValuesMap(
                " 0:the guest powered off, or was left with Ctrl-A x",
                " 1:it could not be run",
                " 2:wrong usage",
                " 3:the guest crashed: triple fault, or a panic with --no-reboot",
                "124:--timeout was over",
                "  n:with --device debug-exit, what the guest wrote"))
        .footer(
            "",
            "Examples:",
            "  sharevm run",
            "  printf 'uname -r\\npoweroff -f\\n' | sharevm run",
            "  sharevm run --kernel bzImage --initrd initrd.gz --append console=ttyS0 --memory 1G");
    return spec;
  }

  @Override
  public Integer call() throws LibraryException {
    String target = this.target.getValue();
    if (target != null && !target.equals("mini")) {
      throw LibraryException.usage(
          "there is no guest '"
              + target
              + "': leave it out for the mini guest, or give --kernel FILE");
    }
    if (target != null && kernel.getValue() != null) {
      throw LibraryException.usage(
          "the guest 'mini' has a kernel of its own: leave out one of 'mini' and --kernel");
    }
    return new RunSession(request(), serial.getValue(), Arguments.given(stats), diagnostics.get())
        .run();
  }

  private RunRequest request() {
    Set<String> devices = this.devices.getValue();
    return new RunRequest(
        given(kernel),
        given(initrd),
        given(append),
        memory.getValue(),
        cpus.getValue(),
        given(cpu),
        engine.getValue(),
        engineOptions.getValue(),
        devices.contains("debug-exit"),
        Arguments.given(noReboot),
        given(timeout),
        trace.getValue());
  }

  private static <T> Optional<T> given(OptionSpec option) {
    return Optional.ofNullable(option.getValue());
  }

  /** Turns the library's complaint about a word into the parser's. */
  private static TypeConversionException refuse(IllegalArgumentException e) {
    return new TypeConversionException(e.getMessage());
  }

  private static TypeConversionException refuse(String word, Iterable<String> choices) {
    return new TypeConversionException("'" + word + "' is none of " + String.join(", ", choices));
  }

  static final class SizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return Quantities.bytes(text);
      } catch (IllegalArgumentException e) {
        throw refuse(e);
      }
    }
  }

  static final class TimeConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        return Quantities.time(text);
      } catch (IllegalArgumentException e) {
        throw refuse(e);
      }
    }
  }

  static final class FileConverter implements ITypeConverter<Path> {
    @Override
    public Path convert(String text) {
      if (text.isEmpty() || text.indexOf('\0') >= 0) {
        throw new TypeConversionException("give the name of a file");
      }
      return Path.of(text);
    }
  }

  static final class CountConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      if (!text.matches("[0-9]{1,6}")) {
        throw new TypeConversionException("'" + text + "' is no whole number");
      }
      return Integer.valueOf(text);
    }
  }

  static final class SerialConverter implements ITypeConverter<SerialTarget> {
    @Override
    public SerialTarget convert(String text) {
      try {
        return SerialTarget.parse(text);
      } catch (IllegalArgumentException e) {
        throw refuse(e);
      }
    }
  }

  static final class EngineConverter implements ITypeConverter<EngineChoice> {
    @Override
    public EngineChoice convert(String text) {
      return switch (text) {
        case "auto" -> EngineChoice.AUTO;
        case "translator" -> EngineChoice.TRANSLATOR;
        case "interpreter" -> EngineChoice.INTERPRETER;
        default -> throw refuse(text, Arrays.asList("auto", "translator", "interpreter"));
      };
    }
  }

  static final class NetConverter implements ITypeConverter<String> {
    @Override
    public String convert(String text) {
      if (!text.equals("none")) {
        throw new TypeConversionException("'" + text + "' is not there yet: give none");
      }
      return text;
    }
  }

  static final class DeviceConverter implements ITypeConverter<String> {
    @Override
    public String convert(String text) {
      if (!text.equals("debug-exit")) {
        throw refuse(text, Set.of("debug-exit"));
      }
      return text;
    }
  }

  /** Gives a set, whose elements picocli adds one by one: one word may stand for all categories. */
  static final class TraceConverter implements ITypeConverter<Set<Trace.Category>> {
    @Override
    public Set<Trace.Category> convert(String text) {
      if (text.equals("all")) {
        return Set.of(Trace.Category.values());
      }
      TreeSet<String> words = new TreeSet<>(Set.of("all"));
      for (Trace.Category category : Trace.Category.values()) {
        if (category.word().equals(text)) {
          return Set.of(category);
        }
        words.add(category.word());
      }
      throw refuse(text, words);
    }
  }
}
