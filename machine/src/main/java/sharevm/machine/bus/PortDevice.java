package sharevm.machine.bus;

/**
 * Registers in I/O port space. Called under the device lock with offsets from where the device is
 * mapped.
 */
public interface PortDevice {
  /**
   * Reads {@code size} bytes (1, 2 or 4), all inside the device's range; the bus cuts off what is
   * too much.
   */
  int in(int offset, int size);

  /**
   * Writes the low {@code size} bytes (1, 2 or 4) of {@code value}, all inside the device's range.
   */
  void out(int offset, int size, int value);
}
