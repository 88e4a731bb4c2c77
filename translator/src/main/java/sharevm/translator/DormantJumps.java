package sharevm.translator;

import java.util.Arrays;

/**
 * Which blocks a page of user code had in the jump cache, so that they are all there again when the
 * first of them is looked for after CR3 has changed and come back: pages whose place is still the
 * same are the same code.
 */
final class DormantJumps {
  private static final int PAGES = 256;

  /** The most blocks of a page: more would take longer to enter than they save. */
  private static final int MOST = 12;

  private final Page[] pages = new Page[PAGES];

  /** Blocks at the same linear page, place and mode. */
  private static final class Page {
    private final long linear;
    private final long place;
    private final int modeKey;
    private final TranslatedBlock[] blocks = new TranslatedBlock[MOST];
    private int count;

    Page(TranslatedBlock block) {
      linear = block.rip & -4096;
      place = block.place & -4096;
      modeKey = block.modeKey;
    }

    boolean fits(TranslatedBlock block) {
      return linear == (block.rip & -4096)
          && place == (block.place & -4096)
          && modeKey == block.modeKey;
    }

    void note(TranslatedBlock block) {
      for (int n = 0; n < count; n++) {
        if (blocks[n] == block) {
          return;
        }
      }
      if (count < MOST) {
        blocks[count++] = block;
      }
    }

    void wake(CodeCache cache, JumpCache jumps) {
      int kept = 0;
      for (int n = 0; n < count; n++) {
        TranslatedBlock block = blocks[n];
        if (block.valid) {
          jumps.add(block, cache.jumps(modeKey), cache.address(block.entry), false);
          blocks[kept++] = block;
        }
      }
      Arrays.fill(blocks, kept, count, null);
      count = kept;
    }
  }

  /**
   * Says that a block is in the jump cache until CR3 changes.
   *
   * @param first whether it is the first of its page since then: others come back with it
   */
  void note(TranslatedBlock block, boolean first, CodeCache cache, JumpCache jumps) {
    if (block.secondPage >= 0) {
      return;
    }
    int number = (int) (block.rip >>> 12) & PAGES - 1;
    Page page = pages[number];
    if (page == null || !page.fits(block)) {
      page = new Page(block);
      pages[number] = page;
    } else if (first) {
      page.wake(cache, jumps);
    }
    page.note(block);
  }

  /** Forgets all, when the code cache is emptied. */
  void clear() {
    Arrays.fill(pages, null);
  }
}
