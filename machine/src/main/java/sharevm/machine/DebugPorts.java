package sharevm.machine;

import java.util.function.IntConsumer;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.PortDevice;

/** Two ports for those who write kernels: a console, and an exit with a status. */
final class DebugPorts {
  /**
   * The console: what is written comes out; reads give its own number, so that guests can find it.
   */
  static final int CONSOLE = 0xE9;

  /** The exit port, up to 4 bytes wide. */
  static final int EXIT = 0xF4;

  /** Ports of {@link #EXIT}. */
  static final int EXIT_PORTS = 4;

  private DebugPorts() {}

  static BytePorts console(IntConsumer reader) {
    return new BytePorts() {
      @Override
      public int read(int offset) {
        return CONSOLE;
      }

      @Override
      public void write(int offset, int value) {
        reader.accept(value);
      }
    };
  }

  /**
   * Ends a run with the status {@code value << 1 | 1}: never 0, so that a test cannot pass by
   * accident.
   */
  static PortDevice exit(IntConsumer ending) {
    return new PortDevice() {
      @Override
      public int in(int offset, int size) {
        return 0;
      }

      @Override
      public void out(int offset, int size, int value) {
        ending.accept(value << 1 | 1);
      }
    };
  }
}
