package sharevm.library;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import sharevm.cpu.CpuModel;
import sharevm.host.GuestRam;
import sharevm.host.HostException;
import sharevm.library.guest.LinuxFiles;
import sharevm.library.guest.MiniGuest;
import sharevm.machine.HostSide;
import sharevm.machine.Machine;
import sharevm.machine.MachineBuilder;
import sharevm.machine.MachineListener;
import sharevm.machine.MachineSpec;
import sharevm.machine.Outcome;
import sharevm.machine.SerialInput;
import sharevm.machine.Statistics;
import sharevm.machine.bus.HostClock;
import sharevm.machine.bus.Trace;
import sharevm.machine.firmware.GuestFile;
import sharevm.machine.firmware.LinuxBoot;
import sharevm.machine.firmware.LoaderException;
import sharevm.translator.Tuning;

/** One run of a virtual machine, from a request to its end, with what it holds of the host. */
public final class VirtualMachine implements AutoCloseable {
  /**
   * The mini guest's command line, before what is asked for; the kernel's self-tests of ciphers are
   * half of a boot.
   */
  private static final String MINI_COMMAND_LINE = "console=ttyS0 quiet cryptomgr.notests";

  /** A kernel's command line if none is asked for. */
  private static final String COMMAND_LINE = "console=ttyS0";

  private static final int SEED_BYTES = 32;

  private final Arena files;
  private final GuestRam ram;
  private final PanicWatch panicWatch;
  private final Machine machine;

  private VirtualMachine(Arena files, GuestRam ram, PanicWatch panicWatch, Machine machine) {
    this.files = files;
    this.ram = ram;
    this.panicWatch = panicWatch;
    this.machine = machine;
  }

  /**
   * Gets everything ready that a request asks for; the guest does not run yet.
   *
   * @param cache where fetched guests are kept, see {@link UserFolders#cache}
   * @throws LibraryException if something asked for cannot be had
   */
  public static VirtualMachine create(RunRequest request, Attachments attachments, Path cache)
      throws LibraryException {
    MachineSpec spec = spec(request);
    if (request.initrd().isPresent() && request.kernel().isEmpty()) {
      throw LibraryException.usage("--initrd is nothing without a kernel: add --kernel FILE");
    }
    Arena files = Arena.ofShared();
    GuestRam ram = null;
    try {
      MachineSpec bootable = spec.withBoot(boot(request, attachments.progress(), cache, files));
      ram = GuestRam.allocate(roundedUp(bootable.segmentBytes()));
      PanicWatch panicWatch = new PanicWatch(attachments.serial());
      HostClock clock = new HostClock(0);
      // Loading takes time on a PC too: the guest's date would else be late by it.
      clock.start();
      Trace trace = trace(request.trace(), clock, attachments);
      Tuning tuning = Engines.tuning(request.engineOptions(), spec.cpus(), trace);
      HostSide host =
          HostSide.of("vm", ram.segment().asSlice(0, bootable.segmentBytes()), panicWatch)
              .withPages(ram::prepare)
              .withClock(clock, System.currentTimeMillis())
              .withDebugConsole(attachments.debugConsole())
              .withTrace(trace)
              .withEngine(Engines.choose(request.engine(), tuning, attachments.notices()));
      Machine machine = MachineBuilder.build(bootable, host, resets(panicWatch));
      return new VirtualMachine(files, ram, panicWatch, machine);
    } catch (LoaderException e) {
      release(files, ram);
      throw LibraryException.failed(e.getMessage(), e);
    } catch (HostException e) {
      release(files, ram);
      throw LibraryException.failed(e.getMessage() + "; ask for less with --memory", e);
    } catch (LibraryException | RuntimeException | Error e) {
      release(files, ram);
      throw e;
    }
  }

