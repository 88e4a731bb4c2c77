package sharevm.library;

import java.nio.charset.StandardCharsets;
import sharevm.machine.chip.uart16550.SerialSink;

/**
 * Looks in a serial port's output for the line with which Linux announces that it panicked: a
 * reboot after that is a crash.
 */
final class PanicWatch implements SerialSink {
  private static final byte[] SIGN =
      "Kernel panic - not syncing".getBytes(StandardCharsets.US_ASCII);

  private final SerialSink sink;
  private int matched;
  private volatile boolean panicked;

  PanicWatch(SerialSink sink) {
    this.sink = sink;
  }

  boolean panicked() {
    return panicked;
  }

  /** Forgets what was seen: the guest starts anew. */
  void clear() {
    panicked = false;
  }

  @Override
  public boolean offer(int value) {
    if (!sink.offer(value)) {
      return false;
    }
    // The sign's first letter occurs in it nowhere else, so a mismatch can only begin it anew.
    matched = value == SIGN[matched] ? matched + 1 : value == SIGN[0] ? 1 : 0;
    if (matched == SIGN.length) {
      panicked = true;
      matched = 0;
    }
    return true;
  }
}
