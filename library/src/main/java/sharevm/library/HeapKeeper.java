package sharevm.library;

import java.time.Duration;

/**
 * Keeps the heap of a process that runs a guest from growing with what is no longer used. What
 * engines make of guest code lives long and dies late, so it gets old; and the JVM's smallest
 * collector looks through what is old only when the heap cannot grow any more.
 */
public final class HeapKeeper implements AutoCloseable {
  private static final Duration PERIOD = Duration.ofSeconds(5);

  /** What a heap may hold before anybody looks through it: more than a guest needs to boot. */
  private static final long FIRST_LIMIT = 96L << 20;

  /** By how much it may grow after that at the least. */
  private static final long LEAST_GROWTH = 32L << 20;

  /** The heap as this class sees it. */
  interface Heap {
    /** Returns the bytes in use, garbage among them. */
    long used();

    /** Looks through all of it. */
    void collect();
  }

  private final Heap heap;
  private final Thread thread;
  private long limit = FIRST_LIMIT;

  HeapKeeper(Heap heap) {
    this.heap = heap;
    this.thread = Thread.ofPlatform().daemon().name("heap-keeper").unstarted(this::watch);
  }

  /** Begins to look after this process's heap. */
  public static HeapKeeper start() {
    HeapKeeper keeper = new HeapKeeper(new ProcessHeap());
    keeper.thread.start();
    return keeper;
  }

  /** Has the heap looked through if it has grown by half since it last was. */
  void look() {
    if (heap.used() > limit) {
      heap.collect();
      long alive = heap.used();
      limit = Math.max(FIRST_LIMIT, alive + Math.max(LEAST_GROWTH, alive / 2));
    }
  }

  private void watch() {
    try {
      while (true) {
        Thread.sleep(PERIOD);
        look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends it. */
  @Override
  public void close() {
    thread.interrupt();
  }

  private static final class ProcessHeap implements Heap {
    @Override
    public long used() {
      Runtime runtime = Runtime.getRuntime();
      return runtime.totalMemory() - runtime.freeMemory();
    }

    @Override
    public void collect() {
      System.gc();
    }
  }
}
