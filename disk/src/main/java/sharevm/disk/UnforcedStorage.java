package sharevm.disk;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import sharevm.disk.io.Storage;

/** A file that is never waited for: for images that are worth nothing until they are whole. */
record UnforcedStorage(Storage file) implements Storage {
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
    file.write(src, position);
  }

  @Override
  public void setSize(long size) throws DiskException {
    file.setSize(size);
  }

  @Override
  public long hole(long position, long most) throws DiskException {
    return file.hole(position, most);
  }

  @Override
  public long data(long position, long most) throws DiskException {
    return file.data(position, most);
  }

  @Override
  public boolean punch(long position, long length) throws DiskException {
    return file.punch(position, length);
  }

  @Override
  public void force() {
    // Not waited for.
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }
}
