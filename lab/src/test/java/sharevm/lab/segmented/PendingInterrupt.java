package sharevm.lab.segmented;

import sharevm.cpu.Attention;
import sharevm.lab.processor.NoInterrupts;

/** An interrupt controller that has an interrupt now and then. */
final class PendingInterrupt extends NoInterrupts {
  /** The vector of all its interrupts. */
  static final int VECTOR = 0x71;

  private boolean pending;

  /** Has an interrupt from now on, or no longer. */
  void pending(boolean now, Attention attention) {
    pending = now;
    if (now) {
      attention.raise(Attention.INTERRUPT);
    } else {
      attention.clear(Attention.INTERRUPT);
    }
  }

  @Override
  public boolean pending() {
    return pending;
  }

  @Override
  public int acknowledge() {
    int vector = pending ? VECTOR : -1;
    pending = false;
    return vector;
  }
}
