package sharevm.disk;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.vmdk.VmdkStreamWriter;

/**
 * Makes an image of another one's content. The target's files grow in a directory beside their
 * place and are moved there when they are whole, so a run that was killed leaves no half image
 * under the target's name; the next run removes what it left.
 */
final class Conversion {
  private final Storages host;
  private final Path target;
  private final Path workshop;
  private final ConvertOptions options;

  Conversion(Storages host, Path target, ConvertOptions options) {
    this.options = options;
    this.host = unforced(host);
    this.target = target.toAbsolutePath();
    this.workshop = this.target.resolveSibling("." + target.getFileName() + ".part");
  }

  /** Files that do not wait for stable storage: that is done once, before they get their names. */
  private static Storages unforced(Storages host) {
    return (path, mode) -> new UnforcedStorage(host.open(path, mode));
  }

  ConvertReport run(DiskImage source, DiskFormat format) throws DiskException {
    if (Files.exists(target)) {
      throw new DiskException(
          Kind.EXISTS,
          target.toString(),
          DiskException.NO_OFFSET,
          "it exists already",
          "remove it or name another");
    }
    if (!Files.isDirectory(target.getParent())) {
      throw new DiskException(
          Kind.NOT_FOUND,
          target.toString(),
          DiskException.NO_OFFSET,
          "there is no folder " + target.getParent(),
          "make it or name another");
    }
    try {
      removeLeftovers();
      Files.createDirectory(workshop);
      try {
        ConvertReport report = fill(source, format, workshop.resolve(target.getFileName()));
        if (options.durable()) {
          force();
        }
        moveIntoPlace();
        return report;
      } finally {
        removeLeftovers();
      }
    } catch (DiskException e) {
      throw e;
    } catch (IOException e) {
      throw new DiskException(Kind.IO, target.toString(), "cannot be made: " + e.getMessage())
          .causedBy(e);
    }
  }

  private ConvertReport fill(DiskImage source, DiskFormat format, Path path) throws DiskException {
    Converter converter = new Converter(source, options);
    if (format instanceof Vmdk vmdk && vmdk.variant() == Vmdk.Variant.STREAM_OPTIMIZED) {
      try (VmdkStreamWriter stream =
          new VmdkStreamWriter(host.open(path, Mode.CREATE), vmdk, source.size())) {
        ConvertReport report = converter.into(stream);
        stream.finish();
        return report;
      }
    }
    Creator.create(host, path, format, source.size(), Optional.empty());
    OpenOptions open = OpenOptions.forWriting().withFormat(format.name());
    try (DiskImage image = new Opener(host).open(path, open)) {
      return converter.into(image);
    }
  }

  private List<Path> made() throws IOException {
    try (Stream<Path> files = Files.list(workshop)) {
      return files.sorted().toList();
    }
  }

  private void force() throws IOException {
    for (Path file : made()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
    }
  }

  private void moveIntoPlace() throws IOException {
    List<Path> made = made();
    for (Path file : made) {
      if (Files.exists(target.resolveSibling(file.getFileName()))) {
        throw new DiskException(
            Kind.EXISTS, target.resolveSibling(file.getFileName()).toString(), "it exists already");
      }
    }
    // The file that makes the others an image comes last.
    for (Path file : made) {
      if (!file.getFileName().equals(target.getFileName())) {
        Files.move(file, target.resolveSibling(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
      }
    }
    Files.move(workshop.resolve(target.getFileName()), target, StandardCopyOption.ATOMIC_MOVE);
  }

  private void removeLeftovers() throws IOException {
    if (!Files.isDirectory(workshop)) {
      return;
    }
    for (Path file : made()) {
      // Refused while another run is at work on it.
      try (Storage _ = host.open(file, Mode.WRITE)) {
        Files.delete(file);
      }
    }
    Files.delete(workshop);
  }
}
