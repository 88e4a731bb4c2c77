package sharevm.machine.firmware;

/**
 * A firmware service that is Java: called when a guest runs into the ROM's stub of an interrupt.
 */
@FunctionalInterface
public interface RomService {
  /** Serves one call; runs under the device lock, on the calling processor's thread. */
  void call(RomFrame frame);
}
