package sharevm.library;

import java.io.IOException;
import sharevm.disk.SparseFiles;
import sharevm.host.SparseFile;

/** Tells the disk images what the host knows of the holes in its files. */
public final class HostHoles {
  private HostHoles() {}

  /** Makes the first question to the host faster; another thread has time for it. */
  public static void prepare() {
    if (SparseFile.isSupported()) {
      SparseFile.prepare();
    }
  }

  /** What this host can do; nothing where it cannot be asked. */
  public static SparseFiles find() {
    return SparseFile.isSupported()
        ? (path, writable) -> new Holes(SparseFile.open(path, writable))
        : SparseFiles.none();
  }

  private record Holes(SparseFile file) implements SparseFiles.SparseFile {
    @Override
    public long nextData(long position) {
      return file.nextData(position);
    }

    @Override
    public long nextHole(long position) {
      return file.nextHole(position);
    }

    @Override
    public boolean punch(long position, long length) {
      return file.punch(position, length);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
