package sharevm.disk.qcow2;

import java.util.HashMap;
import java.util.Map;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;

/**
 * Counts what the tables point at and compares that with what the image says. Wrong counts and
 * flags can be put right without guessing; a table that points at nonsense can only be reported.
 */
final class Qcow2Check {
  private static final int CHUNK_BITS = 12;

  private final Qcow2Layer layer;
  private final Qcow2Header header;
  private final CheckReport.Builder report = new CheckReport.Builder();
  private final Map<Long, int[]> expected = new HashMap<>();
  private long fileClusters;
  private boolean tablesBroken;

  Qcow2Check(Qcow2Layer layer) {
    this.layer = layer;
    this.header = layer.header;
  }

  /** Runs it; the caller has the layer alone. A repair needs a layer that is open for writing. */
  CheckReport run(boolean repair) throws DiskException {
    if (repair) {
      layer.commit();
    }
    fileClusters = Bytes.divideUp(layer.file.size(), header.clusterSize());
    expect(0, 1);
    expect(header.refcountTableOffset, header.refcountTableClusters);
    walk(header.l1Offset, header.l1Size);
    if (header.snapshotCount > 0) {
      walkSnapshots();
    }
    walkBitmaps();
    walkRefcountBlocks(repair);
    compare(repair);
    compareFlags(repair);
    if (repair) {
      finishRepair();
    }
    return report.build();
  }

  private void finishRepair() throws DiskException {
    layer.commit();
    if (!tablesBroken && header.version == 3 && (header.incompatible & 3) != 0) {
      layer.putIncompatible(header.incompatible & ~(Qcow2Header.DIRTY | Qcow2Header.CORRUPT));
    }
  }

  /** Expects so many clusters in use; returns false when they lie outside the file. */
  private boolean expect(long offset, long clusters) {
    long first = offset >>> header.clusterBits;
    if (offset < 0 || first + clusters > fileClusters || offset % header.clusterSize() != 0) {
      return false;
    }
    for (long cluster = first; cluster < first + clusters; cluster++) {
      expected
          .computeIfAbsent(cluster >>> CHUNK_BITS, _ -> new int[1 << CHUNK_BITS])[
          (int) (cluster & (1 << CHUNK_BITS) - 1)]++;
    }
    return true;
  }

  private int expectedOf(long cluster) {
    int[] chunk = expected.get(cluster >>> CHUNK_BITS);
    return chunk == null ? 0 : chunk[(int) (cluster & (1 << CHUNK_BITS) - 1)];
  }

  private void broken(long pointer, String what) {
    tablesBroken = true;
    report.error(pointer, false, what);
  }

  private void walk(long l1Offset, int l1Size) throws DiskException {
    long clusters = Bytes.divideUp(l1Size * 8L, header.clusterSize());
    if (!expect(l1Offset, clusters)) {
      broken(l1Offset, "an L1 table lies outside the file");
      return;
    }
    for (int i = 0; i < l1Size; i++) {
      long at = l1Offset + i * 8L;
      long table = layer.l1.getLong(at) & Qcow2Layer.OFFSET_MASK;
      if (table == 0) {
        continue;
      }
      if (!expect(table, 1)) {
        broken(at, "an L2 table at " + table + " is misaligned or outside the file");
        continue;
      }
      for (long index = 0; index < layer.l2Entries(); index++) {
        walkEntry(table + index * layer.entrySize());
      }
    }
  }

  private void walkEntry(long at) throws DiskException {
    long entry = layer.l2.getLong(at);
    if ((entry & Qcow2Layer.COMPRESSED) != 0) {
      long from = layer.packed(entry).offset();
      long last = layer.packed(entry).last() >>> header.clusterBits;
      long first = from >>> header.clusterBits;
      // The last sector's padding may lie beyond the end of the file.
      last = Math.min(last, Math.max(first, fileClusters - 1));
      if (!expect(first << header.clusterBits, last - first + 1)) {
        broken(at, "a compressed cluster at " + from + " lies outside the file");
      }
      return;
    }
    long offset = entry & Qcow2Layer.OFFSET_MASK;
    if (offset != 0 && !header.has(Qcow2Header.EXTERNAL_DATA) && !expect(offset, 1)) {
      broken(at, "a cluster at " + offset + " is misaligned or outside the file");
    }
    if (header.has(Qcow2Header.EXTENDED_L2)) {
      long bitmap = layer.l2.getLong(at + 8);
      if ((bitmap & bitmap >>> 32 & 0xffffffffL) != 0) {
        broken(at + 8, "a subcluster is both allocated and zero");
      }
    }
  }

  private void walkSnapshots() throws DiskException {
    for (Qcow2SnapshotTable.Entry entry : layer.snapshotTable().read()) {
      walk(entry.l1Offset(), entry.l1Size());
    }
    long length = layer.snapshotTable().tableLength();
    long clusters = Bytes.divideUp(length, header.clusterSize());
    if (!expect(header.snapshotsOffset, clusters)) {
      broken(header.snapshotsOffset, "the snapshot table lies outside the file");
    }
  }

