package sharevm.library.debian;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.Stream;
import sharevm.library.FileTrouble;
import sharevm.library.LibraryException;
import sharevm.library.Progress;

/**
 * Debian packages, fetched once with the host's package client and kept.
 *
 * <p>In the folder given: {@code packages/ARCHITECTURE/NAME.deb}, each checked against the SHA-256
 * of the signed package lists before it gets that name, and {@code apt/ARCHITECTURE}, the client's
 * own lists. Two processes may fetch at once.
 */
public final class DebianPackages {
  private static final int BUFFER_BYTES = 1 << 16;

  /** What package lists, their temporary copies and a kernel take: 200 MiB. */
  private static final long ROOM = 200L << 20;

  private final Path cache;
  private final Progress progress;
  private final long room;

  /**
   * Makes one.
   *
   * @param cache the folder; made when needed
   */
  public DebianPackages(Path cache, Progress progress) {
    this(cache, progress, ROOM);
  }

  /** Makes one that asks for a certain number of free bytes before it fetches. */
  DebianPackages(Path cache, Progress progress, long room) {
    this.cache = cache;
    this.progress = progress;
    this.room = room;
  }

  /**
   * Returns the file of a package, fetched if it is not here yet. Of a package that only points to
   * the kernel of the day, such as {@code linux-image-amd64}, that is the kernel's own.
   *
   * @param architecture as Debian names it: {@code amd64}, {@code i386}
   */
  public Path fetch(String name, String architecture) throws LibraryException {
    if (!name.matches("[a-z0-9][a-z0-9.+-]+") || !architecture.matches("[a-z0-9-]+")) {
      throw LibraryException.usage(
          "not the name of a Debian package: " + name + ":" + architecture);
    }
    Path kept = cache.resolve("packages").resolve(architecture).resolve(name + ".deb");
    if (Files.isRegularFile(kept)) {
      return kept;
    }
    if (!AptClient.isPresent()) {
      throw LibraryException.failed("this host has no apt-get to fetch Debian's " + name + " with");
    }
    try {
      Path client = cache.resolve("apt").resolve(architecture);
      Files.createDirectories(client);
      Files.createDirectories(kept.getParent());
      checkRoom(client);
      try (FileChannel file = lockFile(client);
          FileLock _ = lock(file)) {
        if (!Files.isRegularFile(kept)) {
          fetch(new AptClient(client, architecture), name, kept);
        }
      }
      return kept;
    } catch (IOException e) {
      throw LibraryException.failed(
          "cannot keep Debian's " + name + " in " + cache + ": " + FileTrouble.reason(e), e);
    } finally {
      progress.end();
    }
  }

  /** The client itself does not always come back from a full disk. */
  private void checkRoom(Path folder) throws IOException, LibraryException {
    long usable = Files.getFileStore(folder).getUsableSpace();
    if (usable < room) {
      throw LibraryException.failed(
          "%d MiB are free for Debian's packages in %s, %d MiB are needed: make room"
              .formatted(usable >> 20, cache, room >> 20));
    }
  }

  private void fetch(AptClient client, String name, Path kept)
      throws IOException, LibraryException {
    progress.at("looking for " + name, 0, 0);
    Optional<PackageRecord> listed = resolve(client, name);
    if (listed.isPresent()) {
      try {
        download(client, listed.get(), kept);
        return;
      } catch (LibraryException _) {
        // The archive keeps only the newest versions: old lists may name one that is gone.
      }
    }
    download(client, resolveAnew(client, name), kept);
  }

  private PackageRecord resolveAnew(AptClient client, String name)
      throws IOException, LibraryException {
    progress.at("fetching Debian's package lists", 0, 0);
    Optional<String> trouble = client.update();
    return resolve(client, name)
        .orElseThrow(
            () ->
                LibraryException.failed(
                    trouble
                        .map(what -> "cannot fetch Debian's package lists: " + what)
                        .orElse("the package sources of this host have no " + name)));
  }

  private static Optional<PackageRecord> resolve(AptClient client, String name)
      throws IOException, LibraryException {
    Optional<PackageRecord> found = client.show(name);
    Optional<String> kernel = found.flatMap(PackageRecord::kernelPointedTo);
    return kernel.isPresent() ? client.show(kernel.get()) : found;
  }

  private void download(AptClient client, PackageRecord wanted, Path kept)
      throws IOException, LibraryException {
    String what = "fetching " + wanted.name();
    Path work = Files.createTempDirectory(kept.getParent(), ".fetch-");
    try {
      Path file = client.download(wanted, work, bytes -> progress.at(what, bytes, wanted.size()));
      progress.at(what, wanted.size(), wanted.size());
      if (Files.size(file) != wanted.size() || !sha256(file).equals(wanted.sha256())) {
        throw LibraryException.failed(
            "what was fetched as "
                + wanted.name()
                + " is not what the package lists promise: try again");
      }
      Files.move(file, kept, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      deleteFolder(work);
    }
  }

  private static String sha256(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  private static FileChannel lockFile(Path client) throws IOException {
    return FileChannel.open(
        client.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /** Waits until no other process and no other thread of this one holds the lock. */
  private static FileLock lock(FileChannel file) throws IOException {
    while (true) {
      try {
        return file.lock();
      } catch (OverlappingFileLockException _) {
        try {
          Thread.sleep(50);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted", e);
        }
      }
    }
  }

  private static void deleteFolder(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
