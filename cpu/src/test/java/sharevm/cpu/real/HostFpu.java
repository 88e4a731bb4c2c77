package sharevm.cpu.real;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The floating-point hardware of this machine, asked through a small C program.
 *
 * <p>The program is compiled when a test needs it; without gcc or on another processor there is no
 * hardware to ask and the tests are skipped.
 */
final class HostFpu implements AutoCloseable {
  private final Path directory;
  private final Process process;

  private HostFpu(Path directory, Process process) {
    this.directory = directory;
    this.process = process;
  }

  /** Empty where there is no x86-64 Linux processor or no gcc. */
  static Optional<HostFpu> start() {
    if (!System.getProperty("os.arch").equals("amd64")
        || !System.getProperty("os.name").equals("Linux")) {
      return Optional.empty();
    }
    try {
      Path directory = Files.createTempDirectory("host-fpu");
      Path program = directory.resolve("host_fpu");
      Path source = directory.resolve("host_fpu.c");
      try (InputStream text = HostFpu.class.getResourceAsStream("host_fpu.c")) {
        Files.copy(text, source);
      }
      if (!compile(source, program)) {
        remove(directory);
        return Optional.empty();
      }
      Process process =
          new ProcessBuilder(program.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      return Optional.of(new HostFpu(directory, process));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether Intel made this machine's processor: makers differ where the manual leaves room. */
  static boolean isIntel() {
    try {
      return Files.readString(Path.of("/proc/cpuinfo")).contains("GenuineIntel");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean compile(Path source, Path program) throws IOException {
    try {
      Process gcc =
          new ProcessBuilder(
                  "gcc", "-O1", "-mno-red-zone", "-o", program.toString(), source.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return gcc.waitFor(60, TimeUnit.SECONDS) && gcc.exitValue() == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  private static void remove(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  /** Executes every case; the answers are in the order of the cases. */
  List<FpuCase> run(List<FpuCase> cases) {
    ByteBuffer batch =
        ByteBuffer.allocate(4 + cases.size() * FpuCase.SIZE).order(ByteOrder.LITTLE_ENDIAN);
    batch.putInt(cases.size());
    for (FpuCase one : cases) {
      batch.put(one.bytes.slice(0, FpuCase.SIZE));
    }
    try {
      OutputStream out = new BufferedOutputStream(process.getOutputStream(), 1 << 16);
      out.write(batch.array());
      out.flush();
      InputStream in = process.getInputStream();
      List<FpuCase> answers = new ArrayList<>(cases.size());
      for (int i = 0; i < cases.size(); i++) {
        byte[] record = in.readNBytes(FpuCase.SIZE);
        if (record.length != FpuCase.SIZE) {
          throw new IOException("the host program ended early");
        }
        answers.add(new FpuCase(ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN)));
      }
      return answers;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    remove(directory);
  }
}
