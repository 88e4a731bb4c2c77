package sharevm.machine.bus;

import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The deadlines of one machine. Any thread may set or cancel one; its action runs under the device
 * lock, on a thread of its own after {@link #start}, or on the caller of {@link #runDue}.
 *
 * <p>A chip that sets and cancels under the device lock never sees an action run that it has
 * cancelled. Others must look in the action at whether they still want it.
 */
public final class Timers implements AutoCloseable {
  /** No deadline. */
  public static final long NEVER = Long.MAX_VALUE;

  /** One deadline at a time, and what to do then. */
  public final class Timer {
    private final String name;
    private final Runnable action;
    private long deadline = NEVER;
    private int slot = -1;

    private Timer(String name, Runnable action) {
      this.name = name;
      this.action = action;
    }

    /**
     * Sets the deadline on the machine's clock in place of the former one; {@link #NEVER} cancels.
     */
    public void at(long nanos) {
      schedule(this, nanos);
    }

    /** Takes the deadline away. */
    public void cancel() {
      schedule(this, NEVER);
    }

    /** Returns the deadline, or {@link #NEVER}. */
    public long deadline() {
      synchronized (queueLock) {
        return deadline;
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private final Object queueLock = new Object();
  private final Clock clock;
  private final ReentrantLock deviceLock;
  private Timer[] heap = new Timer[16];
  private int count;
  private volatile long earliest = NEVER;
  private volatile Thread runner;
  private volatile boolean stopping;
  private volatile Runnable onEarlier = () -> {};

  /** Makes an empty queue that runs nothing by itself yet. */
  public Timers(Clock clock, ReentrantLock deviceLock) {
    this.clock = clock;
    this.deviceLock = deviceLock;
  }

  /** Returns the clock that the deadlines are on. */
  public Clock clock() {
    return clock;
  }

  /** Makes a timer without a deadline. */
  public Timer timer(String name, Runnable action) {
    return new Timer(name, action);
  }

  /** Returns the earliest deadline, or {@link #NEVER}. */
  public long nextDeadline() {
    return earliest;
  }

  /**
   * Sets who is told, on the setting thread, when the earliest deadline has become an earlier one.
   */
  public void onEarlier(Runnable listener) {
    onEarlier = listener;
  }

  /**
   * Runs what is due, in the order of deadlines. An action may set its timer again; what is then
   * due at once waits for the next call, so that this one always ends.
   */
  public void runDue() {
    long now = clock.nanos();
    if (earliest > now) {
      return;
    }
    deviceLock.lock();
    try {
      for (Timer timer = take(now); timer != null; timer = take(now)) {
        timer.action.run();
        now = Math.min(now, clock.nanos());
        if (timer.deadline() <= now) {
          return;
        }
      }
    } finally {
      deviceLock.unlock();
    }
  }

  /**
   * Starts the timer thread. No effect if it runs.
   *
   * @param name the thread's name
   * @param onFailure is told what an action threw; the thread then ends
   */
  public void start(String name, Consumer<Throwable> onFailure) {
    if (runner != null) {
      return;
    }
    stopping = false;
    Thread thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> loop(onFailure));
    runner = thread;
    thread.start();
  }

  /** Stops the timer thread and waits for it. Must not be called under the device lock. */
  public void stop() {
    Thread thread = runner;
    if (thread == null) {
      return;
    }
    stopping = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    while (thread.isAlive() && thread != Thread.currentThread()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    runner = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stop();
  }

  private void loop(Consumer<Throwable> onFailure) {
    try {
      while (!stopping) {
        long wait = earliest == NEVER ? NEVER : earliest - clock.nanos();
        if (wait > 0) {
          LockSupport.parkNanos(this, wait);
        } else {
          runDue();
        }
      }
    } catch (RuntimeException | Error failure) {
      onFailure.accept(failure);
    }
  }

  private void schedule(Timer timer, long deadline) {
    boolean earlier;
    synchronized (queueLock) {
      timer.deadline = deadline;
      if (deadline == NEVER) {
        if (timer.slot >= 0) {
          remove(timer);
        }
      } else {
        if (timer.slot < 0) {
          if (count == heap.length) {
            heap = Arrays.copyOf(heap, 2 * count);
          }
          place(timer, count++);
        }
        siftUp(timer);
        siftDown(timer);
      }
      earlier = updateEarliest();
    }
    if (earlier) {
      Thread thread = runner;
      if (thread != null && thread != Thread.currentThread()) {
        LockSupport.unpark(thread);
      }
      onEarlier.run();
    }
  }

  private Timer take(long now) {
    synchronized (queueLock) {
      if (count == 0 || heap[0].deadline > now) {
        return null;
      }
      Timer timer = heap[0];
      timer.deadline = NEVER;
      remove(timer);
      updateEarliest();
      return timer;
    }
  }

  private boolean updateEarliest() {
    long before = earliest;
    long after = count == 0 ? NEVER : heap[0].deadline;
    if (after != before) {
      earliest = after;
    }
    return after < before;
  }

  private void remove(Timer timer) {
    int slot = timer.slot;
    timer.slot = -1;
    Timer last = heap[--count];
    heap[count] = null;
    if (last != timer) {
      place(last, slot);
      siftUp(last);
      siftDown(last);
    }
  }

  private void siftUp(Timer timer) {
    int slot = timer.slot;
    while (slot > 0 && heap[(slot - 1) / 2].deadline > timer.deadline) {
      int parent = (slot - 1) / 2;
      place(heap[parent], slot);
      slot = parent;
    }
    place(timer, slot);
  }

  private void siftDown(Timer timer) {
    int slot = timer.slot;
    while (2 * slot + 1 < count) {
      int child = 2 * slot + 1;
      if (child + 1 < count && heap[child + 1].deadline < heap[child].deadline) {
        child++;
      }
      if (heap[child].deadline >= timer.deadline) {
        break;
      }
      place(heap[child], slot);
      slot = child;
    }
    place(timer, slot);
  }

  private void place(Timer timer, int slot) {
    heap[slot] = timer;
    timer.slot = slot;
  }
}
