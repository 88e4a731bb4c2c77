package sharevm.disk;

/** An image whose disk can grow or shrink. */
public interface Resizable {
  /**
   * Changes the disk's size. New space reads as zeroes; what lies beyond a smaller size is lost.
   *
   * @param size in bytes, a multiple of the sector size
   */
  void resize(long size) throws DiskException;
}
