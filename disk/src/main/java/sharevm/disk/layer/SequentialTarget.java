package sharevm.disk.layer;

import java.io.Closeable;
import sharevm.disk.DiskException;

/** An image that can only be written from its start to its end, block by block. */
public interface SequentialTarget extends Closeable {
  /** The size of a block in bytes. */
  int packedUnit();

  /** A compressor for one thread. */
  Packer packer();

  /** Appends what the {@link #packer} made; positions are multiples of the unit and rise. */
  void append(long position, byte[] packed) throws DiskException;

  /** Writes the tables and closes the file. */
  void finish() throws DiskException;

  /** Closes the file as it is. */
  @Override
  void close() throws DiskException;
}
