package sharevm.disk.layer;

import sharevm.disk.DiskException;

/** A layer whose note about its parent can be changed. */
public interface Rebasable {
  /**
   * Notes another parent.
   *
   * @param named how the image shall name it; empty for none
   * @param format the parent's format
   * @param parent the parent, open; null for none
   */
  void changeParent(String named, String format, Layer parent) throws DiskException;
}
