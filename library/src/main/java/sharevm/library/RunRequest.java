package sharevm.library;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import sharevm.machine.bus.Trace;

/**
 * What a person asks to be run, as asked: nothing is looked up yet.
 *
 * @param kernel the kernel to boot; if empty, the mini guest
 * @param initrd its initial file system
 * @param append the kernel's command line; for the mini guest, what is added to its own
 * @param memoryBytes the guest's memory
 * @param cpus the number of processors
 * @param cpuModel the name of a processor model; if empty, the standard one
 * @param engine what executes the guest
 * @param engineOptions how the translator is to work, for finding bugs: as in {@code traces=off}
 * @param debugExit whether port F4h ends the run
 * @param noReboot whether the guest's reboot ends the run
 * @param timeout after which the run ends
 * @param trace what is traced
 */
public record RunRequest(
    Optional<Path> kernel,
    Optional<Path> initrd,
    Optional<String> append,
    long memoryBytes,
    int cpus,
    Optional<String> cpuModel,
    EngineChoice engine,
    List<String> engineOptions,
    boolean debugExit,
    boolean noReboot,
    Optional<Duration> timeout,
    Set<Trace.Category> trace) {
  /** Copies list and set. */
  public RunRequest {
    engineOptions = List.copyOf(engineOptions);
    trace = Set.copyOf(trace);
  }
}
