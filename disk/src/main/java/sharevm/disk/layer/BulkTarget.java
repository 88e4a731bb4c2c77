package sharevm.disk.layer;

import sharevm.disk.DiskException;

/**
 * A layer without a parent that makes room for many blocks at once, in the order in which it is
 * asked, so that several threads can then write there without changing a table.
 */
public interface BulkTarget {
  /**
   * Makes sure that every block of a range is stored. What was not stored before reads as zeroes.
   * The image is not safe from a cut of power until it is flushed.
   */
  void reserve(long position, long length) throws DiskException;
}
