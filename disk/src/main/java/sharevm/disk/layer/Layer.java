package sharevm.disk.layer;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.io.Storage;

/**
 * One image file (or one set of files that belong together), without its parents. What it does not
 * store is {@link Run.Kind#ABSENT}: a hole to the layer below. Safe for several threads.
 */
public interface Layer extends Closeable {
  /** The disk's size in bytes. */
  long size();

  /** The least unit that the guest should read and write: 512 or 4096 bytes. */
  default int sectorSize() {
    return 512;
  }

  /** The unit of allocation in bytes; 1 when everything is always there. */
  long blockSize();

  /** What is at a position, up to {@code most} bytes of it; the run has at least one byte. */
  Run map(long position, long most) throws DiskException;

  /**
   * Reads from this layer as much as is of one kind.
   *
   * @return how many bytes were put into {@code dst}, more than 0; or minus the number of bytes
   *     that are absent here and have not been touched
   */
  long read(ByteBuffer dst, long position) throws DiskException;

  /** Writes all of {@code src}; blocks that become partly written are filled from below. */
  void write(ByteBuffer src, long position, Below below) throws DiskException;

  /** Makes a range read as zeroes, and frees what can be freed. */
  void writeZeroes(long position, long length, Below below) throws DiskException;

  /** Forgets a range where that frees something; it then reads as before or as zeroes. */
  void discard(long position, long length, Below below) throws DiskException;

  /** Puts everything on stable storage. */
  void flush() throws DiskException;

  /** The parent, when there is one. */
  default Optional<ParentLink> parent() {
    return Optional.empty();
  }

  /** What the layer is. */
  LayerInfo info() throws DiskException;

  /** The files that it consists of. */
  List<Storage> files();

  /** Looks for what contradicts the format; with {@code repair}, mends what needs no guess. */
  CheckReport check(boolean repair) throws DiskException;

  @Override
  void close() throws DiskException;
}
