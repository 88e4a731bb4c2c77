package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;

/**
 * Makes an empty image: header, refcount table, refcount blocks, L1 table, one behind the other.
 */
public final class Qcow2Creator {
  private Qcow2Creator() {}

  /**
   * Makes an image.
   *
   * @param backing how the parent is to be named; empty for none
   * @param backingFormat the parent's format as QEMU names it
   */
  public static void create(
      Storages host, Path path, Qcow2 format, long size, String backing, String backingFormat)
      throws DiskException {
    Qcow2Header header = header(path, format, size);
    header.backingFile = backing;
    header.backingFormat = backing.isEmpty() ? "" : backingFormat;
    long clusterSize = header.clusterSize();
    long l1Clusters = Math.max(1, Bytes.divideUp(header.l1Size * 8L, clusterSize));
    long perBlock = clusterSize * 8 >>> header.refcountOrder;
    long tableClusters = 1;
    long blocks = 1;
    long total = 0;
    while (total == 0 || blocks * perBlock < total) {
      blocks = Math.max(1, Bytes.divideUp(total, perBlock));
      tableClusters = Bytes.divideUp(blocks * 8, clusterSize);
      total = 1 + tableClusters + blocks + l1Clusters;
    }
    header.refcountTableOffset = clusterSize;
    header.refcountTableClusters = (int) tableClusters;
    header.l1Offset = clusterSize * (1 + tableClusters + blocks);
    try (Storage file = host.open(path, Mode.CREATE)) {
      file.setSize(total * clusterSize);
      long firstBlock = clusterSize * (1 + tableClusters);
      ByteBuffer table = Bytes.buffer((int) blocks * 8, ByteOrder.BIG_ENDIAN);
      for (int i = 0; i < blocks; i++) {
        table.putLong(firstBlock + i * clusterSize);
      }
      ByteBuffer counts = Bytes.buffer((int) total * 2, ByteOrder.BIG_ENDIAN);
      while (counts.hasRemaining()) {
        counts.putShort((short) 1);
      }
      file.write(counts.flip(), firstBlock);
      file.write(table.flip(), clusterSize);
      file.write(header.toCluster(), 0);
      file.force();
    }
  }

  private static Qcow2Header header(Path path, Qcow2 format, long size) throws DiskException {
    String name = path.toString();
    Qcow2Header header = new Qcow2Header();
    header.version = format.version();
    header.clusterBits = format.clusterBits();
    boolean zstd = format.compression() == Qcow2.Compression.ZSTD;
    if (format.version() != 2 && format.version() != 3) {
      throw DiskException.invalid(name, "qcow2 has versions 2 and 3");
    }
    if (format.clusterBits() < 9 || format.clusterBits() > 21) {
      throw DiskException.invalid(name, "clusters are from 512 bytes to 2 MiB");
    }
    if (format.version() == 2 && (zstd || format.extendedL2() || format.lazyRefcounts())) {
      throw DiskException.invalid(name, "zstd, extended L2 and lazy refcounts need version 3");
    }
    if (format.extendedL2() && format.clusterBits() < 14) {
      throw DiskException.invalid(name, "extended L2 entries need clusters of 16 KiB or more");
    }
    header.zstd = zstd;
    header.incompatible =
        (zstd ? Qcow2Header.COMPRESSION_TYPE : 0)
            | (format.extendedL2() ? Qcow2Header.EXTENDED_L2 : 0);
    header.compatible = format.lazyRefcounts() ? Qcow2Header.LAZY_REFCOUNTS : 0;
    header.refcountOrder = 4;
    header.size = size;
    long entries = Bytes.divideUp(size, header.l2Coverage());
    if (size < 0 || size % 512 != 0 || entries * 8 > Qcow2Header.MOST_L1_BYTES) {
      throw DiskException.invalid(
          name, "a disk of " + size + " bytes does not fit clusters of " + header.clusterSize());
    }
    header.l1Size = (int) entries;
    return header;
  }
}
