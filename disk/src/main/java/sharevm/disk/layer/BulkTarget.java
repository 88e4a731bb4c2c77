package sharevm.disk.layer;

import java.util.List;
import sharevm.disk.DiskException;

/**
 * A layer without a parent that makes room for many blocks at once, in the order in which it is
 * asked, so that several threads can then write there without changing a table.
 */
public interface BulkTarget {
  /**
   * Makes sure that every block of a range is stored. What was not stored before reads as zeroes.
   * The image is not safe from a cut of power until it is flushed.
   *
   * @return where the range is now, one writable run of data behind the other. Who has the image
   *     alone, and discards nothing, may write there without asking the layer again.
   */
  List<Run> reserve(long position, long length) throws DiskException;
}
