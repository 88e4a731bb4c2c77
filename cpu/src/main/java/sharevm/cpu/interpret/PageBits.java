package sharevm.cpu.interpret;

import java.util.concurrent.atomic.AtomicIntegerArray;

/** A bit for each page of RAM. Safe for several threads. */
public final class PageBits {
  private final AtomicIntegerArray words;

  /** Makes bits that are all 0 for RAM of a size in bytes. */
  public PageBits(long ramSize) {
    words = new AtomicIntegerArray((int) (ramSize >>> 12 + 5) + 1);
  }

  /** Returns a page's bit. */
  public boolean get(int page) {
    return (words.get(page >>> 5) & 1 << page) != 0;
  }

  /** Sets a page's bit; returns whether it was 0. */
  public boolean set(int page) {
    int bit = 1 << page;
    return (words.getAndAccumulate(page >>> 5, bit, (a, b) -> a | b) & bit) == 0;
  }

  /** Clears a page's bit. */
  public void clear(int page) {
    words.getAndAccumulate(page >>> 5, ~(1 << page), (a, b) -> a & b);
  }
}
