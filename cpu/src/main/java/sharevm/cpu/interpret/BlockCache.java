package sharevm.cpu.interpret;

import java.util.concurrent.ConcurrentLinkedQueue;
import sharevm.cpu.Attention;
import sharevm.cpu.CodePages;
import sharevm.cpu.CpuState;

/**
 * The decoded blocks of one processor, by their place in RAM. Other threads may drop blocks; they
 * only leave a word, and the processor drops them before it runs its next block.
 */
final class BlockCache implements CodePages.Cache {
  private static final int CHUNK_BITS = 10;
  private static final int BUCKETS = 64;

  /** The most blocks that are kept: some ten megabytes. */
  static final int MOST = 1 << 16;

  private final CpuState state;
  private final Thread[] owner = new Thread[1];
  private final Block[][][] chunks;
  private final ConcurrentLinkedQueue<Integer> dropped = new ConcurrentLinkedQueue<>();

  /** Pages in {@link #dropped}: each is there once however often it is written to. */
  private final PageBits dropping;

  /** Pages that blocks come from; set and cleared by the processor's thread only. */
  private final PageBits held;

  private final Runnable currentBlockDropped;

  private int size;

  /**
   * Makes an empty cache.
   *
   * @param currentBlockDropped told, on the processor's thread, when blocks were dropped by its own
   *     write
   */
  BlockCache(CpuState state, long ramSize, Runnable currentBlockDropped) {
    this.state = state;
    this.chunks = new Block[(int) (ramSize >>> 12 + CHUNK_BITS) + 1][][];
    this.currentBlockDropped = currentBlockDropped;
    this.dropping = new PageBits(ramSize);
    this.held = new PageBits(ramSize);
  }

  /** Says that blocks will come from a page; returns false when that was said before. */
  boolean hold(int page) {
    return held.set(page);
  }

  @Override
  public boolean mayHold(int page) {
    return held.get(page);
  }

  /** Says that the calling thread now runs the processor. */
  void enter() {
    owner[0] = Thread.currentThread();
  }

  /** Returns the block at a place, or null. */
  Block find(long place, int mode) {
    Block[] page = page((int) (place >>> 12));
    if (page == null) {
      return null;
    }
    for (Block b = page[bucket(place)]; b != null; b = b.next) {
      if (b.place == place && b.mode == mode) {
        return b;
      }
    }
    return null;
  }

  /** Adds a block. */
  void add(Block block) {
    int number = (int) (block.place >>> 12);
    Block[][] chunk = chunks[number >>> CHUNK_BITS];
    if (chunk == null) {
      chunk = new Block[1 << CHUNK_BITS][];
      chunks[number >>> CHUNK_BITS] = chunk;
    }
    int inChunk = number & (1 << CHUNK_BITS) - 1;
    if (chunk[inChunk] == null) {
      chunk[inChunk] = new Block[BUCKETS];
    }
    Block[] page = chunk[inChunk];
    int bucket = bucket(block.place);
    block.next = page[bucket];
    page[bucket] = block;
    size++;
  }

  /** Whether there are as many blocks as are to be kept. */
  boolean isFull() {
    return size >= MOST;
  }

  /** Drops all blocks; none of them may be running. */
  void clear() {
    for (int n = 0; n < chunks.length; n++) {
      for (int page = 0; chunks[n] != null && page < chunks[n].length; page++) {
        if (chunks[n][page] != null) {
          held.clear((n << CHUNK_BITS) + page);
        }
      }
      chunks[n] = null;
    }
    size = 0;
  }

  /** Drops a block that no longer is what its mapping says. */
  void remove(Block block) {
    Block[] page = page((int) (block.place >>> 12));
    if (page != null) {
      dropIf(page, (int) block.place & 0xfff, ((int) block.place & 0xfff) + 1);
    }
  }

  @Override
  public void drop(int page, int from, int to) {
    if (Thread.currentThread() == owner[0]) {
      dropNow(page, from, to);
    } else if (mayHold(page) && dropping.set(page)) {
      dropped.add(page);
      state.attention.raise(Attention.CODE);
    }
  }

  /** Does what other threads left word of. */
  void dropPending() {
    for (Integer page = dropped.poll(); page != null; page = dropped.poll()) {
      dropping.clear(page);
      dropNow(page, 0, 4096);
    }
  }

  private void dropNow(int number, int from, int to) {
    boolean any = false;
    Block[] page = page(number);
    if (page != null) {
      any = dropIf(page, from, to);
    }
    Block[] before = number > 0 ? page(number - 1) : null;
    if (before != null) {
      any |= dropCrossing(before);
    }
    if (any) {
      currentBlockDropped.run();
    }
    if (page == null || !holds(page)) {
      held.clear(number);
    }
  }

  /** Drops the blocks of a page that overlap a range of it. */
  private boolean dropIf(Block[] page, int from, int to) {
    boolean any = false;
    for (int i = 0; i < BUCKETS; i++) {
      Block kept = null;
      for (Block b = page[i]; b != null; ) {
        Block next = b.next;
        int start = (int) b.place & 0xfff;
        if (start < to && start + b.length > from) {
          b.valid = false;
          size--;
          any = true;
        } else {
          b.next = kept;
          kept = b;
        }
        b = next;
      }
      page[i] = kept;
    }
    return any;
  }

  /** Drops what runs over the end of a page. */
  private boolean dropCrossing(Block[] page) {
    return dropIf(page, 4096, Integer.MAX_VALUE);
  }

  private static boolean holds(Block[] page) {
    for (Block b : page) {
      if (b != null) {
        return true;
      }
    }
    return false;
  }

  private Block[] page(int number) {
    Block[][] chunk = chunks[number >>> CHUNK_BITS];
    return chunk == null ? null : chunk[number & (1 << CHUNK_BITS) - 1];
  }

  private static int bucket(long place) {
    int x = (int) place & 0xfff;
    return (x ^ x >>> 6) & BUCKETS - 1;
  }
}
