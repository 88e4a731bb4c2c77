package sharevm.disk.raw;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.BulkTarget;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.Run;

/**
 * A disk whose bytes are the file's bytes. A file that ends within a sector is filled with zeroes.
 */
public final class RawLayer implements Layer, BulkTarget, Resizable {
  private static final int SECTOR = 512;

  private final Storage file;
  private volatile long size;

  private RawLayer(Storage file, long size) {
    this.file = file;
    this.size = size;
  }

  /** Opens a file of any content. */
  public static RawLayer open(Storage file) throws DiskException {
    return new RawLayer(file, Bytes.roundUp(file.size(), SECTOR));
  }

  /** Makes a file that is all hole. */
  public static void create(Storages host, java.nio.file.Path path, long size)
      throws DiskException {
    try (Storage file = host.open(path, Mode.CREATE)) {
      file.setSize(size);
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public long blockSize() {
    return 1;
  }

  @Override
  public Run map(long position, long most) {
    return Run.data(file, position, Math.min(most, size - position));
  }

  @Override
  public long read(ByteBuffer dst, long position) throws DiskException {
    int length = dst.remaining();
    file.readPadded(dst, position);
    return length;
  }

  @Override
  public void write(ByteBuffer src, long position, Below below) throws DiskException {
    requireWritable();
    file.write(src, position);
  }

  /** Everything is there already. */
  @Override
  public List<Run> reserve(long position, long length) throws DiskException {
    requireWritable();
    return List.of(Run.data(file, position, length));
  }

  private void requireWritable() throws DiskException {
    if (!file.writable()) {
      throw new DiskException(
          Kind.READ_ONLY, file.name(), "it was opened for reading; open it for writing first");
    }
  }

  @Override
  public void writeZeroes(long position, long length, Below below) throws DiskException {
    requireWritable();
    if (file.punch(position, length)) {
      return;
    }
    long end = position + length;
    for (long at = position; at < end; ) {
      ByteBuffer zeroes = Bytes.zeroes(end - at);
      int part = zeroes.remaining();
      write(zeroes, at, below);
      at += part;
    }
  }

  /** Frees what the host's file system can free. */
  @Override
  public void discard(long position, long length, Below below) throws DiskException {
    requireWritable();
    file.punch(position, length);
  }

  @Override
  public void flush() throws DiskException {
    if (file.writable()) {
      file.force();
    }
  }

  @Override
  public LayerInfo info() throws DiskException {
    List<String> odd =
        file.size() % SECTOR == 0
            ? List.of()
            : List.of("The file ends within a sector; the rest of that sector reads as zeroes.");
    return new LayerInfo("raw", Map.of(), odd);
  }

  @Override
  public List<Storage> files() {
    return List.of(file);
  }

  @Override
  public CheckReport check(boolean repair) {
    return new CheckReport.Builder().build();
  }

  @Override
  public void resize(long newSize) throws DiskException {
    file.setSize(newSize);
    size = newSize;
  }

  @Override
  public void close() throws DiskException {
    try {
      flush();
    } finally {
      file.close();
    }
  }
}
