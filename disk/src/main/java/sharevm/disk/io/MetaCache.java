package sharevm.disk.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import sharevm.disk.DiskException;

/**
 * The tables of an image, kept in memory a page at a time and written back only on {@link
 * #writeBack}: that is what lets a layer put its data on stable storage before anything points at
 * it. Memory is bounded: clean pages make room for others, and {@link #isFull} tells the owner to
 * write back the dirty ones. Only 512-byte sectors that were changed are written, so a page may
 * border on guest data. Safe for several threads.
 */
public final class MetaCache {
  private static final int SECTOR = 512;

  private static final class Page {
    final byte[] array;
    final ByteBuffer bytes;
    long dirtySectors;

    Page(int size, ByteOrder order) {
      this.array = new byte[size];
      this.bytes = ByteBuffer.wrap(array).order(order);
    }
  }

  private final Storage storage;
  private final int pageSize;
  private final int maxPages;
  private final ByteOrder order;
  private final LinkedHashMap<Long, Page> pages = new LinkedHashMap<>(64, 0.75f, true);
  private final TreeMap<Long, Page> dirty = new TreeMap<>();
  private long lastIndex = -1;
  private Page lastPage;

  /**
   * Makes an empty cache.
   *
   * @param pageSize a power of two from 512 to 32,768 bytes
   * @param maxPages how many clean pages to keep, and at how many dirty ones to call it full
   */
  public MetaCache(Storage storage, int pageSize, int maxPages, ByteOrder order) {
    this.storage = storage;
    this.pageSize = pageSize;
    this.maxPages = maxPages;
    this.order = order;
  }

  private Page page(long offset) throws DiskException {
    long index = offset / pageSize;
    if (index == lastIndex) {
      return lastPage;
    }
    Page page = dirty.get(index);
    if (page == null) {
      page = pages.get(index);
    }
    if (page == null) {
      page = new Page(pageSize, order);
      storage.readPadded(page.bytes, index * pageSize);
      page.bytes.clear();
      if (pages.size() >= maxPages) {
        var oldest = pages.entrySet().iterator();
        oldest.next();
        oldest.remove();
      }
      pages.put(index, page);
    }
    lastIndex = index;
    lastPage = page;
    return page;
  }

  private Page pageToChange(long offset, int length) throws DiskException {
    Page page = page(offset);
    if (page.dirtySectors == 0) {
      long index = offset / pageSize;
      pages.remove(index);
      dirty.put(index, page);
    }
    int from = (int) (offset % pageSize);
    for (int sector = from / SECTOR; sector <= (from + length - 1) / SECTOR; sector++) {
      page.dirtySectors |= 1L << sector;
    }
    return page;
  }

  private int at(long offset) {
    return (int) (offset % pageSize);
  }

  /** Reads the 64-bit number at a multiple of 8. */
  public synchronized long getLong(long offset) throws DiskException {
    return page(offset).bytes.getLong(at(offset));
  }

  /** Reads the 32-bit number at a multiple of 4. */
  public synchronized int getInt(long offset) throws DiskException {
    return page(offset).bytes.getInt(at(offset));
  }

  /** Reads the 16-bit number at a multiple of 2. */
  public synchronized int getShort(long offset) throws DiskException {
    return page(offset).bytes.getShort(at(offset)) & 0xffff;
  }

  /** Reads a byte. */
  public synchronized int getByte(long offset) throws DiskException {
    return page(offset).bytes.get(at(offset)) & 0xff;
  }

  /**
   * Counts the 64-bit numbers from a multiple of 8 on that are each by {@code step} more than the
   * one before.
   *
   * @return from 1 to {@code most}
   */
  public synchronized int countLongs(long offset, int most, long step) throws DiskException {
    long first = getLong(offset);
    return count(offset, most, 8, (bytes, in, n) -> bytes.getLong(in) == first + n * step);
  }

  /** The same for 32-bit numbers from a multiple of 4 on. */
  public synchronized int countInts(long offset, int most, int step) throws DiskException {
    int first = getInt(offset);
    return count(offset, most, 4, (bytes, in, n) -> bytes.getInt(in) == first + n * step);
  }

  /** Whether a number in a page is what the one with this count is to be. */
  @FunctionalInterface
  private interface Expected {
    boolean is(ByteBuffer bytes, int in, int count);
  }

  private int count(long offset, int most, int width, Expected expected) throws DiskException {
    int count = 0;
    for (long at = offset; count < most; at = offset + (long) count * width) {
      ByteBuffer bytes = page(at).bytes;
      long end = Math.min(pageSize, at(at) + (long) (most - count) * width);
      for (int in = at(at); in < end; in += width, count++) {
        if (!expected.is(bytes, in, count)) {
          return count;
        }
      }
    }
    return count;
  }

