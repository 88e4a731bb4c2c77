package sharevm.library.debian;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import sharevm.library.LibraryException;

/**
 * The host's {@code apt-get} and {@code apt-cache} with the host's package sources, for one
 * architecture, and with lists and caches of their own, so that neither root is needed nor the host
 * changed.
 */
final class AptClient {
  private static final long TIMEOUT_SECONDS = 900;
  private static final long POLL_MILLIS = 100;

  private final Path folder;
  private final String architecture;

  /**
   * Makes one.
   *
   * @param folder where lists and caches are kept; made when needed
   * @param architecture as Debian names it: {@code amd64}, {@code i386}
   */
  AptClient(Path folder, String architecture) {
    this.folder = folder;
    this.architecture = architecture;
  }

  /** Returns whether the host has the two programs. */
  static boolean isPresent() {
    return Stream.of("apt-get", "apt-cache").allMatch(AptClient::onPath);
  }

  /** Returns what the lists that are here say of a package. */
  Optional<PackageRecord> show(String name) throws IOException, LibraryException {
    Result result = run(folder, _ -> {}, "apt-cache", "show", "--no-all-versions", name);
    return result.status == 0 ? PackageRecord.parse(result.output) : Optional.empty();
  }

  /**
   * Fetches the lists anew; returns what went wrong, if anything, with lists that may do even so.
   */
  Optional<String> update() throws IOException, LibraryException {
    Result result = run(folder, _ -> {}, "apt-get", "-q", "update");
    return result.status == 0 ? Optional.empty() : Optional.of(result.error());
  }

  /**
   * Downloads a package into a folder that holds nothing else.
   *
   * @param progress told the number of bytes that are there
   * @return the package file, its content not checked yet
   */
  Path download(PackageRecord wanted, Path into, LongConsumer progress)
      throws IOException, LibraryException {
    Result result =
        run(into, progress, "apt-get", "-q", "download", wanted.name() + "=" + wanted.version());
    try (Stream<Path> files = Files.list(into)) {
      Optional<Path> file = files.filter(f -> f.toString().endsWith(".deb")).findFirst();
      if (result.status != 0 || file.isEmpty()) {
        throw LibraryException.failed("cannot fetch " + wanted.name() + ": " + result.error());
      }
      return file.get();
    }
  }

  private record Result(int status, String output) {
    /** The line that says what went wrong. */
    String error() {
      List<String> lines = output.lines().filter(line -> line.startsWith("E: ")).toList();
      return lines.isEmpty()
          ? "apt-get ended with status " + status
          : lines.getFirst().substring(3);
    }
  }

  private Result run(Path where, LongConsumer progress, String program, String... arguments)
      throws IOException, LibraryException {
    List<String> command = new ArrayList<>(List.of(program, "-c", configuration().toString()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(folder, "apt-", ".out");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(where.toFile())
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().put("LC_ALL", "C");
      Process process = builder.start();
      waitFor(process, where, progress);
      return new Result(
          process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8));
    } finally {
      Files.deleteIfExists(output);
    }
  }

  private void waitFor(Process process, Path where, LongConsumer progress)
      throws IOException, LibraryException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
    try {
      while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        progress.accept(bytesIn(where) + bytesIn(folder.resolve("archives").resolve("partial")));
        if (System.nanoTime() - end > 0) {
          throw LibraryException.failed(
              "apt-get has not finished in " + TIMEOUT_SECONDS + " s: try again later");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw LibraryException.failed("interrupted while fetching packages", e);
    } finally {
      process.destroy();
    }
  }

  private static long bytesIn(Path folder) throws IOException {
    long sum = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sum += file.toFile().length();
      }
    }
    return sum;
  }

  /**
   * Writes the settings that keep this client to itself (apt.conf(5)). They come after the host's
   * own, of which the sources, the keys and the proxies stay.
   */
  private Path configuration() throws IOException {
    Path lists = folder.resolve("lists");
    Path archives = folder.resolve("archives");
    Files.createDirectories(lists.resolve("partial"));
    Files.createDirectories(archives.resolve("partial"));
    Path status = folder.resolve("status");
    if (!Files.exists(status)) {
      Files.writeString(status, "");
    }
    Path file = folder.resolve("apt.conf");
    String text =
        String.join(
            "\n",
            "#clear APT::Update::Pre-Invoke;",
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
            "#clear APT::Architectures;",
            setting("APT::Architecture", architecture),
            setting("APT::Architectures", architecture),
            // Lists in the user's own cache are closed to the user that apt would change to.
            setting("APT::Sandbox::User", ""),
            setting("APT::Update::Error-Mode", "any"),
            setting("Acquire::Languages", "none"),
            setting("Acquire::Retries", "2"),
            setting("Acquire::http::Timeout", "30"),
            setting("Acquire::https::Timeout", "30"),
            setting("Dir::State", folder.toString()),
            setting("Dir::State::lists", lists.toString()),
            setting("Dir::State::status", status.toString()),
            setting("Dir::Cache", folder.toString()),
            setting("Dir::Cache::archives", archives.toString()),
            "");
    if (!Files.exists(file) || !Files.readString(file).equals(text)) {
      Files.writeString(file, text);
    }
    return file;
  }

  private static String setting(String name, String value) {
    return name + " \"" + value + "\";";
  }

  private static boolean onPath(String program) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
        .filter(folder -> !folder.isEmpty())
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }
}
