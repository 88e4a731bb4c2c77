package sharevm.lab.processor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The host's own processor: executes single instructions natively, in a small C program beside the
 * virtual machine. Wants Linux on x86-64 and gcc; {@link #whyUnavailable} says what is missing.
 */
final class HostProcessor implements AutoCloseable {
  /** The most cases that one batch takes. */
  static final int BATCH = 1024;

  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final Path folder;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment shared;
  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  private HostProcessor(Path folder) throws IOException, InterruptedException {
    this.folder = folder;
    Path program = compile(folder);
    Path file = folder.resolve("cases");
    long size = HostLayout.HEADER_SIZE + (long) BATCH * HostLayout.SLOT_SIZE;
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      shared = channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
    }
    shared.asSlice(0, HostLayout.IMAGE_SIZE).copyFrom(MemorySegment.ofArray(CpuCase.baseImage()));
    process =
        new ProcessBuilder(program.toString(), file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    commands = process.outputWriter(StandardCharsets.US_ASCII);
    answers = process.inputReader(StandardCharsets.US_ASCII);
  }

  /** Returns what keeps this host from executing instructions natively, if anything does. */
  static Optional<String> whyUnavailable() {
    String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    if (!System.getProperty("os.name").startsWith("Linux")
        || !(architecture.equals("amd64") || architecture.equals("x86_64"))) {
      return Optional.of("the host is not Linux on x86-64");
    }
    try {
      Process gcc = new ProcessBuilder("gcc", "--version").redirectErrorStream(true).start();
      gcc.getInputStream().readAllBytes();
      return gcc.waitFor() == 0 ? Optional.empty() : Optional.of("gcc does not work");
    } catch (IOException _) {
      return Optional.of("there is no gcc");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Whether the host's processor is of a maker, as CPUID names it: {@code GenuineIntel}. */
  static boolean isMadeBy(String vendor) {
    try {
      return Files.readString(Path.of("/proc/cpuinfo")).contains(vendor);
    } catch (IOException e) {
      throw new UncheckedIOException("asking who made the host's processor", e);
    }
  }

  /** Compiles and starts the runner in an empty folder. */
  static HostProcessor start(Path folder) {
    try {
      return new HostProcessor(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("starting the native runner in " + folder, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static Path compile(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve("runner.c");
    try (InputStream in = HostProcessor.class.getResourceAsStream("runner.c")) {
      Files.write(source, in.readAllBytes());
    }
    Path program = folder.resolve("runner");
    Process gcc =
        new ProcessBuilder(
                "gcc",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-fno-stack-protector",
                "-fcf-protection=none",
                "-o",
                program.toString(),
                source.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (gcc.waitFor() != 0) {
      throw new IOException("gcc refused the native runner: " + said);
    }
    return program;
  }

  /** Executes cases, each by itself, and returns what became of them. */
  List<CpuOutcome> run(List<CpuCase> cases) {
    List<CpuOutcome> outcomes = new ArrayList<>(cases.size());
    for (int from = 0; from < cases.size(); from += BATCH) {
      List<CpuCase> batch = cases.subList(from, Math.min(from + BATCH, cases.size()));
      for (int i = 0; i < batch.size(); i++) {
        write(batch.get(i), slot(i));
      }
      try {
        commands.write(batch.size() + "\n");
        commands.flush();
        if (!"done".equals(answers.readLine())) {
          throw new IllegalStateException(
              "the native runner ended (status "
                  + (process.waitFor(1, TimeUnit.SECONDS) ? process.exitValue() : "unknown")
                  + ") in a batch that began with "
                  + batch.getFirst().origin());
        }
      } catch (IOException e) {
        throw new UncheckedIOException("talking to the native runner", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      for (int i = 0; i < batch.size(); i++) {
        outcomes.add(read(batch.get(i), slot(i).asSlice(HostLayout.OUTCOME_OFFSET)));
      }
    }
    return outcomes;
  }

  private MemorySegment slot(int n) {
    return shared.asSlice(
        HostLayout.HEADER_SIZE + (long) n * HostLayout.SLOT_SIZE, HostLayout.SLOT_SIZE);
  }

  private static void write(CpuCase input, MemorySegment slot) {
    ProcessorState state = input.state();
    MemorySegment.copy(state.gpr, 0, slot, LONG, 0, 16);
    slot.set(LONG, HostLayout.RIP, state.rip);
    slot.set(LONG, HostLayout.RFLAGS, state.rflags);
    slot.set(LONG, HostLayout.FS_BASE, state.fsBase);
    slot.set(LONG, HostLayout.GS_BASE, state.gsBase);
    for (int n = 0; n < 6; n++) {
      slot.set(SHORT, selectorOffset(n), (short) state.selectors[n]);
    }
    MemorySegment.copy(state.fx, 0, slot, BYTE, HostLayout.FX, HostLayout.FX_USED);
    slot.set(BYTE, HostLayout.CODE_LENGTH, (byte) input.code().length);
    MemorySegment.copy(input.code(), 0, slot, BYTE, HostLayout.CODE, input.code().length);
    int at = 0;
    for (CpuCase.Patch patch : input.patches()) {
      int length = patch.bytes().length;
      if (at + 4 + length > HostLayout.PATCH_ROOM) {
        throw new IllegalArgumentException("more patches than a slot has room for");
      }
      slot.set(SHORT, HostLayout.PATCHES + at, (short) patch.offset());
      slot.set(SHORT, HostLayout.PATCHES + at + 2, (short) length);
      MemorySegment.copy(patch.bytes(), 0, slot, BYTE, HostLayout.PATCHES + at + 4, length);
      at += 4 + length;
    }
    slot.set(BYTE, HostLayout.PATCH_BYTES, (byte) at);
  }

  private static CpuOutcome read(CpuCase input, MemorySegment out) {
    ProcessorState state = new ProcessorState();
    MemorySegment.copy(out, LONG, 0, state.gpr, 0, 16);
    state.rip = out.get(LONG, HostLayout.RIP);
    state.rflags = out.get(LONG, HostLayout.RFLAGS);
    state.fsBase = out.get(LONG, HostLayout.FS_BASE);
    state.gsBase = out.get(LONG, HostLayout.GS_BASE);
    for (int n = 0; n < 6; n++) {
      state.selectors[n] = out.get(SHORT, selectorOffset(n)) & 0xffff;
    }
    MemorySegment.copy(out, BYTE, HostLayout.FX, state.fx, 0, HostLayout.FX_USED);
    if (out.get(INT, HostLayout.DIFF_TRUNCATED) != 0) {
      throw new IllegalStateException("more memory changed than a slot tells: " + input.origin());
    }
    return CpuOutcome.of(
        input,
        state,
        out.get(INT, HostLayout.VECTOR),
        out.get(INT, HostLayout.ERROR_CODE),
        out.get(LONG, HostLayout.CR2),
        changes(input, out));
  }

  private static SortedMap<Integer, Byte> changes(CpuCase input, MemorySegment out) {
    SortedMap<Integer, Byte> changes = new TreeMap<>();
    int bytes = out.get(INT, HostLayout.DIFF_BYTES);
    byte[] before = bytes == 0 ? null : input.image();
    for (int at = 0; at < bytes; ) {
      int offset = out.get(SHORT, HostLayout.DIFFS + at) & 0xffff;
      int length = out.get(SHORT, HostLayout.DIFFS + at + 2) & 0xffff;
      for (int i = 0; i < length; i++) {
        byte now = out.get(BYTE, HostLayout.DIFFS + at + 4 + i);
        if (now != before[offset + i]) {
          changes.put(offset + i, now);
        }
      }
      at += 4 + length;
    }
    return changes;
  }

  private static long selectorOffset(int n) {
    return switch (n) {
      case ProcessorState.ES -> HostLayout.ES;
      case ProcessorState.CS -> HostLayout.CS;
      case ProcessorState.SS -> HostLayout.SS;
      case ProcessorState.DS -> HostLayout.DS;
      case ProcessorState.FS -> HostLayout.FS;
      default -> HostLayout.GS;
    };
  }

  @Override
  public void close() {
    process.destroy();
    arena.close();
    for (String name : List.of("cases", "runner", "runner.c")) {
      try {
        Files.deleteIfExists(folder.resolve(name));
      } catch (IOException e) {
        throw new UncheckedIOException("deleting " + folder.resolve(name), e);
      }
    }
  }
}
