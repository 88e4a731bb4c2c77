package sharevm.machine.bus;

/**
 * A port device with 8-bit registers only, as on the ISA bus: wider accesses become several, lowest
 * address first.
 */
public interface BytePorts extends PortDevice {
  /** Reads the byte at an offset: 0 to 255. */
  int read(int offset);

  /** Writes the byte at an offset: 0 to 255. */
  void write(int offset, int value);

  @Override
  default int in(int offset, int size) {
    int value = read(offset);
    for (int i = 1; i < size; i++) {
      value |= read(offset + i) << 8 * i;
    }
    return value;
  }

  @Override
  default void out(int offset, int size, int value) {
    for (int i = 0; i < size; i++) {
      write(offset + i, value >>> 8 * i & 0xFF);
    }
  }
}
