package sharevm.disk.layer;

import sharevm.disk.DiskException;

/** A layer that can be given compressed blocks; the compressing itself needs no lock. */
public interface CompressedTarget {
  /** The size of a block in bytes. */
  int packedUnit();

  /** Compresses one block; an empty array when that gains nothing. */
  byte[] pack(byte[] block, int from);

  /** Stores what {@link #pack} made at a multiple of the unit where nothing is stored yet. */
  void storePacked(long position, byte[] packed) throws DiskException;
}
