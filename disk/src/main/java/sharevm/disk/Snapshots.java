package sharevm.disk;

import java.util.List;

/** An image that keeps earlier contents within itself. */
public interface Snapshots {
  /** What it keeps, oldest first. */
  List<Snapshot> snapshots() throws DiskException;

  /** Keeps the present content. */
  Snapshot takeSnapshot(String name) throws DiskException;

  /** Makes a kept content the present one; what was written since is lost. */
  void applySnapshot(String idOrName) throws DiskException;

  /** Forgets a kept content. */
  void deleteSnapshot(String idOrName) throws DiskException;
}
