package sharevm.disk;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A disk: so many bytes that can be read and written at any position, whatever files they come
 * from. Safe for several threads; transfers that overlap in space and time may mix, as on any disk.
 *
 * <p>What only some formats can do is asked for with {@link #capability}: {@link Resizable}, {@link
 * Snapshots}.
 */
public interface DiskImage extends Closeable {
  /** The disk's size in bytes. */
  long size();

  /** The unit in bytes that a guest should read and write in: 512 or 4096; others work as well. */
  int sectorSize();

  /** True when the image was opened for writing. */
  boolean writable();

  /**
   * Fills {@code dst}.
   *
   * @param position in bytes; {@code position + dst.remaining()} must not exceed {@link #size}
   */
  void read(ByteBuffer dst, long position) throws DiskException;

  /** Writes all of {@code src}; it is safe from a cut of power after {@link #flush}. */
  void write(ByteBuffer src, long position) throws DiskException;

  /** Says that a range is of no use any more; it then reads as before or as zeroes. */
  void discard(long position, long length) throws DiskException;

  /** Makes a range read as zeroes, without storing them where the format can. */
  void writeZeroes(long position, long length) throws DiskException;

  /** Returns when all that was written before is on stable storage. */
  void flush() throws DiskException;

  /**
   * What is at a position, up to {@code most} bytes of it.
   *
   * @return a stretch that starts at {@code position} and has at least one byte
   */
  Extent extent(long position, long most) throws DiskException;

  /** What the image is, and what is odd about it. */
  ImageInfo info() throws DiskException;

  /** Something that not every format can do; empty where this one cannot. */
  <T> Optional<T> capability(Class<T> type);

  /** Flushes and closes. */
  @Override
  void close() throws DiskException;
}
