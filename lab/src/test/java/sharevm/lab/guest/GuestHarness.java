package sharevm.lab.guest;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import sharevm.host.GuestRam;
import sharevm.host.HostException;
import sharevm.machine.HostSide;
import sharevm.machine.Machine;
import sharevm.machine.MachineBuilder;
import sharevm.machine.MachineListener;
import sharevm.machine.MachineSpec;
import sharevm.machine.Outcome;
import sharevm.machine.Snapshot;
import sharevm.machine.firmware.GuestFile;
import sharevm.machine.firmware.LinuxBoot;

/**
 * A real guest for a test: boots a kernel, waits for what its serial console says, and types at it.
 * Every wait has a limit, and what fails shows the console's last lines.
 *
 * <pre>
 *   try (GuestHarness guest = GuestHarness.boot(spec, engine, kernel, initrd, "console=ttyS0")) {
 *     guest.expect("~ # ", Duration.ofSeconds(60));
 *     guest.send("poweroff -f\n");
 *     assertThat(guest.await(Duration.ofSeconds(10))).isEqualTo(new Outcome.PoweredOff());
 *   }
 * </pre>
 */
public final class GuestHarness implements AutoCloseable {
  private static final int TAIL = 4000;

  private final Arena files;
  private final GuestRam ram;
  private final Machine machine;
  private final StringBuilder console = new StringBuilder();
  private int matched;
  private boolean borrowed;

  private GuestHarness(
      MachineSpec spec, GuestEngine engine, Arena files, Optional<GuestHarness> saved)
      throws HostException {
    this.files = files;
    ram = GuestRam.allocate(spec.segmentBytes());
    try {
      HostSide host =
          HostSide.of("guest", ram.segment(), this::take)
              .withPages(ram::prepare)
              .withEngine(engine.factory());
      if (saved.isPresent()) {
        Snapshot snapshot = saved.get().machine.save();
        ram.segment().copyFrom(saved.get().ram.segment());
        machine =
            MachineBuilder.restore(spec, host.continuing(snapshot), MachineListener.NONE, snapshot);
      } else {
        machine = MachineBuilder.build(spec, host, MachineListener.NONE);
      }
    } catch (RuntimeException | Error e) {
      ram.close();
      throw e;
    }
  }

  /** Boots a kernel; the specification says the rest. */
  public static GuestHarness boot(
      MachineSpec spec, GuestEngine engine, Path kernel, Optional<Path> initrd, String commandLine)
      throws HostException {
    return boot(spec, engine, kernel, initrd, commandLine, UnaryOperator.identity());
  }

  /** Boots a kernel in a certain way. */
  public static GuestHarness boot(
      MachineSpec spec,
      GuestEngine engine,
      Path kernel,
      Optional<Path> initrd,
      String commandLine,
      UnaryOperator<LinuxBoot> how)
      throws HostException {
    Arena files = Arena.ofShared();
    try {
      LinuxBoot boot =
          LinuxBoot.of(
              GuestFile.map(kernel, files),
              initrd.map(path -> GuestFile.map(path, files)),
              commandLine);
      GuestHarness harness =
          new GuestHarness(spec.withBoot(how.apply(boot)), engine, files, Optional.empty());
      harness.machine.start();
      return harness;
    } catch (HostException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  /** Pauses this guest for good and goes on with its state in a new machine. */
  public GuestHarness restoredElsewhere(GuestEngine engine) throws HostException {
    machine.pause();
    GuestHarness other = new GuestHarness(machine.spec(), engine, files, Optional.of(this));
    other.borrowed = true;
    other.machine.start();
    return other;
  }

  /** Returns the machine. */
  public Machine machine() {
    return machine;
  }

  /** Returns all that the console has said. */
  public String transcript() {
    synchronized (console) {
      return console.toString();
    }
  }

  /**
   * Waits until the console says a text behind what was matched before.
   *
   * @return what it said from there up to the text
   */
  public String expect(String text, Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    synchronized (console) {
      while (true) {
        int at = console.indexOf(text, matched);
        if (at >= 0) {
          String before = console.substring(matched, at);
          matched = at + text.length();
          return before;
        }
        long left = end - System.nanoTime();
        if (left <= 0 || machine.outcome().isDone()) {
          throw new AssertionError(
              "the guest did not say \"" + text + "\" within " + limit + why() + tail());
        }
        console.wait(Math.min(200, left / 1_000_000 + 1));
      }
    }
  }

  /** Types. */
  public void send(String text) throws InterruptedException {
    machine.serialInput().send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /**
   * Types a command at a shell and returns what it said up to the next prompt, without the echo.
   */
  public String command(String line, String prompt, Duration limit) throws InterruptedException {
    send(line + "\n");
    expect(line.substring(Math.max(0, line.length() - 20)), limit);
    return expect(prompt, limit).strip();
  }

  /** Waits until the run has ended. */
  public Outcome await(Duration limit) throws InterruptedException {
    try {
      return machine.outcome().get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("the guest did not end within " + limit + tail(), e);
    } catch (ExecutionException e) {
      throw new AssertionError("the machine failed" + tail(), e);
    }
  }

  @Override
  public void close() {
    machine.close();
    ram.close();
    if (!borrowed) {
      files.close();
    }
  }

  private boolean take(int value) {
    synchronized (console) {
      console.append((char) value);
      console.notifyAll();
    }
    return true;
  }

  private String why() {
    return machine.outcome().isDone()
        ? "; the run ended: " + machine.outcome().join()
        : "; processors:\n" + machine.describe();
  }

  private String tail() {
    String all = transcript();
    return "; the console's last lines:\n" + all.substring(Math.max(0, all.length() - TAIL));
  }
}
