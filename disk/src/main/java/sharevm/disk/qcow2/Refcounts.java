package sharevm.disk.qcow2;

import java.nio.ByteOrder;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;

/**
 * Who uses which cluster (qcow2.txt, "Host cluster management"): a table of blocks of counts.
 * Changes stay in memory until {@link #writeBack}, which puts counts before the table that points
 * at them. Not safe for several threads: its owner changes it alone.
 */
final class Refcounts {
  private static final long OFFSET_MASK = ~0x1ffL;

  private final Storage file;
  private final Qcow2Header header;
  private final MetaCache table;
  private final MetaCache blocks;
  private final int perBlockShift;
  private long hint;
  private long lastGoodBlock;

  Refcounts(Storage file, Qcow2Header header) {
    this.file = file;
    this.header = header;
    int page = Math.min(header.clusterSize(), 16384);
    this.table = new MetaCache(file, page, (1 << 20) / page, ByteOrder.BIG_ENDIAN);
    this.blocks = new MetaCache(file, page, (4 << 20) / page, ByteOrder.BIG_ENDIAN);
    this.perBlockShift = header.clusterBits + 3 - header.refcountOrder;
  }

  /** The largest count that fits. */
  long most() {
    return header.refcountOrder == 6 ? Long.MAX_VALUE : (1L << (1 << header.refcountOrder)) - 1;
  }

  long tableEntries() {
    return (long) header.refcountTableClusters << header.clusterBits - 3;
  }

  /** How many clusters the table can describe as it is. */
  long covered() {
    return tableEntries() << perBlockShift;
  }

  boolean isFull() {
    return blocks.isFull() || table.isFull();
  }

  /** The block with a cluster's count, or 0. */
  long blockOffset(long index) throws DiskException {
    if (index >= tableEntries()) {
      return 0;
    }
    long entry = table.getLong(header.refcountTableOffset + index * 8) & OFFSET_MASK;
    if (entry == 0 || entry == lastGoodBlock) {
      return entry;
    }
    if (entry % header.clusterSize() != 0 || entry < 0 || isBeyond(entry)) {
      throw DiskException.corrupt(
          file.name(),
          header.refcountTableOffset + index * 8,
          "a refcount block at " + entry + " is misaligned or past the end");
    }
    lastGoodBlock = entry;
    return entry;
  }

  private boolean isBeyond(long offset) throws DiskException {
    return offset >= file.size() && !blocks.isDirty();
  }

  /** Forgets a block that is in no file. */
  void dropBlock(long index) throws DiskException {
    table.putLong(header.refcountTableOffset + index * 8, 0);
  }

  long get(long cluster) throws DiskException {
    long block = blockOffset(cluster >>> perBlockShift);
    if (block == 0) {
      return 0;
    }
    long index = cluster & (1L << perBlockShift) - 1;
    return switch (header.refcountOrder) {
      case 3 -> blocks.getByte(block + index);
      case 4 -> blocks.getShort(block + index * 2);
      case 5 -> blocks.getInt(block + index * 4) & 0xffffffffL;
      case 6 -> blocks.getLong(block + index * 8);
      default -> {
        int shift = (int) (index << header.refcountOrder & 7);
        long at = block + (index << header.refcountOrder >> 3);
        yield blocks.getByte(at) >> shift & most();
      }
    };
  }

  void set(long cluster, long count) throws DiskException {
    if (count < 0 || count > most()) {
      throw new DiskException(
          Kind.UNSUPPORTED,
          file.name(),
          cluster << header.clusterBits,
          "a reference count of " + count + " does not fit the image's refcount width",
          "");
    }
    put(blockFor(cluster), cluster, count);
    if (count == 0) {
      hint = Math.min(hint, cluster);
    }
  }

  private void put(long block, long cluster, long count) throws DiskException {
    long index = cluster & (1L << perBlockShift) - 1;
    switch (header.refcountOrder) {
      case 3 -> blocks.putByte(block + index, (int) count);
      case 4 -> blocks.putShort(block + index * 2, (int) count);
      case 5 -> blocks.putInt(block + index * 4, (int) count);
      case 6 -> blocks.putLong(block + index * 8, count);
      default -> {
        int shift = (int) (index << header.refcountOrder & 7);
        long at = block + (index << header.refcountOrder >> 3);
        long rest = blocks.getByte(at) & ~(most() << shift);
        blocks.putByte(at, (int) (rest | count << shift));
      }
    }
  }

  /** Adds to a cluster's count; it must not fall below 0. */
  void add(long cluster, int delta) throws DiskException {
    long now = get(cluster);
    if (now + delta < 0) {
      throw DiskException.corrupt(
          file.name(), cluster << header.clusterBits, "a cluster in use has reference count 0");
    }
    set(cluster, now + delta);
  }

  private long blockFor(long cluster) throws DiskException {
    long index = cluster >>> perBlockShift;
    if (index >= tableEntries()) {
      growTable(index);
    }
    long block = blockOffset(index);
    return block != 0 ? block : blockAtEnd(index);
  }

