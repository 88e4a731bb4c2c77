package sharevm.app;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.TypeConversionException;
import sharevm.library.EngineChoice;
import sharevm.library.LibraryException;
import sharevm.library.Quantities;
import sharevm.library.RunRequest;
import sharevm.library.SerialTarget;
import sharevm.machine.bus.Trace;

/** {@code sharevm run}: boots a guest and stays with it until it ends. */
@Command(
    header = "Boots a guest and stays with it until it ends.",
    description = {
      "",
      "Without --kernel it is the guest 'mini': Debian's cloud kernel and a busybox, fetched with"
          + " apt-get the first time and kept in ~/.cache/sharevm.",
      "",
      "The guest's serial console is this terminal. Ctrl-A x leaves and switches the guest off,"
          + " Ctrl-A c opens the monitor, Ctrl-A Ctrl-A sends a Ctrl-A. Where input is a pipe, all of"
          + " it goes to the guest, and its end does not end the guest."
    },
    parameterListHeading = "%nParameters:%n",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      " 0:the guest powered off, or was left with Ctrl-A x",
      " 1:it could not be run",
      " 2:wrong usage",
      " 3:the guest crashed: triple fault, or a panic with --no-reboot",
      "124:--timeout was over",
      "  n:with --device debug-exit, what the guest wrote"
    },
    footer = {
      "",
      "Examples:",
      "  sharevm run",
      "  printf 'uname -r\\npoweroff -f\\n' | sharevm run",
      "  sharevm run --kernel bzImage --initrd initrd.gz --append console=ttyS0 --memory 1G"
    })
final class RunCommand implements Callable<Integer> {
  @ParentCommand private SharevmCommand parent;

  @Parameters(
      arity = "0..1",
      paramLabel = "TARGET",
      description = "What to boot; nothing, or 'mini': the mini guest.")
  private Optional<String> target = Optional.empty();

  @Option(
      names = "--kernel",
      paramLabel = "FILE",
      converter = FileConverter.class,
      description = "Linux bzImage, or ELF by Multiboot or PVH.")
  private Optional<Path> kernel = Optional.empty();

  @Option(
      names = "--initrd",
      paramLabel = "FILE",
      converter = FileConverter.class,
      description = "The kernel's initial file system.")
  private Optional<Path> initrd = Optional.empty();

  @Option(
      names = "--append",
      paramLabel = "TEXT",
      description =
          "The kernel's command line (default: console=ttyS0); added to the mini guest's own.")
  private Optional<String> append = Optional.empty();

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      defaultValue = "512M",
      converter = SizeConverter.class,
      description = "The guest's memory, 16M to 64G (default: ${DEFAULT-VALUE}).")
  private long memory;

  @Option(
      names = "--cpus",
      paramLabel = "N",
      defaultValue = "1",
      converter = CountConverter.class,
      description = "Processors, 1 to 16 (default: ${DEFAULT-VALUE}).")
  private int cpus;

  @Option(
      names = "--cpu",
      paramLabel = "MODEL",
      description =
          "The processors' model: standard, amd64, pentium3, pentium or 486 (default: standard).")
  private Optional<String> cpu = Optional.empty();

  @Option(
      names = "--engine",
      paramLabel = "auto|translator|interpreter",
      defaultValue = "auto",
      converter = EngineConverter.class,
      description = "What executes the guest (default: ${DEFAULT-VALUE}).")
  private EngineChoice engine;

  @Option(
      names = "--engine-option",
      paramLabel = "NAME=off",
      split = ",",
      hidden = true,
      description = "Do without one of the translator's means to speed.")
  private List<String> engineOptions = List.of();

  @Option(
      names = "--serial",
      paramLabel = "stdio|FILE|none",
      defaultValue = "stdio",
      converter = SerialConverter.class,
      description = "Where the serial port goes (default: ${DEFAULT-VALUE}).")
  private SerialTarget serial;

  @SuppressWarnings("UnusedVariable") // its converter refuses what there is not
  @Option(
      names = "--net",
      paramLabel = "none",
      defaultValue = "none",
      converter = NetConverter.class,
      description = "The network (default, and all there is so far: ${DEFAULT-VALUE}).")
  private String net;

  @Option(
      names = "--device",
      paramLabel = "debug-exit",
      split = ",",
      converter = DeviceConverter.class,
      description =
          "A further device. debug-exit: a write to port F4h ends the run with status (value << 1) | 1.")
  private Set<String> devices = Set.of();

  @Option(names = "--no-reboot", description = "The guest's reboot ends the run.")
  private boolean noReboot;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      converter = TimeConverter.class,
      description = "End the run after so long: 500ms, 60s, 5m, 2h.")
  private Optional<Duration> timeout = Optional.empty();

  @Option(names = "--stats", description = "Show instructions, speed and time at the end.")
  private boolean stats;

  @Option(
      names = "--trace",
      paramLabel = "WORD",
      split = ",",
      converter = TraceConverter.class,
      description =
          "Write to standard error what chips do (apic, pci, uart and so on), what the processors meet"
              + " (cpu), what the translator makes (blocks), or all.")
  private Set<Trace.Category> trace = Set.of();

  private RunCommand() {}

  @Override
  public Integer call() throws LibraryException {
    if (target.isPresent() && !target.get().equals("mini")) {
      throw LibraryException.usage(
          "there is no guest '"
              + target.get()
              + "': leave it out for the mini guest, or give --kernel FILE");
    }
    if (target.isPresent() && kernel.isPresent()) {
      throw LibraryException.usage(
          "the guest 'mini' has a kernel of its own: leave out one of 'mini' and --kernel");
    }
    return new RunSession(request(), serial, stats, parent.diagnostics()).run();
  }

  private RunRequest request() {
    return new RunRequest(
        kernel,
        initrd,
        append,
        memory,
        cpus,
        cpu,
        engine,
        engineOptions,
        devices.contains("debug-exit"),
        noReboot,
        timeout,
        trace);
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
