package sharevm.machine.bus;

import java.util.concurrent.atomic.AtomicIntegerArray;
import sharevm.cpu.CodePages;

/**
 * The RAM that a guest has not written yet. The first write to a part of it has the host make all
 * pages of the part, since a guest that writes to one page writes to those beside it soon after.
 *
 * <p>To hear of that write, all pages begin marked as if they held code: no processor writes to
 * such a page without a word, and no machine code has to look for anything else.
 */
public final class UntouchedRam implements CodePages.Cache {
  /** Pages of a part: 64 KiB, which is also what a guest may have more of than it touches. */
  private static final int PART_PAGES = 16;

  private static final int PAGE = GuestMemory.PAGE;

  private final CodePages codePages;
  private final PageSupply supply;
  private final long size;

  /** A bit for each part that was written. */
  private final AtomicIntegerArray touched;

  private UntouchedRam(CodePages codePages, PageSupply supply, long size) {
    this.codePages = codePages;
    this.supply = supply;
    this.size = size;
    touched = new AtomicIntegerArray((int) (size / PAGE / PART_PAGES / Integer.SIZE) + 1);
  }

  /**
   * Watches memory that no processor has run with.
   *
   * @param size of the memory in bytes, a multiple of a page
   */
  public static void watch(CodePages codePages, PageSupply supply, long size) {
    codePages.add(new UntouchedRam(codePages, supply, size));
    codePages.markAll();
  }

  @Override
  public boolean mayHold(int page) {
    int part = page / PART_PAGES;
    return (touched.get(part / Integer.SIZE) & 1 << part) == 0;
  }

  @Override
  public void drop(int page, int from, int to) {
    if (mayHold(page) && touch(page / PART_PAGES)) {
      make(page / PART_PAGES);
    }
  }

  /** Notes that a part was written; returns whether nobody has before. */
  private boolean touch(int part) {
    int bit = 1 << part;
    return (touched.getAndUpdate(part / Integer.SIZE, word -> word | bit) & bit) == 0;
  }

  private void make(int part) {
    long start = (long) part * PART_PAGES * PAGE;
    long length = Math.min(PART_PAGES * PAGE, size - start);
    supply.prepare(start, length);
    for (int n = 0; n < length / PAGE; n++) {
      codePages.release(part * PART_PAGES + n);
    }
  }
}
