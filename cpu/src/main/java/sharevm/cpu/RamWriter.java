package sharevm.cpu;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * One processor as a writer of RAM. Its TLB may let it write to a page without a word; before
 * another processor makes code of that page, it must stop doing so, and the other must wait for
 * that.
 *
 * <p>The other asks and raises {@link Attention#CODE}; the writer answers at its next instruction
 * boundary. One that does not run answers before it runs again, so nobody waits for it. Who waits
 * answers others meanwhile, so that two who ask each other both go on.
 */
public final class RamWriter {
  private static final int SPINS = 200;
  private static final long PAUSE_NANOS = 20_000;

  private final CodePages codePages;
  private final Attention attention;
  private final LongConsumer protect;
  private final ConcurrentLinkedQueue<Long> asked = new ConcurrentLinkedQueue<>();
  private final AtomicLong askedCount = new AtomicLong();
  private final AtomicLong answeredCount = new AtomicLong();
  private volatile boolean running;

  /** Whether the processor stands still for another that wants memory for itself. */
  private volatile boolean still;

  /**
   * Makes one and registers it.
   *
   * @param protect takes away, on the processor's thread, the right to write freely to the page at
   *     an offset in RAM
   */
  public RamWriter(CodePages codePages, Attention attention, LongConsumer protect) {
    this.codePages = codePages;
    this.attention = attention;
    this.protect = protect;
    codePages.add(this);
  }

  /** Says that the processor begins to run on the calling thread. */
  void enter() {
    running = true;
    answer();
  }

  /** Says that the processor stops running: it stands between two instructions. */
  void leave() {
    running = false;
  }

  /**
   * Does what others asked for, and stands still while one wants memory for itself; on the
   * processor's thread, between two instructions or while it waits for others.
   */
  public void answer() {
    protectAsked();
    int spins = 0;
    while (another(codePages.exclusive().get())) {
      still = true;
      while (another(codePages.exclusive().get())) {
        protectAsked();
        pause(spins++);
      }
      still = false;
    }
  }

  private boolean another(RamWriter holder) {
    return holder != null && holder != this;
  }

  private void protectAsked() {
    for (Long page = asked.poll(); page != null; page = asked.poll()) {
      protect.accept(page);
      answeredCount.incrementAndGet();
    }
  }

  /**
   * Does something while no other processor runs: what a locked access needs that the host cannot
   * make as one, such as one across two cache lines.
   */
  public boolean exclusively(BooleanSupplier access) {
    int spins = 0;
    while (!codePages.exclusive().compareAndSet(null, this)) {
      answer();
      pause(spins++);
    }
    try {
      for (RamWriter other : codePages.writers()) {
        other.attention.raise(other == this ? 0 : Attention.CODE);
        for (spins = 0; other != this && other.running && !other.still; spins++) {
          protectAsked();
          pause(spins);
        }
      }
      return access.getAsBoolean();
    } finally {
      codePages.exclusive().set(null);
    }
  }

  private static void pause(int spins) {
    if (spins < SPINS) {
      Thread.onSpinWait();
    } else {
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** Waits until no other processor writes freely to the page at an offset in RAM. */
  public void stopOthers(long ramOffset) {
    for (RamWriter other : codePages.writers()) {
      if (other != this) {
        other.ask(ramOffset);
      }
    }
    for (RamWriter other : codePages.writers()) {
      if (other != this) {
        await(other, other.askedCount.get());
      }
    }
  }

  private void ask(long ramOffset) {
    asked.add(ramOffset);
    askedCount.incrementAndGet();
    attention.raise(Attention.CODE);
  }

  private void await(RamWriter other, long ticket) {
    for (int spins = 0; other.running && other.answeredCount.get() < ticket; spins++) {
      answer();
      pause(spins);
    }
  }
}
