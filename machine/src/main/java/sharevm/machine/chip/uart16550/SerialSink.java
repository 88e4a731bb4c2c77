package sharevm.machine.chip.uart16550;

/** Where a serial port's output goes. */
@FunctionalInterface
public interface SerialSink {
  /** Takes everything and forgets it. */
  SerialSink NONE = _ -> true;

  /**
   * Offers a byte (0 to 255). Called under the device lock, so it must not wait: a sink that has no
   * room refuses, and the port keeps the byte and asks again later.
   *
   * @return whether the byte was taken
   */
  boolean offer(int value);
}
