package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.util.List;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Run;

/** One stretch of a VMDK's disk and the file that holds it. Positions count from its start. */
interface VmdkExtent {
  /** Its length in bytes. */
  long length();

  /** The unit of allocation in bytes; 1 when everything is always there. */
  default long grainBytes() {
    return 1;
  }

  /** Where the grain of a position is, and its neighbours: see {@code MappedLayer.lookup}. */
  Run lookup(long position, long most) throws DiskException;

  /** Expands a compressed grain. */
  default void unpack(ByteBuffer dst, long position, Run run) throws DiskException {
    throw new AssertionError("nothing here is compressed");
  }

  /** Stores one whole grain, or its part up to the extent's end. */
  default void store(ByteBuffer grain, long position) throws DiskException {
    throw new AssertionError("everything here is in place, or read-only");
  }

  /** Stores grains of zeroes; tells how many bytes from the position on are stored now. */
  default long reserve(long position, long length) throws DiskException {
    return 0;
  }

  /** Marks a whole grain as zero; false when that cannot be said. */
  default boolean clear(long position, boolean hasParent) throws DiskException {
    return false;
  }

  /** The extent made larger on stable storage; called when nothing waits to be written. */
  default VmdkExtent grown(long newLength) throws DiskException {
    throw new AssertionError("zeroes are not resized");
  }

  /** True when so much waits to be written that {@link #commit} should be called. */
  default boolean isFull() {
    return false;
  }

  /** Puts data, then tables, on stable storage. */
  void commit() throws DiskException;

  /** Its file; empty for a stretch of zeroes. */
  List<Storage> files();

  /** Looks for contradictions. */
  default void check(boolean repair, CheckReport.Builder report) throws DiskException {
    // Nothing can contradict itself where there are no tables.
  }

  /** A stretch of a file, or a stretch of zeroes. */
  record Flat(Storage file, long offset, long length) implements VmdkExtent {
    @Override
    public Run lookup(long position, long most) {
      return Run.data(file, offset + position, length - position);
    }

    @Override
    public VmdkExtent grown(long newLength) throws DiskException {
      long end = Math.min(file.size(), offset + newLength);
      Bytes.writeZeroes(file, offset + length, Math.max(0, end - offset - length));
      file.extend(offset + newLength);
      file.force();
      return new Flat(file, offset, newLength);
    }

    @Override
    public void commit() throws DiskException {
      file.force();
    }

    @Override
    public List<Storage> files() {
      return List.of(file);
    }
  }

  /** Zeroes that are stored nowhere. */
  record Zero(long length) implements VmdkExtent {
    @Override
    public Run lookup(long position, long most) {
      return Run.zero(length - position);
    }

    @Override
    public void commit() {
      // Nothing is ever written.
    }

    @Override
    public List<Storage> files() {
      return List.of();
    }
  }
}
