package sharevm.disk.layer;

import sharevm.disk.DiskException;

/** A layer that can be given compressed blocks; the compressing itself needs no lock. */
public interface CompressedTarget {
  /** The size of a block in bytes. */
  int packedUnit();

  /** A compressor for one thread. */
  Packer packer();

  /** Stores what the {@link #packer} made at a multiple of the unit where nothing is stored yet. */
  void storePacked(long position, byte[] packed) throws DiskException;
}
