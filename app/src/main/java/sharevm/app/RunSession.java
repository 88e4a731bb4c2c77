package sharevm.app;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import sharevm.host.Terminal;
import sharevm.library.Attachments;
import sharevm.library.FileTrouble;
import sharevm.library.HeapKeeper;
import sharevm.library.LibraryException;
import sharevm.library.Progress;
import sharevm.library.RunEnd;
import sharevm.library.RunRequest;
import sharevm.library.SerialOutput;
import sharevm.library.SerialTarget;
import sharevm.library.UserFolders;
import sharevm.library.VirtualMachine;

/** One guest on this process's standard input and output. */
final class RunSession {
  private static final int STANDARD_ERROR = 2;

  private final RunRequest request;
  private final SerialTarget serial;
  private final boolean stats;
  private final Diagnostics diagnostics;
  private final AtomicReference<VirtualMachine> running = new AtomicReference<>();
  private volatile boolean outputLost;

  RunSession(RunRequest request, SerialTarget serial, boolean stats, Diagnostics diagnostics) {
    this.request = request;
    this.serial = serial;
    this.stats = stats;
    this.diagnostics = diagnostics;
  }

  /** Runs the guest to its end and returns the exit status. */
  int run() throws LibraryException {
    try (OutputStream stream = open();
        SerialOutput output = new SerialOutput(stream, this::outputRefused);
        HeapKeeper _ = HeapKeeper.start();
        VirtualMachine machine = create(output)) {
      running.set(machine);
      RunEnd end = attended(machine);
      output.finish();
      if (stats) {
        diagnostics.text(StatisticsText.of(machine.statistics()));
      }
      int status = status(end);
      return outputLost && status == ExitStatus.DONE ? ExitStatus.FAILED : status;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw LibraryException.failed("interrupted", e);
    } catch (IOException e) {
      throw LibraryException.failed(
          "cannot close the serial port's file: " + FileTrouble.reason(e), e);
    }
  }

  private RunEnd attended(VirtualMachine machine) throws InterruptedException {
    if (!(serial instanceof SerialTarget.Stdio)) {
      return machine.run();
    }
    Optional<Terminal> terminal = Terminal.ofStandardInput();
    Console console = new Console(machine, terminal, diagnostics);
    try {
      console.start();
      return machine.run();
    } finally {
      console.end();
    }
  }

  private VirtualMachine create(SerialOutput output) throws LibraryException {
    Progress progress =
        Terminal.isTerminal(STANDARD_ERROR)
            ? new ProgressBar(System.err)
            : new PlainProgress(diagnostics);
    Attachments attachments =
        new Attachments(
            output,
            this::debugConsole,
            line -> diagnostics.text(line + "\n"),
            line -> diagnostics.text("sharevm: " + line + "\n"),
            progress);
    return VirtualMachine.create(request, attachments, UserFolders.cache());
  }

  private void debugConsole(int value) {
    diagnostics.text(new String(new byte[] {(byte) value}, StandardCharsets.ISO_8859_1));
  }

  private OutputStream open() throws LibraryException {
    return switch (serial) {
      case SerialTarget.Stdio _ -> standardOutput();
      case SerialTarget.None _ -> OutputStream.nullOutputStream();
      case SerialTarget.ToFile(Path path) -> {
        try {
          yield Files.newOutputStream(path);
        } catch (IOException e) {
          throw LibraryException.failed(
              "cannot write the serial port's output to " + path + ": " + FileTrouble.reason(e), e);
        }
      }
    };
  }

  /** Returns standard output, unbuffered, which stays open for others when it is closed here. */
  private static OutputStream standardOutput() {
    return new FileOutputStream(FileDescriptor.out) {
      @Override
      public void close() {}
    };
  }

  private void outputRefused() {
    outputLost = true;
    diagnostics.say(
        "the serial port's output is taken no more: the reader is gone, or the disk full");
    VirtualMachine machine = running.get();
    if (machine != null) {
      machine.stop();
    }
  }

  private int status(RunEnd end) {
    return switch (end) {
      case RunEnd.Done _, RunEnd.Stopped _ -> ExitStatus.DONE;
      case RunEnd.Exited exited -> exited.status();
      case RunEnd.TimedOut _ -> {
        diagnostics.say(
            "stopped after " + request.timeout().orElseThrow().toMillis() / 1000.0 + " s");
        yield ExitStatus.TIMEOUT;
      }
      case RunEnd.Panicked _ -> {
        diagnostics.say("the guest's kernel panicked: its last lines say why");
        yield ExitStatus.GUEST_CRASHED;
      }
      case RunEnd.Crashed crashed -> {
        diagnostics.say(
            "the guest crashed: "
                + crashed.report().reason()
                + " on processor "
                + crashed.report().processor()
                + "; --verbose shows its registers");
        diagnostics.details(crashed.report().details());
        yield ExitStatus.GUEST_CRASHED;
      }
    };
  }
}
