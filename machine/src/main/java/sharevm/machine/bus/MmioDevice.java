package sharevm.machine.bus;

/** Registers in memory space, with offsets from where the device is mapped. */
public interface MmioDevice {
  /**
   * Reads {@code size} bytes (1, 2, 4 or 8), all inside the range; the bus cuts off what is too
   * much.
   */
  long read(long offset, int size);

  /** Writes the low {@code size} bytes (1, 2, 4 or 8) of {@code value}, all inside the range. */
  void write(long offset, int size, long value);
}
