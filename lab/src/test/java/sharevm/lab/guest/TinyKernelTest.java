package sharevm.lab.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.library.Attachments;
import sharevm.library.EngineChoice;
import sharevm.library.LibraryException;
import sharevm.library.Progress;
import sharevm.library.RunEnd;
import sharevm.library.RunRequest;
import sharevm.library.VirtualMachine;
import sharevm.machine.bus.Trace;

/**
 * Kernels of a few bytes, as their developers run them: by Multiboot, with ports to speak through.
 */
@Timeout(60)
class TinyKernelTest {
  private static final int LOAD = 0x100000;
  private static final int CODE = 0x20;

  /** mov al, AL; out F4h, al; hlt. */
  private static final String EXIT_3 = "b003 e6f4 f4";

  @TempDir private Path folder;

  private final List<String> trace = new CopyOnWriteArrayList<>();
  private final ByteArrayOutputStream console = new ByteArrayOutputStream();

  @ParameterizedTest
  @EnumSource
  void writesToTheDebugConsoleAndEndsWithAStatus(GuestEngine engine)
      throws IOException, LibraryException, InterruptedException {
    RunEnd end = run(engine, 2, "b06f e6e9 b06b e6e9" + EXIT_3);
    assertThat(end).isEqualTo(new RunEnd.Exited(7));
    assertThat(console.toString(StandardCharsets.US_ASCII)).isEqualTo("ok");
  }

  @ParameterizedTest
  @EnumSource
  void readsProcessorsMemoryAndKernelFromTheConfigurationDevice(GuestEngine engine)
      throws IOException, LibraryException, InterruptedException {
    // Select an item (port 510h) and copy bytes of it (port 511h) to the debug console: processors,
    // 2 bytes; memory, 8 bytes; the size of the kernel, 4 bytes; its first 4 bytes.
    RunEnd end = run(engine, 3, item(5, 2) + item(3, 8) + item(8, 4) + item(0x11, 4) + EXIT_3);
    assertThat(end).isEqualTo(new RunEnd.Exited(7));
    assertThat(HexFormat.of().formatHex(console.toByteArray()))
        .isEqualTo(
            "0300"
                + "0000000200000000"
                + HexFormat.of().toHexDigits(Integer.reverseBytes((int) Files.size(kernelFile())))
                + "02b0ad1b");
  }

  @ParameterizedTest
  @EnumSource
  void tracesModesAndExceptionsWithTheirAddresses(GuestEngine engine)
      throws IOException, LibraryException, InterruptedException {
    // A 4 MiB page onto itself, paging on, a loop that is worth a translation, a page fault that
    // nothing handles.
    RunEnd end =
        run(
            engine,
            1,
            "c705 00002000 83000000 b8 00002000 0f22d8 0f20e0 83c810 0f22e0 0f20c0 0d 00000080 0f22c0"
                + "b9 e8030000 49 75fd a1 00000040");
    assertThat(end).isInstanceOf(RunEnd.Crashed.class);
    assertThat(trace)
        .anyMatch(line -> line.contains("cpu0 CR3 = 200000 at protected "))
        .anyMatch(line -> line.matches(".* cpu0 CR4 = 10 at protected .*"))
        .anyMatch(line -> line.matches(".* cpu0 CR0 = 8[0-9a-f]{7} at protected .*"))
        .anyMatch(line -> line.matches(".* exception 14 error 0 address 40000000 at .*:10004e"))
        .anyMatch(line -> line.matches(".* exception 8 error 0 at .*:10004e"))
        .anyMatch(line -> line.contains("shutdown after a triple fault"));
  }

  /** The time limit holds for a guest that does nothing but reset, too. */
  @ParameterizedTest
  @EnumSource
  void endsInTimeThoughItResetsItselfAllTheTime(GuestEngine engine)
      throws IOException, LibraryException, InterruptedException {
    RunRequest request = request(engine, 1, "cc", false, Duration.ofMillis(500));
    assertThat(run(request)).isEqualTo(new RunEnd.TimedOut());
  }

  /** One wait is counted once, whichever engine executes HLT. */
  @ParameterizedTest
  @EnumSource
  void countsItsWaits(GuestEngine engine)
      throws IOException, LibraryException, InterruptedException {
    RunRequest request = request(engine, 1, "fa f4", false, Duration.ofMillis(500));
    try (VirtualMachine machine = create(request)) {
      assertThat(machine.run()).isEqualTo(new RunEnd.TimedOut());
      assertThat(machine.statistics().processors().getFirst().halts()).isPositive();
      assertThat(machine.statistics().processors().getFirst().haltedNanos()).isPositive();
    }
  }

  private static String item(int key, int bytes) {
    String copyByte = "66ba1105 ec e6e9";
    return "66ba1005 66b8%02x00 66ef".formatted(key) + copyByte.repeat(bytes);
  }

  private RunEnd run(GuestEngine engine, int cpus, String code)
      throws IOException, LibraryException, InterruptedException {
    return run(request(engine, cpus, code, true, Duration.ofSeconds(30)));
  }

  private RunEnd run(RunRequest request) throws LibraryException, InterruptedException {
    try (VirtualMachine machine = create(request)) {
      return machine.run();
    }
  }

  private VirtualMachine create(RunRequest request) throws LibraryException {
    Attachments attachments =
        new Attachments(_ -> true, console::write, trace::add, _ -> {}, Progress.NONE);
    return VirtualMachine.create(request, attachments, folder);
  }

  private RunRequest request(
      GuestEngine engine, int cpus, String code, boolean noReboot, Duration limit)
      throws IOException {
    engine.factory();
    Files.write(kernelFile(), kernel(HexFormat.of().parseHex(code.replace(" ", ""))));
    return new RunRequest(
        Optional.of(kernelFile()),
        Optional.empty(),
        Optional.empty(),
        32L << 20,
        cpus,
        Optional.empty(),
        EngineChoice.valueOf(engine.name()),
        List.of(),
        true,
        noReboot,
        Optional.of(limit),
        Set.of(Trace.Category.CPU));
  }

  private Path kernelFile() {
    return folder.resolve("kernel");
  }

  /** Makes a file whose Multiboot header says where it goes and begins (Multiboot 0.6.96 3.1). */
  private static byte[] kernel(byte[] code) {
    int magic = 0x1BADB002;
    int flags = 1 << 16;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int[] header = {magic, flags, -(magic + flags), LOAD, LOAD, 0, 0, LOAD + CODE};
    for (int word : header) {
      for (int i = 0; i < 4; i++) {
        out.write(word >>> 8 * i);
      }
    }
    out.writeBytes(code);
    out.writeBytes(new byte[32]);
    return out.toByteArray();
  }
}
