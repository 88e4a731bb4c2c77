package sharevm.disk.io;

import java.nio.file.Path;
import sharevm.disk.DiskException;
import sharevm.disk.SparseFiles;

/** Where files come from: the host, or a test's recording of it. */
@FunctionalInterface
public interface Storages {
  /** Opens or creates a file. */
  Storage open(Path path, FileStorage.Mode mode) throws DiskException;

  /** The host's files, locked against others. */
  static Storages host() {
    return host(true, SparseFiles.none());
  }

  /**
   * The host's files.
   *
   * @param locked take and respect locks
   * @param sparse what is known of their holes
   */
  static Storages host(boolean locked, SparseFiles sparse) {
    return (path, mode) -> FileStorage.open(path, mode, locked, sparse);
  }
}
