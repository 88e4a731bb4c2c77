package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;

/**
 * Packs compressed clusters one behind the other, as many into a host cluster as there is room for.
 */
final class Qcow2Packer {
  private final Qcow2Layer layer;
  private long next;

  Qcow2Packer(Qcow2Layer layer) {
    this.layer = layer;
  }

  /** Starts in a new cluster next time; called when a packed cluster was freed. */
  void forget() {
    next = 0;
  }

  void store(long position, byte[] packed) throws DiskException {
    int size = layer.header.clusterSize();
    long table = layer.ownL2Table(position);
    long at =
        table + (position >>> layer.header.clusterBits) % layer.l2Entries() * layer.entrySize();
    layer.freeEntryLater(layer.l2.getLong(at));
    long offset = place(packed.length, size);
    layer.file.write(ByteBuffer.wrap(packed), offset);
    long end = offset + packed.length;
    padToSector(end);
    PackedCluster cluster = new PackedCluster(offset, packed.length);
    layer.putEntry(at, cluster.entry(layer.header.clusterBits), Subclusters.NONE);
    next = end % size == 0 ? 0 : end;
    layer.commitIfFull();
  }

  /** The stored length is in sectors, so the last one must be in the file to its end. */
  private void padToSector(long end) throws DiskException {
    long padded = Bytes.roundUp(end, 512);
    if (padded > end && padded > layer.file.size()) {
      layer.file.setSize(padded);
    }
  }

  private long place(int length, int size) throws DiskException {
    long room = next == 0 ? 0 : size - next % size;
    if (room >= length) {
      layer.refcounts.add(next >>> layer.header.clusterBits, 1);
      return next;
    }
    long cluster = layer.newCluster();
    if (room > 0 && cluster == next + room) {
      layer.refcounts.add(next >>> layer.header.clusterBits, 1);
      return next;
    }
    return cluster;
  }
}