  /** Starts the guest and waits for the end of its run. */
  public RunEnd run() throws InterruptedException {
    return switch (machine.run()) {
      case Outcome.PoweredOff _ -> new RunEnd.Done();
      case Outcome.Reset _ -> panicWatch.panicked() ? new RunEnd.Panicked() : new RunEnd.Done();
      case Outcome.Crashed crashed -> new RunEnd.Crashed(crashed.report());
      case Outcome.DebugExit exit -> new RunEnd.Exited(exit.status() & 0xFF);
      case Outcome.TimedOut _ -> new RunEnd.TimedOut();
      case Outcome.Stopped _ -> new RunEnd.Stopped();
    };
  }

  /** Stands still until {@link #resume}. */
  public void pause() {
    machine.pause();
  }

  /** Goes on after {@link #pause}. */
  public void resume() {
    machine.resume();
  }

  /** Ends the run; {@link #run} returns. */
  public void stop() {
    machine.stop();
  }

  /** Presses the reset button. */
  public void reset() {
    machine.reset();
  }

  /** Returns in one word what the machine does: created, running, paused or ended. */
  public String state() {
    return machine.state().name().toLowerCase(Locale.ROOT);
  }

  /** Returns the processors' registers in readable lines. */
  public String registers() {
    return machine.describe();
  }

  /** Returns counts of the run so far. */
  public Statistics statistics() {
    return machine.statistics();
  }

  /** Returns where the serial port's input goes in. */
  public SerialInput serialInput() {
    return machine.serialInput();
  }

  /** Ends the run, if it has not ended, and gives back what it held. */
  @Override
  public void close() {
    machine.close();
    release(files, ram);
  }

  private static MachineSpec spec(RunRequest request) throws LibraryException {
    try {
      MachineSpec spec =
          MachineSpec.of(request.memoryBytes())
              .withCpus(request.cpus())
              .withModel(model(request.cpuModel()))
              .withNoReboot(request.noReboot())
              .withDebugExit(request.debugExit())
              .withUuid(UUID.randomUUID());
      return request.timeout().map(spec::withTimeout).orElse(spec);
    } catch (IllegalArgumentException e) {
      throw LibraryException.usage(e.getMessage());
    }
  }

  private static CpuModel model(Optional<String> name) throws LibraryException {
    if (name.isPresent() && !CpuModel.names().contains(name.get())) {
      throw LibraryException.usage(
          "there is no processor model '%s': choose from %s"
              .formatted(name.get(), String.join(", ", CpuModel.names())));
    }
    return name.map(CpuModel::named).orElseGet(CpuModel::standard);
  }

  private static LinuxBoot boot(RunRequest request, Progress progress, Path cache, Arena files)
      throws LibraryException {
    byte[] seed = new byte[SEED_BYTES];
    new SecureRandom().nextBytes(seed);
    if (request.kernel().isPresent()) {
      return LinuxBoot.of(
              GuestFile.map(request.kernel().get(), files),
              request.initrd().map(file -> GuestFile.map(file, files)),
              request.append().orElse(COMMAND_LINE))
          .withRandomSeed(seed);
    }
    LinuxFiles mini = MiniGuest.obtain(cache, progress);
    return LinuxBoot.of(
            GuestFile.map(mini.kernel(), files),
            Optional.of(GuestFile.map(mini.initrd(), files)),
            request.append().map(more -> MINI_COMMAND_LINE + " " + more).orElse(MINI_COMMAND_LINE))
        .withRandomSeed(seed);
  }

  private static Trace trace(
      Set<Trace.Category> categories, HostClock clock, Attachments attachments) {
    return categories.isEmpty()
        ? Trace.OFF
        : new Trace(clock, EnumSet.copyOf(categories), attachments.trace());
  }

  private static MachineListener resets(PanicWatch panicWatch) {
    return new MachineListener() {
      @Override
      public void guestReset() {
        panicWatch.clear();
      }
    };
  }

  private static long roundedUp(long bytes) {
    return (bytes + GuestRam.PAGE_BYTES - 1) & -GuestRam.PAGE_BYTES;
  }

  private static void release(Arena files, GuestRam ram) {
    files.close();
    if (ram != null) {
      ram.close();
    }
  }
}
