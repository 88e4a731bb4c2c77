package sharevm.disk.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.SparseFiles;
import sharevm.disk.SparseFiles.SparseFile;

/**
 * A {@link Storage} over a {@link FileChannel}.
 *
 * <p>An interrupted thread would close the channel under all other threads; so the interrupt is put
 * aside for the time of a transfer, and a channel that was closed by one all the same is opened
 * anew, with its lock.
 */
public final class FileStorage implements Storage {
  /** How a file is opened. */
  public enum Mode {
    /** For reading; others may read. */
    READ,
    /** For reading and writing; nobody else may open it. */
    WRITE,
    /** A new file; one of that name must not be there. */
    CREATE
  }

  private final Path path;
  private final boolean writable;
  private final FileLocks.Claim claim;
  private final boolean locked;
  private final SparseFiles sparseFiles;
  private volatile SparseFile sparse;
  private volatile Data data = new Data(0, 0);
  private volatile FileChannel channel;
  private volatile boolean closed;

  /** Where there is no hole: kept, since a host may walk over all of it to find its end. */
  private record Data(long start, long end) {
    boolean contains(long position) {
      return position >= start && position < end;
    }
  }

  private FileStorage(
      Path path,
      boolean writable,
      boolean locked,
      SparseFiles sparseFiles,
      FileLocks.Claim claim,
      FileChannel channel) {
    this.path = path;
    this.sparseFiles = sparseFiles;
    this.writable = writable;
    this.locked = locked;
    this.claim = claim;
    this.channel = channel;
  }

  /**
   * Opens or creates a file.
   *
   * @param locked false takes and respects no lock, for those who know that nobody writes
   * @param sparse what is known of holes
   */
  public static FileStorage open(Path path, Mode mode, boolean locked, SparseFiles sparse)
      throws DiskException {
    boolean write = mode != Mode.READ;
    FileChannel channel = null;
    FileLocks.Claim claim = null;
    try {
      if (mode == Mode.CREATE) {
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).close();
      }
      FileLocks.Use use = write ? FileLocks.Use.WRITE : FileLocks.Use.READ;
      claim = FileLocks.claim(path, locked ? use : FileLocks.Use.REGARDLESS);
      channel = FileChannel.open(path, options(write));
      channel.size();
      if (locked) {
        FileLocks.lock(channel, path, write);
      }
      return new FileStorage(path, write, locked, sparse, claim, channel);
    } catch (IOException e) {
      if (claim != null) {
        claim.release(channel == null ? List.of() : List.of(channel));
      }
      throw explain(path, DiskException.NO_OFFSET, e, write ? "opened for writing" : "opened");
    }
  }

  private static Set<OpenOption> options(boolean write) {
    return write
        ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
        : Set.of(StandardOpenOption.READ);
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public boolean writable() {
    return writable;
  }

  @Override
  public long size() throws DiskException {
    return transfer(DiskException.NO_OFFSET, "measured", FileChannel::size);
  }

  @Override
  public int readSome(ByteBuffer dst, long position) throws DiskException {
    int start = dst.position();
    transfer(
        position,
        "read",
        file -> {
          while (dst.hasRemaining()) {
            int count = file.read(dst, position + dst.position() - start);
            if (count < 0) {
              break;
            }
          }
          return 0L;
        });
    return dst.position() - start;
  }

  @Override
  public void write(ByteBuffer src, long position) throws DiskException {
    if (!writable) {
      throw new DiskException(Kind.READ_ONLY, name(), position, "it was opened for reading", "");
    }
    int start = src.position();
    transfer(
        position,
        "written",
        file -> {
          while (src.hasRemaining()) {
            file.write(src, position + src.position() - start);
          }
          return 0L;
        });
  }

  @Override
  public void setSize(long size) throws DiskException {
    transfer(
        size,
        "resized",
        file -> {
          long now = file.size();
          if (size < now) {
            file.truncate(size);
          } else if (size > now) {
            file.write(ByteBuffer.allocate(1), size - 1);
          }
          return 0L;
        });
  }

  @Override
  public void force() throws DiskException {
    transfer(
        DiskException.NO_OFFSET,
        "flushed",
        file -> {
          file.force(false);
          return 0L;
        });
  }

  @Override
  public synchronized void close() throws DiskException {
    if (!closed) {
      closed = true;
      claim.release(sparse == null ? List.of(channel) : List.of(channel, sparse));
    }
  }

  @Override
  public long hole(long position, long most) throws DiskException {
    if (data.contains(position)) {
      return 0;
    }
    return Math.clamp(sparse().nextData(position) - position, 0, most);
  }

  @Override
  public long data(long position, long most) throws DiskException {
    Data known = data;
    if (!known.contains(position)) {
      known = new Data(position, sparse().nextHole(position));
      data = known;
    }
    return Math.clamp(known.end() - position, 1, most);
  }

  @Override
  public boolean punch(long position, long length) throws DiskException {
    boolean punched = sparse().punch(position, length);
    data = new Data(0, 0);
    return punched;
  }

  /** Opened when it is first asked, and closed only with the claim: see {@link FileLocks}. */
  private synchronized SparseFile sparse() throws DiskException {
    if (sparse == null) {
      if (closed) {
        throw new DiskException(Kind.IO, name(), "the image is closed");
      }
      try {
        sparse = sparseFiles.open(path, writable);
      } catch (IOException e) {
        throw explain(path, DiskException.NO_OFFSET, e, "opened");
      }
    }
    return sparse;
  }

  @FunctionalInterface
  private interface Action {
    long on(FileChannel channel) throws IOException;
  }

  private long transfer(long position, String verb, Action action) throws DiskException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        FileChannel file = channel;
        try {
          return action.on(file);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
          reopen(file);
        } catch (java.nio.channels.ClosedChannelException e) {
          reopen(file);
        }
      }
    } catch (IOException e) {
      throw explain(path, position, e, verb);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // another thread may have opened the file anew already
  private synchronized void reopen(FileChannel broken) throws IOException {
    if (closed) {
      throw new IOException("the image is closed");
    }
    if (channel == broken) {
      channel = FileChannel.open(path, options(writable));
      if (locked) {
        FileLocks.lock(channel, path, writable);
      }
    }
  }

  /** Turns the host's error into one that says what and where. */
  static DiskException explain(Path path, long offset, IOException e, String verb) {
    String name = path.toString();
    String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return switch (e) {
      case DiskException known -> known;
      case NoSuchFileException missing ->
          new DiskException(Kind.NOT_FOUND, missing.getFile(), "no such file").causedBy(e);
      case FileAlreadyExistsException _ ->
          new DiskException(
                  Kind.EXISTS, name, offset, "it exists already", "remove it or name another")
              .causedBy(e);
      case java.nio.file.AccessDeniedException _ ->
          new DiskException(Kind.IO, name, offset, "permission denied", "").causedBy(e);
      case IOException _ when reason.contains("No space left") || reason.contains("quota") ->
          new DiskException(
                  Kind.NO_SPACE,
                  name,
                  offset,
                  "no space left on the host",
                  "free some and try again")
              .causedBy(e);
      case IOException _ when reason.contains("File too large") ->
          new DiskException(
                  Kind.NO_SPACE,
                  name,
                  offset,
                  "the host allows no file of this size",
                  "use another file system, or a format in parts such as twoGbMaxExtentSparse")
              .causedBy(e);
      case IOException _ ->
          new DiskException(Kind.IO, name, offset, "cannot be " + verb + ": " + reason, "")
              .causedBy(e);
    };
  }
}
