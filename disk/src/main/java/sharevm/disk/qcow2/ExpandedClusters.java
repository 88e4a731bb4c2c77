package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import sharevm.disk.DiskException;
import sharevm.disk.io.Storage;

/** The compressed clusters that were read last, as they are when expanded. Safe for threads. */
final class ExpandedClusters {
  private static final int MOST = 8;

  private final Storage file;
  private final Qcow2Header header;
  private final Map<Long, byte[]> kept =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, byte[]> eldest) {
          return size() > MOST;
        }
      };

  ExpandedClusters(Storage file, Qcow2Header header) {
    this.file = file;
    this.header = header;
  }

  /**
   * Returns a cluster.
   *
   * @param entry its L2 entry
   * @param place where the entry says that it is
   * @throws DiskException if it cannot be read or does not expand to a cluster
   */
  byte[] get(long entry, PackedCluster place) throws DiskException {
    synchronized (kept) {
      byte[] cluster = kept.get(entry);
      if (cluster != null) {
        return cluster;
      }
    }
    ByteBuffer packed = ByteBuffer.allocate(place.length());
    int length = file.readSome(packed, place.offset());
    byte[] cluster = ClusterCodec.expand(packed.array(), length, header.clusterSize(), header.zstd);
    if (cluster.length == 0) {
      throw DiskException.corrupt(file.name(), place.offset(), "a cluster does not decompress");
    }
    synchronized (kept) {
      kept.put(entry, cluster);
    }
    return cluster;
  }

  /** Forgets all, when entries may mean other clusters. */
  void clear() {
    synchronized (kept) {
      kept.clear();
    }
  }
}