  /** Makes a missing block where nothing can be: at the file's end. */
  private long blockAtEnd(long index) throws DiskException {
    long home = Bytes.divideUp(file.size(), header.clusterSize());
    file.setSize(home + 1 << header.clusterBits);
    long block = home << header.clusterBits;
    blocks.fill(block, header.clusterSize(), 0);
    table.putLong(header.refcountTableOffset + index * 8, block);
    set(home, 1);
    return block;
  }

  private long newBlock(long index, long home) throws DiskException {
    long block = home << header.clusterBits;
    blocks.fill(block, header.clusterSize(), 0);
    put(block, home, 1);
    table.putLong(header.refcountTableOffset + index * 8, block);
    return block;
  }

  /**
   * Finds neighbouring free clusters and counts them once.
   *
   * @param wanted how many would be good; the first run of free clusters is taken, however short
   * @return the run
   */
  Clusters allocate(long wanted) throws DiskException {
    long first = nextFree(hint);
    long count = 0;
    while (count < wanted && isFree(first + count)) {
      put(blockOffset(first + count >>> perBlockShift), first + count, 1);
      count++;
    }
    hint = first + count;
    return new Clusters(first, count);
  }

  /** Finds so many neighbouring clusters that are all free. */
  long allocateAll(long wanted) throws DiskException {
    long first = nextFree(hint);
    long count = 0;
    while (count < wanted) {
      if (isFree(first + count)) {
        count++;
      } else {
        first = nextFree(first + count);
        count = 0;
      }
    }
    for (long at = first; at < first + wanted; at++) {
      put(blockOffset(at >>> perBlockShift), at, 1);
    }
    return first;
  }

  /** Some clusters: the first one's number and how many. */
  record Clusters(long first, long count) {}

  private long nextFree(long from) throws DiskException {
    long cluster = Math.max(from, 1);
    while (!isFree(cluster)) {
      cluster++;
    }
    return cluster;
  }

  /**
   * True when a cluster is free; makes the block that will count it, which may take the cluster.
   */
  private boolean isFree(long cluster) throws DiskException {
    long index = cluster >>> perBlockShift;
    if (index >= tableEntries()) {
      growTable(index);
    }
    if (blockOffset(index) == 0) {
      newBlock(index, cluster);
    }
    return get(cluster) == 0;
  }

  /**
   * Makes a larger table right behind all that the present one covers, with the blocks that count
   * it, and points the header at it when everything else is in the file.
   */
  private void growTable(long index) throws DiskException {
    long start = covered();
    long oldEntries = tableEntries();
    long entries = Math.max(index + 1, oldEntries * 3 / 2);
    long tableClusters;
    long newBlocks;
    do {
      entries = Bytes.roundUp(entries, header.clusterSize() / 8);
      tableClusters = entries * 8 >>> header.clusterBits;
      newBlocks = 1;
      while (newBlocks << perBlockShift < tableClusters + newBlocks) {
        newBlocks++;
      }
      entries = Math.max(entries, oldEntries + newBlocks);
    } while (entries * 8 > tableClusters << header.clusterBits);
    if (entries * 8 > Qcow2Header.MOST_REFCOUNT_TABLE_BYTES) {
      throw new DiskException(
          Kind.NO_SPACE, file.name(), 56, "the image has reached the format's limit", "");
    }
    long newTable = start + newBlocks << header.clusterBits;
    table.fill(newTable, tableClusters << header.clusterBits, 0);
    for (long i = 0; i < oldEntries; i++) {
      table.putLong(newTable + i * 8, table.getLong(header.refcountTableOffset + i * 8));
    }
    for (long i = 0; i < newBlocks; i++) {
      long block = start + i << header.clusterBits;
      blocks.fill(block, header.clusterSize(), 0);
      table.putLong(newTable + (oldEntries + i) * 8, block);
    }
    for (long cluster = start; cluster < start + newBlocks + tableClusters; cluster++) {
      long block = start + (cluster - start >>> perBlockShift) << header.clusterBits;
      put(block, cluster, 1);
    }
    moveTable(newTable, (int) tableClusters);
  }

  private void moveTable(long newTable, int clusters) throws DiskException {
    long old = header.refcountTableOffset >>> header.clusterBits;
    int oldClusters = header.refcountTableClusters;
    table.forget(header.refcountTableOffset, (long) oldClusters << header.clusterBits);
    file.setSize(Math.max(file.size(), newTable + ((long) clusters << header.clusterBits)));
    blocks.writeBack();
    file.force();
    table.writeBack();
    file.force();
    var field = Bytes.buffer(12, ByteOrder.BIG_ENDIAN);
    field.putLong(newTable).putInt(clusters);
    file.write(field.flip(), Qcow2Header.AT_REFCOUNT_TABLE);
    file.force();
    header.refcountTableOffset = newTable;
    header.refcountTableClusters = clusters;
    for (int i = 0; i < oldClusters; i++) {
      add(old + i, -1);
    }
  }

  /** Writes what has changed; the counts are on stable storage before the table points at them. */
  void writeBack() throws DiskException {
    blocks.writeBack();
    if (table.isDirty()) {
      file.force();
      table.writeBack();
    }
  }

  boolean isDirty() {
    return blocks.isDirty() || table.isDirty();
  }
}
