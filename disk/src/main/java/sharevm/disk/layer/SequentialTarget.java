package sharevm.disk.layer;

import java.io.Closeable;
import sharevm.disk.DiskException;

/** An image that can only be written from its start to its end, block by block. */
public interface SequentialTarget extends Closeable {
  /** The size of a block in bytes. */
  int packedUnit();

  /** Makes of a block what will be stored; may be called by several threads. */
  byte[] pack(byte[] block, int from);

  /** Appends what {@link #pack} made; positions are multiples of the unit and rise. */
  void append(long position, byte[] packed) throws DiskException;

  /** Writes the tables and closes the file. */
  void finish() throws DiskException;

  /** Closes the file as it is. */
  @Override
  void close() throws DiskException;
}
