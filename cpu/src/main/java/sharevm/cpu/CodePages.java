package sharevm.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Which pages of guest RAM hold code that some processor has decoded or translated. Shared by the
 * processors of a machine and by its devices: a write to such a page must be told here, after it
 * was made.
 *
 * <p>Who makes code of a page marks it first, then sees to it that no processor writes to it unseen
 * ({@link RamWriter}), and only then reads its bytes. A writer writes first, and then looks at the
 * mark. So either the writer sees the mark, or the reader sees the new bytes.
 */
public final class CodePages {
  /** Who is to hear of writes to pages: a cache of code made from guest RAM, as a rule. */
  public interface Cache {
    /**
     * Drops what was made from bytes {@code from} to before {@code to} of a page, at once or before
     * its processor runs its next block.
     */
    void drop(int page, int from, int to);

    /** Returns whether the cache may hold, or is about to get, something made from the page. */
    boolean mayHold(int page);
  }

  private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle();

  /** A bit for each page. */
  private final MemorySegment marks;

  private final CopyOnWriteArrayList<Cache> caches = new CopyOnWriteArrayList<>();
  private final CopyOnWriteArrayList<RamWriter> writers = new CopyOnWriteArrayList<>();
  private final AtomicReference<RamWriter> exclusive = new AtomicReference<>();

  /** Makes one for RAM of a size in bytes. */
  public CodePages(long ramSize) {
    marks = Arena.ofAuto().allocate(4 * (ramSize / 4096 / 32 + 1), 8);
  }

  /** Adds a cache that is to hear of writes. */
  public void add(Cache cache) {
    caches.add(cache);
  }

  void add(RamWriter writer) {
    writers.add(writer);
  }

  /** Who has memory for itself at present, or null. */
  AtomicReference<RamWriter> exclusive() {
    return exclusive;
  }

  List<RamWriter> writers() {
    return writers;
  }

  /**
   * Marks a page as holding code, for a cache that says already that it may hold the page; returns
   * false when it was marked before.
   */
  public synchronized boolean mark(int page) {
    int bit = 1 << page;
    return ((int) WORD.getAndBitwiseOr(marks, word(page), bit) & bit) == 0;
  }

  /**
   * Marks all pages, for a cache that says already that it may hold them. No processor may have run
   * yet, since none is kept from writing to what it has written before.
   */
  public synchronized void markAll() {
    marks.fill((byte) -1);
  }

  /** Returns whether a page is marked: some cache may hold it. */
  public boolean marked(int page) {
    return ((int) WORD.getVolatile(marks, word(page)) & 1 << page) != 0;
  }

  private static long word(int page) {
    return (long) (page >>> 5) << 2;
  }

  /** Returns the marks, a bit for each page of RAM, for machine code that looks at them. */
  public MemorySegment marks() {
    return marks;
  }

  /** Tells that bytes of RAM have been written; cheap where no code is. */
  public void written(long ramOffset, long size) {
    VarHandle.fullFence();
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
      cache.drop(page, from, to);
      held |= cache.mayHold(page);
    }
    if (!held) {
      release(page);
    }
  }

  /** Takes the mark of a page away unless a cache may hold it. */
  public synchronized void release(int page) {
    for (Cache cache : caches) {
      if (cache.mayHold(page)) {
        return;
      }
    }
    int bit = 1 << page;
    WORD.getAndBitwiseAnd(marks, word(page), ~bit);
  }
}
