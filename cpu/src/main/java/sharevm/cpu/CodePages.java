package sharevm.cpu;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Which pages of guest RAM hold code that some processor has decoded or translated. Shared by the processors of a
 * machine and by its devices: a write to such a page must be told here, after it was made.
 */
public final class CodePages {
  /** A cache of code made from guest RAM. */
  public interface Cache {
    /**
     * Drops what was made from bytes {@code from} to before {@code to} of a page, at once or before its
     * processor runs its next block.
     *
     * @return whether the cache may still hold something made from the page
     */
    boolean drop(int page, int from, int to);
  }

  private final AtomicIntegerArray marks;
  private final CopyOnWriteArrayList<Cache> caches = new CopyOnWriteArrayList<>();

  /** Makes one for RAM of a size in bytes. */
  public CodePages(long ramSize) {
    marks = new AtomicIntegerArray((int) (ramSize / 4096 / 32 + 1));
  }

  /** Adds a cache that is to hear of writes. */
  public void add(Cache cache) {
    caches.add(cache);
  }

  /** Marks a page as holding code; returns false when it was marked already. */
  public boolean mark(int page) {
    int bit = 1 << page;
    return (marks.getAndAccumulate(page >>> 5, bit, (a, b) -> a | b) & bit) == 0;
  }

  /** Returns whether a page holds code. */
  public boolean marked(int page) {
    return (marks.get(page >>> 5) & 1 << page) != 0;
  }

  /** Tells that bytes of RAM have been written; cheap where no code is. */
  public void written(long ramOffset, long size) {
    long end = ramOffset + size;
    for (long at = ramOffset; at < end; at = (at & -4096) + 4096) {
      int page = (int) (at >>> 12);
      if (marked(page)) {
        drop(page, (int) at & 0xfff, (int) Math.min(4096, end - (at & -4096)));
      }
    }
  }

  private void drop(int page, int from, int to) {
    boolean held = false;
    for (Cache cache : caches) {
      held |= cache.drop(page, from, to);
    }
    if (!held) {
      int bit = 1 << page;
      marks.getAndAccumulate(page >>> 5, ~bit, (a, b) -> a & b);
    }
  }
}
