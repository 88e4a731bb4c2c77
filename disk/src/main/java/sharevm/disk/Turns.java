package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Brings work that several threads finish in any order back into the order of the disk. Nobody
 * waits for a turn: who comes early leaves the work to the one whose turn it is. Memory is bounded
 * by the buffers; who holds the next turn has one already, so that there is always one on its way.
 */
final class Turns {
  /** A window's work and the buffer that it is about. */
  record Ready(Sink.Work work, ByteBuffer buffer) {}

  private final Deque<ByteBuffer> buffers = new ArrayDeque<>();
  private final Map<Long, Ready> early = new HashMap<>();
  private final Deque<Ready> due = new ArrayDeque<>();
  private boolean taken;
  private long turn;
  private Throwable failure;

  Turns(int count, int size) {
    for (int i = 0; i < count; i++) {
      buffers.add(ByteBuffer.allocateDirect(size));
    }
  }

  /** Waits for a free buffer; there is none any more when a thread has failed. */
  synchronized Optional<ByteBuffer> buffer() {
    boolean interrupted = false;
    while (failure == null && buffers.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return failure == null ? Optional.of(buffers.pop().clear()) : Optional.empty();
  }

  synchronized void giveBack(ByteBuffer buffer) {
    // The one used last is the one that the processor's cache still has.
    buffers.push(buffer);
    notifyAll();
  }

  /**
   * Hands over a window's work. If it is its turn, its ordered part is done, and that of those who
   * waited for it; the unordered parts wait to be taken.
   */
  synchronized void settle(long number, Ready ready) throws DiskException {
    early.put(number, ready);
    for (Ready next = early.remove(turn); next != null; next = early.remove(turn)) {
      next.work().inOrder();
      due.add(next);
      turn++;
    }
  }

  /**
   * The next work whose unordered part the caller shall do, and then say so; nothing when another
   * thread is at one, which will come for the rest. A host lets one thread at a time write to a
   * file, and lets the others spin.
   */
  synchronized Optional<Ready> take() {
    if (taken || due.isEmpty()) {
      return Optional.empty();
    }
    taken = true;
    return Optional.of(due.remove());
  }

  /** The unordered part of what was taken is done. */
  synchronized void done(Ready ready) {
    taken = false;
    giveBack(ready.buffer());
  }

  /** Ends everything; the first reason counts. */
  synchronized void fail(Throwable reason) {
    failure = failure == null ? reason : failure;
    notifyAll();
  }

  synchronized Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }
}
