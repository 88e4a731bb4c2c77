package sharevm.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import sharevm.disk.io.Storage;

/**
 * A file whose old bytes are kept before they are overwritten: for each write the offset and the
 * length (64 bits each, big-endian), then what was there.
 */
record JournaledStorage(Storage file, Storage journal) implements Storage {
  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public boolean writable() {
    return file.writable();
  }

  @Override
  public long size() throws DiskException {
    return file.size();
  }

  @Override
  public int readSome(ByteBuffer dst, long position) throws DiskException {
    return file.readSome(dst, position);
  }

  @Override
  public void write(ByteBuffer src, long position) throws DiskException {
    keep(position, src.remaining());
    file.write(src, position);
  }

  @Override
  public void setSize(long size) throws DiskException {
    for (long at = size, end = file.size(); at < end; at += 1 << 20) {
      keep(at, (int) Math.min(1 << 20, end - at));
    }
    file.setSize(size);
  }

  private synchronized void keep(long position, int length) throws DiskException {
    ByteBuffer old = ByteBuffer.allocate(16 + length).order(ByteOrder.BIG_ENDIAN);
    old.position(16);
    file.readSome(old, position);
    int kept = old.position() - 16;
    old.putLong(0, position).putLong(8, kept).flip();
    journal.write(old, journal.size());
    journal.force();
  }

  @Override
  public void force() throws DiskException {
    file.force();
  }

  @Override
  public void close() throws DiskException {
    try {
      file.close();
    } finally {
      journal.close();
    }
  }
}
