package sharevm.library;

import java.io.IOException;
import java.io.OutputStream;
import sharevm.machine.chip.uart16550.SerialSink;

/**
 * Carries a serial port's output to a stream on a thread of its own, so that a slow reader delays
 * the guest's output and nothing else.
 */
public final class SerialOutput implements SerialSink, AutoCloseable {
  private static final int CAPACITY = 1 << 16;
  private static final long CLOSE_MILLIS = 2000;

  private final OutputStream stream;
  private final Runnable whenRefused;
  private final byte[] ring = new byte[CAPACITY];
  private final Thread writer;
  private int first;
  private int count;
  private boolean closed;
  private boolean refused;

  /**
   * Makes one and starts its thread.
   *
   * @param stream where the output goes; flushed whenever there is no more for the moment, not
   *     closed
   * @param whenRefused runs once, on the thread of this object, when the stream takes no more;
   *     output is dropped from then on
   */
  public SerialOutput(OutputStream stream, Runnable whenRefused) {
    this.stream = stream;
    this.whenRefused = whenRefused;
    writer = Thread.ofPlatform().daemon().name("serial-output").unstarted(this::write);
    writer.start();
  }

  @Override
  public synchronized boolean offer(int value) {
    if (refused) {
      return true;
    }
    if (count == CAPACITY) {
      return false;
    }
    ring[(first + count) % CAPACITY] = (byte) value;
    if (count++ == 0) {
      notifyAll();
    }
    return true;
  }

  @Override
  public void close() {
    finish();
  }

  /** Waits until what was offered is written, 2 s at most; what is offered later is lost. */
  public void finish() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      writer.join(CLOSE_MILLIS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void write() {
    byte[] chunk = new byte[CAPACITY];
    try {
      for (int length = take(chunk); length > 0; length = take(chunk)) {
        stream.write(chunk, 0, length);
        stream.flush();
      }
    } catch (IOException _) {
      synchronized (this) {
        refused = true;
        count = 0;
      }
      whenRefused.run();
    }
  }

  /** Waits for output and takes it; returns 0 when there will be none any more. */
  private synchronized int take(byte[] chunk) {
    try {
      while (count == 0 && !closed) {
        wait();
      }
    } catch (InterruptedException _) {
      return 0;
    }
    int length = Math.min(count, CAPACITY - first);
    System.arraycopy(ring, first, chunk, 0, length);
    first = (first + length) % CAPACITY;
    count -= length;
    return length;
  }
}
