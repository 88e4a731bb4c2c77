package sharevm.library.debian;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The files of a Debian package (deb(5)): an {@code ar} archive around a compressed {@code tar}.
 */
public final class DebArchive {
  /** The largest file that is read, in bytes: 256 MiB. */
  private static final long MAXIMUM_BYTES = 256L << 20;

  private DebArchive() {}

  /**
   * Returns the first file whose path, such as {@code boot/vmlinuz-6.1.0}, is wanted.
   *
   * @throws IOException if the package is damaged or compressed in a way that is not known here
   */
  public static Optional<byte[]> file(Path deb, Predicate<String> wanted) throws IOException {
    try (InputStream file = new BufferedInputStream(Files.newInputStream(deb));
        ArArchiveInputStream members = new ArArchiveInputStream(file)) {
      for (ArArchiveEntry member = members.getNextEntry();
          member != null;
          member = members.getNextEntry()) {
        if (member.getName().startsWith("data.tar")) {
          return file(new TarArchiveInputStream(decompress(member.getName(), members)), wanted);
        }
      }
    }
    throw new IOException(deb + " has no data.tar member: it is no Debian package");
  }

  private static Optional<byte[]> file(TarArchiveInputStream tar, Predicate<String> wanted)
      throws IOException {
    for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
      String name =
          entry.getName().startsWith("./") ? entry.getName().substring(2) : entry.getName();
      if (entry.isFile() && wanted.test(name)) {
        if (entry.getSize() > MAXIMUM_BYTES) {
          throw new IOException(name + " is larger than any file that is wanted");
        }
        return Optional.of(tar.readNBytes((int) entry.getSize()));
      }
    }
    return Optional.empty();
  }

  private static InputStream decompress(String name, InputStream in) throws IOException {
    return switch (name) {
      case "data.tar" -> in;
      case "data.tar.gz" -> new GZIPInputStream(in);
      case "data.tar.xz" -> new XZInputStream(in);
      default -> throw new IOException(name + ": this compression is not known");
    };
  }
}
