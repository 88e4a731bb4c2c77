package sharevm.disk.io;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;

/**
 * One writer or many readers per image, among processes and within this one.
 *
 * <p>Among processes it is the host's record locks, which die with their holder, on the bytes that
 * QEMU uses for the same purpose (docs: "image locking": byte 100 + n is held by who uses
 * permission n, byte 200 + n by who does not share it; n = 1 write, 3 resize), so that QEMU refuses
 * an image that is open here, and the other way round. One case stays open: a reader here cannot
 * see a writer in QEMU, since POSIX shows a shared lock only to who may lock for writing.
 *
 * <p>POSIX drops all of a process' locks on a file as soon as it closes <em>any</em> descriptor of
 * it; so the descriptors of one file are closed together, when its last user in this process is
 * done. That bookkeeping belongs to the process as the locks do, hence the one static table here.
 */
final class FileLocks {
  private static final long USES_WRITE = 101;
  private static final long USES_RESIZE = 103;
  private static final long REFUSES_WRITE = 201;
  private static final long REFUSES_RESIZE = 203;

  private static final Map<Object, Holder> HOLDERS = new HashMap<>();

  private FileLocks() {}

  /** What a claim is for. */
  enum Use {
    /** Others may read. */
    READ,
    /** Nobody else may have it open. */
    WRITE,
    /** Whatever others do; it only must not take their locks with it when it is closed. */
    REGARDLESS
  }

  private static final class Holder {
    int users;
    int readers;
    boolean writer;
    final List<Closeable> retired = new ArrayList<>();
  }

  /** The right to have a file open; {@link #release} gives it back. */
  static final class Claim {
    private final Object key;
    private final Use use;

    private Claim(Object key, Use use) {
      this.key = key;
      this.use = use;
    }

    /** Closes what is open, or keeps it until the file's last user in this process is done. */
    void release(List<Closeable> open) {
      synchronized (HOLDERS) {
        Holder holder = HOLDERS.get(key);
        holder.retired.addAll(open);
        holder.users--;
        holder.writer &= use != Use.WRITE;
        holder.readers -= use == Use.READ ? 1 : 0;
        if (holder.users == 0) {
          HOLDERS.remove(key);
          holder.retired.forEach(Claim::closeQuietly);
        }
      }
    }

    private static void closeQuietly(Closeable open) {
      try {
        open.close();
      } catch (IOException _) {
        // All that was written has been forced or was never promised.
        return;
      }
    }
  }

  /** Claims a file within this process. */
  static Claim claim(Path path, Use use) throws IOException {
    Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    if (key == null) {
      key = path.toRealPath();
    }
    synchronized (HOLDERS) {
      Holder holder = HOLDERS.get(key);
      boolean write = use == Use.WRITE;
      if (holder != null
          && use != Use.REGARDLESS
          && (holder.writer || write && holder.readers > 0)) {
        throw refused(path, write, "this process");
      }
      if (holder == null) {
        holder = new Holder();
        HOLDERS.put(key, holder);
      }
      holder.users++;
      holder.writer |= write;
      holder.readers += use == Use.READ ? 1 : 0;
    }
    return new Claim(key, use);
  }

  /** Takes the host's locks; they are released with the channel. */
  static void lock(FileChannel channel, Path path, boolean write) throws IOException {
    long[] bytes =
        write
            ? new long[] {USES_WRITE, USES_RESIZE, REFUSES_WRITE, REFUSES_RESIZE}
            : new long[] {REFUSES_WRITE, REFUSES_RESIZE};
    for (long at : bytes) {
      if (!tryLock(channel, at, !write)) {
        throw refused(path, write, "another process");
      }
    }
    if (!write && isHeld(channel, USES_WRITE)) {
      throw refused(path, false, "another process");
    }
  }

  private static boolean isHeld(FileChannel channel, long at) throws IOException {
    try (FileLock probe = channel.tryLock(at, 1, true)) {
      return probe == null;
    } catch (OverlappingFileLockException _) {
      return false;
    } catch (IOException e) {
      return rejects(e);
    }
  }

  /** Some network file systems have no locks; an image there is opened without. */
  private static boolean rejects(IOException e) throws IOException {
    String reason = String.valueOf(e.getMessage());
    if (reason.contains("not supported") || reason.contains("No locks")) {
      return false;
    }
    throw e;
  }

  private static boolean tryLock(FileChannel channel, long at, boolean shared) throws IOException {
    try {
      return channel.tryLock(at, 1, shared) != null;
    } catch (OverlappingFileLockException _) {
      // Held by this process: claim() has already decided that it may share.
      return true;
    } catch (IOException e) {
      return !rejects(e);
    }
  }

  private static DiskException refused(Path path, boolean write, String who) {
    return new DiskException(
        Kind.LOCKED,
        path.toString(),
        DiskException.NO_OFFSET,
        who + " has it open" + (write ? "" : " for writing"),
        "close it there first");
  }
}
