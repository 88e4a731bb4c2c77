package sharevm.disk.io;

import java.nio.file.Path;
import sharevm.disk.DiskException;

/** Where files come from: the host, or a test's recording of it. */
@FunctionalInterface
public interface Storages {
  /** Opens or creates a file. */
  Storage open(Path path, FileStorage.Mode mode) throws DiskException;

  /** The host's files, locked against others. */
  static Storages host() {
    return (path, mode) -> FileStorage.open(path, mode, true);
  }

  /** The host's files, without regard to locks. */
  static Storages unlocked() {
    return (path, mode) -> FileStorage.open(path, mode, false);
  }
}
