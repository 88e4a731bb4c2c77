package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import sharevm.disk.DiskException;
import sharevm.disk.io.Storage;

/** A file opened for reading, as it will be when its log has been replayed. */
record ReplayedStorage(Storage file, List<VhdxLog.Replay> replays, long length) implements Storage {
  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public boolean writable() {
    return false;
  }

  @Override
  public long size() throws DiskException {
    return Math.max(file.size(), length);
  }

  @Override
  public int readSome(ByteBuffer dst, long position) throws DiskException {
    int start = dst.position();
    int wanted = (int) Math.max(0, Math.min(dst.remaining(), size() - position));
    ByteBuffer part = dst.slice(start, wanted);
    file.readPadded(part, position);
    for (VhdxLog.Replay replay : replays) {
      long from = Math.max(position, replay.offset());
      long to = Math.min(position + wanted, replay.offset() + replay.length());
      for (long at = from; at < to; at++) {
        byte value = replay.bytes() == null ? 0 : replay.bytes()[(int) (at - replay.offset())];
        part.put((int) (at - position), value);
      }
    }
    dst.position(start + wanted);
    return wanted;
  }

  @Override
  public void write(ByteBuffer src, long position) {
    throw new AssertionError("it is open for reading");
  }

  @Override
  public void setSize(long size) {
    throw new AssertionError("it is open for reading");
  }

  @Override
  public void force() {
    // Nothing was written.
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }
}
