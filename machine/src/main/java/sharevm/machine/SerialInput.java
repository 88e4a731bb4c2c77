package sharevm.machine;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import sharevm.machine.chip.uart16550.Uart16550;

/**
 * Takes what a person or a script types and hands it to a serial port as fast as the guest reads,
 * and not before it waits for input.
 */
public final class SerialInput {
  private static final int CAPACITY = 1 << 16;

  private final Uart16550 port;
  private final ReentrantLock deviceLock;
  private final Condition room;
  private final ArrayDeque<Byte> waiting = new ArrayDeque<>();
  private boolean closed;

  SerialInput(Uart16550 port, ReentrantLock deviceLock) {
    this.port = port;
    this.deviceLock = deviceLock;
    room = deviceLock.newCondition();
    port.onSpace(this::pump);
  }

  /**
   * Sends bytes to the guest; waits while it has 64 KiB unread. What the guest never reads is lost
   * with the machine.
   */
  public void send(byte[] bytes) throws InterruptedException {
    deviceLock.lockInterruptibly();
    try {
      for (byte value : bytes) {
        while (waiting.size() >= CAPACITY && !closed) {
          room.await();
        }
        if (closed) {
          return;
        }
        waiting.add(value);
        pump();
      }
    } finally {
      deviceLock.unlock();
    }
  }

  /** Lets senders go; the machine has ended. */
  void close() {
    deviceLock.lock();
    try {
      closed = true;
      waiting.clear();
      room.signalAll();
    } finally {
      deviceLock.unlock();
    }
  }

  private void pump() {
    boolean some = false;
    while (!waiting.isEmpty() && port.awaited() && port.receiveSpace() > 0) {
      port.receive(waiting.poll() & 0xFF);
      some = true;
    }
    if (some) {
      room.signalAll();
    }
  }
}