  /** Counts the bytes from an offset on, {@code most} at most, that have a value. */
  public synchronized int countBytes(long offset, int most, int value) throws DiskException {
    int count = 0;
    while (count < most) {
      byte[] bytes = page(offset + count).array;
      int in = at(offset + count);
      int end = Math.min(pageSize, in + most - count);
      for (; in < end; in++, count++) {
        if (bytes[in] != (byte) value) {
          return count;
        }
      }
    }
    return count;
  }

  /** Changes the 64-bit number at a multiple of 8. */
  public synchronized void putLong(long offset, long value) throws DiskException {
    pageToChange(offset, 8).bytes.putLong(at(offset), value);
  }

  /** Changes the 32-bit number at a multiple of 4. */
  public synchronized void putInt(long offset, int value) throws DiskException {
    pageToChange(offset, 4).bytes.putInt(at(offset), value);
  }

  /** Changes the 16-bit number at a multiple of 2. */
  public synchronized void putShort(long offset, int value) throws DiskException {
    pageToChange(offset, 2).bytes.putShort(at(offset), (short) value);
  }

  /** Changes a byte. */
  public synchronized void putByte(long offset, int value) throws DiskException {
    pageToChange(offset, 1).bytes.put(at(offset), (byte) value);
  }

  /** Fills a range with one byte value, whatever the file has there. */
  public synchronized void fill(long offset, long length, int value) throws DiskException {
    for (long from = offset, end = offset + length; from < end; ) {
      int part = (int) Math.min(end - from, pageSize - at(from));
      byte[] bytes = pageToChange(from, part).array;
      Arrays.fill(bytes, at(from), at(from) + part, (byte) value);
      from += part;
    }
  }

  /** Copies {@code src} into the cache. */
  public synchronized void put(long offset, ByteBuffer src) throws DiskException {
    for (long from = offset; src.hasRemaining(); ) {
      int part = Math.min(src.remaining(), pageSize - at(from));
      Page page = pageToChange(from, part);
      page.bytes.put(at(from), src, src.position(), part);
      src.position(src.position() + part);
      from += part;
    }
  }

  /** Copies out of the cache until {@code dst} is full. */
  public synchronized void get(long offset, ByteBuffer dst) throws DiskException {
    for (long from = offset; dst.hasRemaining(); ) {
      int part = Math.min(dst.remaining(), pageSize - at(from));
      dst.put(page(from).bytes.slice(at(from), part));
      from += part;
    }
  }

  /** Drops what is cached of a range that is no table any more, changed or not. */
  public synchronized void forget(long offset, long length) {
    lastIndex = -1;
    for (long from = offset, end = offset + length; from < end; ) {
      int part = (int) Math.min(end - from, pageSize - at(from));
      long index = from / pageSize;
      Page page = dirty.get(index);
      if (page == null) {
        pages.remove(index);
      } else {
        for (int sector = at(from) / SECTOR;
            sector < Bytes.divideUp(at(from) + part, SECTOR);
            sector++) {
          page.dirtySectors &= ~(1L << sector);
        }
        if (page.dirtySectors == 0) {
          dirty.remove(index);
        }
      }
      from += part;
    }
  }

  /** True when something waits to be written. */
  public synchronized boolean isDirty() {
    return !dirty.isEmpty();
  }

  /** True when so much waits to be written that its owner should do so now. */
  public synchronized boolean isFull() {
    return dirty.size() >= maxPages;
  }

  /** One run of changed sectors: where it belongs and what it is now. */
  public record Change(long offset, ByteBuffer bytes) {}

  /** What waits to be written, in order of offset; each run lies within one page. */
  public synchronized List<Change> changes() {
    List<Change> list = new ArrayList<>();
    for (Map.Entry<Long, Page> entry : dirty.entrySet()) {
      Page page = entry.getValue();
      for (int from = 0; from < pageSize / SECTOR; from++) {
        int to = from;
        while (to < pageSize / SECTOR && (page.dirtySectors >>> to & 1) != 0) {
          to++;
        }
        if (to > from) {
          ByteBuffer bytes = page.bytes.slice(from * SECTOR, (to - from) * SECTOR);
          list.add(new Change(entry.getKey() * pageSize + (long) from * SECTOR, bytes));
          from = to;
        }
      }
    }
    return list;
  }

  /** The whole pages that have changes, in order of offset. */
  public synchronized List<Change> changedPages() {
    List<Change> list = new ArrayList<>();
    dirty.forEach(
        (index, page) -> list.add(new Change(index * pageSize, page.bytes.duplicate().clear())));
    return list;
  }

  /** Writes what waits, in order of offset. */
  public synchronized void writeBack() throws DiskException {
    for (Change change : changes()) {
      storage.write(change.bytes(), change.offset());
    }
    lastIndex = -1;
    for (Map.Entry<Long, Page> entry : dirty.entrySet()) {
      entry.getValue().dirtySectors = 0;
      if (pages.size() < maxPages) {
        pages.put(entry.getKey(), entry.getValue());
      }
    }
    dirty.clear();
  }
}
