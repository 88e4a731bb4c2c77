package sharevm.machine;

import java.util.List;
import java.util.Map;
import sharevm.cpu.SavedState;
import sharevm.cpu.SavedStateException;
import sharevm.machine.bus.Part;

/**
 * The state of a whole machine as one document of named fields, without its RAM, which is saved
 * beside it byte by byte. The same on every host and engine.
 *
 * <pre>
 *   format, memoryBytes, cpus, clock
 *   parts       a state of each chip, by its name in the machine
 *   processors  a state of each processor: cpu0, cpu1...
 * </pre>
 *
 * @param document the fields
 */
public record Snapshot(SavedState document) {
  /** Version of the document; another one is refused. */
  public static final long FORMAT = 1;

  /** Puts a stopped machine's state together. */
  static Snapshot of(MachineSpec spec, long clock, Map<String, Part> parts, List<Vcpu> vcpus) {
    SavedState chips = new SavedState();
    parts.forEach((name, part) -> chips.put(name, part.save()));
    SavedState processors = new SavedState();
    vcpus.forEach(vcpu -> processors.put("cpu" + vcpu.number, vcpu.save()));
    return new Snapshot(
        new SavedState()
            .put("format", FORMAT)
            .put("memoryBytes", spec.memoryBytes())
            .put("cpus", spec.cpus())
            .put("clock", clock)
            .put("parts", chips)
            .put("processors", processors));
  }

  /**
   * Returns what the machine's clock showed, in nanoseconds; a restored machine's must go on from
   * there.
   */
  public long clock() {
    return document.getLong("clock");
  }

  /** Returns the bytes of RAM of the machine that was saved. */
  public long memoryBytes() {
    return document.getLong("memoryBytes");
  }

  /** Returns the number of processors of the machine that was saved. */
  public int cpus() {
    return document.getInt("cpus");
  }

  /**
   * Puts the state into a machine that has not run yet.
   *
   * @throws SavedStateException if it is of another machine or format; the machine is then of no
   *     use
   */
  void into(MachineSpec spec, Map<String, Part> parts, List<Vcpu> vcpus) {
    if (document.getLong("format") != FORMAT) {
      throw new SavedStateException(
          "a saved machine of format %d; this version reads format %d"
              .formatted(document.getLong("format"), FORMAT));
    }
    if (memoryBytes() != spec.memoryBytes() || cpus() != spec.cpus()) {
      throw new SavedStateException(
          "a saved machine with %d MiB and %d processors does not fit one with %d MiB and %d"
              .formatted(memoryBytes() >> 20, cpus(), spec.memoryBytes() >> 20, spec.cpus()));
    }
    SavedState chips = document.getPart("parts");
    parts.forEach((name, part) -> part.restore(chips.getPart(name)));
    SavedState processors = document.getPart("processors");
    vcpus.forEach(vcpu -> vcpu.restore(processors.getPart("cpu" + vcpu.number)));
  }
}