  /** Bitmaps that are not up to date belong to nobody ("Bitmaps extension"). */
  private void walkBitmaps() throws DiskException {
    if ((header.autoclear & Qcow2Header.BITMAPS) == 0 || header.bitmapDirectorySize == 0) {
      return;
    }
    long size = header.bitmapDirectorySize;
    if (size < 0
        || size > 64 << 20
        || !expect(header.bitmapDirectoryOffset, Bytes.divideUp(size, header.clusterSize()))) {
      broken(header.bitmapDirectoryOffset, "the bitmap directory lies outside the file");
      return;
    }
    for (long at = header.bitmapDirectoryOffset, end = at + size; at + 24 <= end; ) {
      var entry = layer.file.read(at, 24, java.nio.ByteOrder.BIG_ENDIAN);
      long table = entry.getLong(0);
      long entries = entry.getInt(8) & 0xffffffffL;
      if (!expect(table, Bytes.divideUp(entries * 8, header.clusterSize()))) {
        broken(at, "a bitmap's table lies outside the file");
        return;
      }
      for (long i = 0; i < entries; i++) {
        long offset = layer.l2.getLong(table + i * 8) & Qcow2Layer.OFFSET_MASK;
        if (offset != 0 && !expect(offset, 1)) {
          broken(table + i * 8, "a bitmap's cluster lies outside the file");
        }
      }
      long length = 24 + (entry.getInt(20) & 0xffffffffL) + (entry.getShort(18) & 0xffff);
      at = Bytes.roundUp(at + length, 8);
    }
  }

  private void walkRefcountBlocks(boolean repair) throws DiskException {
    for (long index = 0; index < layer.refcounts.tableEntries(); index++) {
      long block;
      try {
        block = layer.refcounts.blockOffset(index);
      } catch (DiskException e) {
        report.error(e.offset(), repair, "a refcount block is misaligned or outside the file");
        if (repair) {
          layer.refcounts.dropBlock(index);
        }
        continue;
      }
      if (block != 0) {
        expect(block, 1);
      }
    }
  }

  private void compare(boolean repair) throws DiskException {
    long end = Math.min(fileClusters, layer.refcounts.covered());
    for (long cluster = 0; cluster < Math.max(end, fileClusters); cluster++) {
      long count = stored(cluster);
      int wanted = expectedOf(cluster);
      if (count == wanted) {
        continue;
      }
      long offset = cluster << header.clusterBits;
      // Broken tables may still use what looks free: then nothing is given back.
      boolean mend = repair && (count < wanted || !tablesBroken);
      String what = "reference count " + count + " instead of " + wanted;
      if (count > wanted) {
        report.leak(offset, mend, what);
      } else {
        report.error(offset, mend, what);
      }
      if (mend) {
        layer.refcounts.set(cluster, wanted);
      }
    }
  }

  private long stored(long cluster) throws DiskException {
    try {
      return layer.refcounts.get(cluster);
    } catch (DiskException e) {
      if (e.kind() != DiskException.Kind.CORRUPT) {
        throw e;
      }
      return 0;
    }
  }

  private void compareFlags(boolean repair) throws DiskException {
    for (int i = 0; i < header.l1Size; i++) {
      long at = header.l1Offset + i * 8L;
      long entry = layer.l1.getLong(at);
      long table = entry & Qcow2Layer.OFFSET_MASK;
      if (table == 0
          || table % header.clusterSize() != 0
          || table >>> header.clusterBits >= fileClusters) {
        continue;
      }
      flag(at, entry, table, repair, true);
      for (long index = 0; index < layer.l2Entries(); index++) {
        long entryAt = table + index * layer.entrySize();
        long cluster = layer.l2.getLong(entryAt);
        long offset = cluster & Qcow2Layer.OFFSET_MASK;
        if ((cluster & Qcow2Layer.COMPRESSED) == 0
            && offset != 0
            && !header.has(Qcow2Header.EXTERNAL_DATA)) {
          flag(entryAt, cluster, offset, repair, false);
        }
      }
    }
  }

  private void flag(long at, long entry, long offset, boolean repair, boolean inL1)
      throws DiskException {
    boolean single = expectedOf(offset >>> header.clusterBits) == 1;
    boolean flagged = (entry & Qcow2Layer.COPIED) != 0;
    if (single == flagged) {
      return;
    }
    report.error(at, repair, "the copied flag contradicts the reference count");
    if (repair) {
      long right = entry ^ Qcow2Layer.COPIED;
      if (inL1) {
        layer.l1.putLong(at, right);
      } else {
        layer.l2.putLong(at, right);
      }
      layer.commitIfFull();
    }
  }
}
