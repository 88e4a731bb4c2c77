package sharevm.disk.io;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import sharevm.disk.DiskException;

/**
 * One host file (or block device) that an image lives in, accessed by position only and safe for
 * several threads. Everything that a format does to the host goes through here, so that a test can
 * record it.
 */
public interface Storage extends Closeable {
  /** Where the file is. */
  Path path();

  /** The file's name as error messages give it. */
  default String name() {
    return path().toString();
  }

  /** True when it was opened for writing. */
  boolean writable();

  /** The length in bytes. */
  long size() throws DiskException;

  /**
   * Reads until {@code dst} is full or the file ends.
   *
   * @return how many bytes were read, from 0 to what {@code dst} had room for
   */
  int readSome(ByteBuffer dst, long position) throws DiskException;

  /** Writes all of {@code src}; the file grows as needed. */
  void write(ByteBuffer src, long position) throws DiskException;

  /** Cuts the file or extends it by a hole that reads as zeroes. */
  void setSize(long size) throws DiskException;

  /**
   * How many bytes from a position on, {@code most} at most, are a hole that reads as zeroes; 0
   * where there may be data.
   */
  default long hole(long position, long most) throws DiskException {
    return 0;
  }

  /** How many bytes from a position on, {@code most} at most, may be data. */
  default long data(long position, long most) throws DiskException {
    return most;
  }

  /** Makes a range within the file a hole that reads as zeroes; false where that cannot be done. */
  default boolean punch(long position, long length) throws DiskException {
    return false;
  }

  /** Extends the file as {@link #setSize} does, if it is shorter. */
  default void extend(long size) throws DiskException {
    if (size() < size) {
      setSize(size);
    }
  }

  /** Returns when all that was written is on stable storage. */
  void force() throws DiskException;

  @Override
  void close() throws DiskException;

  /** Fills {@code dst}; a file that ends before is corrupt. */
  default void read(ByteBuffer dst, long position) throws DiskException {
    int wanted = dst.remaining();
    int got = position < 0 ? 0 : readSome(dst, position);
    if (got < wanted) {
      throw DiskException.corrupt(
          name(), position, "the file ends before the " + wanted + " bytes that belong here");
    }
  }

  /** Fills {@code dst}; what lies beyond the file's end reads as zeroes. */
  default void readPadded(ByteBuffer dst, long position) throws DiskException {
    readSome(dst, position);
    Bytes.zero(dst, dst.remaining());
  }

  /** Reads {@code length} bytes into a new buffer of the given order, ready to be read. */
  default ByteBuffer read(long position, int length, java.nio.ByteOrder order)
      throws DiskException {
    ByteBuffer buffer = ByteBuffer.allocate(length).order(order);
    read(buffer, position);
    return buffer.flip();
  }
}
