package sharevm.disk.qcow2;

import java.nio.ByteOrder;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;

/**
 * Changes a disk's size; the header that says so is one sector, written when all else is in place.
 */
final class Qcow2Resizer {
  private final Qcow2Layer layer;
  private final Qcow2Header header;

  Qcow2Resizer(Qcow2Layer layer) {
    this.layer = layer;
    this.header = layer.header;
  }

  void resize(long newSize) throws DiskException {
    long oldSize = header.size;
    if (newSize < oldSize) {
      shrink(newSize);
    } else {
      layer.clearTail(oldSize);
    }
    layer.commit();
    long entries = Bytes.divideUp(newSize, header.l2Coverage());
    if (entries * 8 > Qcow2Header.MOST_L1_BYTES) {
      throw DiskException.invalid(layer.file.name(), "too large for clusters of this size");
    }
    long oldTable = header.l1Offset;
    long oldClusters = Bytes.divideUp(header.l1Size * 8L, header.clusterSize());
    if (entries > header.l1Size) {
      long clusters = Bytes.divideUp(entries * 8, header.clusterSize());
      long table = layer.newClusters(clusters);
      layer.l1.fill(table, clusters * header.clusterSize(), 0);
      for (int i = 0; i < header.l1Size; i++) {
        layer.l1.putLong(table + i * 8L, layer.l1.getLong(oldTable + i * 8L));
      }
      layer.commit();
      header.l1Offset = table;
      header.l1Size = (int) entries;
    }
    header.size = newSize;
    putSizeAndTable(layer);
    if (header.l1Offset != oldTable) {
      for (long i = 0; i < oldClusters; i++) {
        layer.freeLater(oldTable + i * header.clusterSize());
      }
    }
    layer.commit();
  }

  private void shrink(long newSize) throws DiskException {
    long first = Bytes.roundUp(newSize, header.clusterSize());
    for (long at = first; at < header.size; ) {
      var run = layer.lookup(at, 1);
      boolean stored = run.kind() != sharevm.disk.layer.Run.Kind.ABSENT;
      at += stored ? layer.clearWhole(at) : run.length();
    }
  }

  /** Writes size, l1_size and l1_table_offset, which share the header's first sector. */
  static void putSizeAndTable(Qcow2Layer layer) throws DiskException {
    Qcow2Header header = layer.header;
    var fields = Bytes.buffer(24, ByteOrder.BIG_ENDIAN);
    fields.putLong(header.size).putInt(0).putInt(header.l1Size).putLong(header.l1Offset);
    layer.file.force();
    layer.file.write(fields.flip(), Qcow2Header.AT_SIZE);
    layer.file.force();
  }
}
