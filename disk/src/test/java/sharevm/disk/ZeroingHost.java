package sharevm.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A host that makes holes, and fills them with zeroes as if they were: what is read is the same.
 */
record ZeroingHost(RandomAccessFile file) implements SparseFiles.SparseFile {
  static SparseFiles files() {
    return (path, writable) -> new ZeroingHost(open(path, writable));
  }

  private static RandomAccessFile open(Path path, boolean writable) throws IOException {
    return new RandomAccessFile(path.toFile(), writable ? "rw" : "r");
  }

  @Override
  public long nextData(long position) {
    return position;
  }

  @Override
  public long nextHole(long position) {
    return Long.MAX_VALUE;
  }

  @Override
  public synchronized boolean punch(long position, long length) {
    try {
      file.seek(position);
      file.write(new byte[(int) Math.clamp(file.length() - position, 0, length)]);
      return true;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
