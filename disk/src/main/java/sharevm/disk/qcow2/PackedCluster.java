package sharevm.disk.qcow2;

/**
 * Where a compressed cluster is (qcow2.txt, "Compressed Clusters Descriptor").
 *
 * @param offset of its first byte in the file
 * @param length bytes up to the end of its last sector
 */
record PackedCluster(long offset, int length) {
  private static final int SECTOR_BITS = 9;

  /** Bits that an entry has for the offset and for sectors, with those of the cluster's size. */
  private static final int BITS = 70;

  /** Reads an L2 table's entry. */
  static PackedCluster of(long entry, int clusterBits) {
    int shift = BITS - clusterBits;
    long offset = entry & (1L << shift) - 1;
    long sectors = (entry & ~(Qcow2Layer.COPIED | Qcow2Layer.COMPRESSED)) >>> shift;
    int inSector = (int) offset & (1 << SECTOR_BITS) - 1;
    return new PackedCluster(offset, (int) (sectors + 1 << SECTOR_BITS) - inSector);
  }

  /** Returns the L2 table's entry. */
  long entry(int clusterBits) {
    long sectors = (last() >>> SECTOR_BITS) - (offset >>> SECTOR_BITS);
    return Qcow2Layer.COMPRESSED | sectors << BITS - clusterBits | offset;
  }

  /** Returns the offset of its last byte in the file. */
  long last() {
    return offset + length - 1;
  }
}
