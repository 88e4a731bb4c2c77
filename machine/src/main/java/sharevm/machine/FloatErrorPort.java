package sharevm.machine;

import java.util.concurrent.locks.ReentrantLock;
import sharevm.cpu.FloatErrorPin;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;

/**
 * The PC/AT's way to report coprocessor errors: FERR# of the first processor drives IRQ 13 until a
 * write to port F0h, which asserts IGNNE# (Intel SDM Vol. 1 D.2.1).
 */
final class FloatErrorPort implements BytePorts, Part {
  static final int PORT = 0xF0;
  static final int PORTS = 2;

  private final FloatErrorPin pin;
  private final InterruptLine line;
  private boolean asserted;

  FloatErrorPort(FloatErrorPin pin, InterruptLine line, ReentrantLock deviceLock) {
    this.pin = pin;
    this.line = line;
    pin.connect(
        () -> {
          deviceLock.lock();
          try {
            drive(true);
          } finally {
            deviceLock.unlock();
          }
        });
  }

  @Override
  public int read(int offset) {
    return 0xFF;
  }

  /** Only the first processor's write reaches its own pin on a PC; others' are harmless. */
  @Override
  public void write(int offset, int value) {
    drive(false);
    pin.ignore();
  }

  @Override
  public SavedState save() {
    return new SavedState().put("asserted", asserted);
  }

  @Override
  public void restore(SavedState state) {
    asserted = state.getBoolean("asserted");
  }

  @Override
  public void reset() {
    drive(false);
  }

  private void drive(boolean level) {
    asserted = level;
    line.set(level);
  }
}
