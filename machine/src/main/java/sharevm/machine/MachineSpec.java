package sharevm.machine;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import sharevm.cpu.CpuModel;
import sharevm.machine.firmware.LinuxBoot;
import sharevm.machine.firmware.Rom;

/**
 * What a machine is, before it is built.
 *
 * @param memoryBytes RAM: {@value #MIN_MEMORY} to {@value #MAX_MEMORY}, whole MiB
 * @param cpus processors: 1 to {@value #MAX_CPUS}
 * @param model what they call themselves
 * @param boot the kernel to boot directly
 * @param noReboot whether a guest's reboot ends the run
 * @param debugExit whether port F4h ends the run
 * @param timeout how long the machine may run
 * @param uuid identity that the guest can read
 */
public record MachineSpec(
    long memoryBytes,
    int cpus,
    CpuModel model,
    Optional<LinuxBoot> boot,
    boolean noReboot,
    boolean debugExit,
    Optional<Duration> timeout,
    UUID uuid) {
  /** Least RAM: 16 MiB. */
  public static final long MIN_MEMORY = 16L << 20;

  /** Most RAM: 64 GiB. */
  public static final long MAX_MEMORY = 64L << 30;

  /** Most processors. */
  public static final int MAX_CPUS = 16;

  /**
   * Checks all values.
   *
   * @throws IllegalArgumentException with one line that says what is wrong and what is possible
   */
  public MachineSpec {
    if (memoryBytes < MIN_MEMORY || memoryBytes > MAX_MEMORY || memoryBytes % (1 << 20) != 0) {
      throw new IllegalArgumentException(
          "memory of %d bytes is not possible; choose whole MiB from 16M to 64G"
              .formatted(memoryBytes));
    }
    if (cpus < 1 || cpus > MAX_CPUS) {
      throw new IllegalArgumentException(
          "%d processors are not possible; choose 1 to %d".formatted(cpus, MAX_CPUS));
    }
    if (timeout.isPresent() && !timeout.get().isPositive()) {
      throw new IllegalArgumentException("a timeout of nothing is not possible; leave it out");
    }
  }

  /** Returns a machine with one standard processor, no kernel yet, and no limits. */
  public static MachineSpec of(long memoryBytes) {
    return new MachineSpec(
        memoryBytes,
        1,
        CpuModel.standard(),
        Optional.empty(),
        false,
        false,
        Optional.empty(),
        new UUID(0, 0));
  }

  /** Returns the bytes that the memory segment of such a machine must have: RAM and ROM. */
  public long segmentBytes() {
    return memoryBytes + 2L * Rom.BYTES;
  }

  /** Returns the same with another number of processors. */
  public MachineSpec withCpus(int count) {
    return new MachineSpec(memoryBytes, count, model, boot, noReboot, debugExit, timeout, uuid);
  }

  /** Returns the same with another processor model. */
  public MachineSpec withModel(CpuModel other) {
    return new MachineSpec(memoryBytes, cpus, other, boot, noReboot, debugExit, timeout, uuid);
  }

  /** Returns the same with a kernel to boot. */
  public MachineSpec withBoot(LinuxBoot kernel) {
    return new MachineSpec(
        memoryBytes, cpus, model, Optional.of(kernel), noReboot, debugExit, timeout, uuid);
  }

  /** Returns the same where a guest's reboot ends the run, or not. */
  public MachineSpec withNoReboot(boolean ends) {
    return new MachineSpec(memoryBytes, cpus, model, boot, ends, debugExit, timeout, uuid);
  }

  /** Returns the same with the exit port at F4h, or without. */
  public MachineSpec withDebugExit(boolean present) {
    return new MachineSpec(memoryBytes, cpus, model, boot, noReboot, present, timeout, uuid);
  }

  /** Returns the same with a limit of time. */
  public MachineSpec withTimeout(Duration limit) {
    return new MachineSpec(
        memoryBytes, cpus, model, boot, noReboot, debugExit, Optional.of(limit), uuid);
  }

  /** Returns the same with an identity. */
  public MachineSpec withUuid(UUID identity) {
    return new MachineSpec(memoryBytes, cpus, model, boot, noReboot, debugExit, timeout, identity);
  }
}
