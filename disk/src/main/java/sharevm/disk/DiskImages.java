package sharevm.disk;

import java.nio.file.Path;
import java.util.Optional;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storages;

/** Where disk images come from. */
public final class DiskImages {
  private DiskImages() {}

  /** Opens an image with its parents, finding out the format by the content. */
  public static DiskImage open(Path path, OpenOptions options) throws DiskException {
    return new Opener(Storages.host(options.locked(), options.sparse())).open(path, options);
  }

  /** Makes an image; a file of that name must not exist. */
  public static void create(Path path, DiskFormat format, long size) throws DiskException {
    Creator.create(Storages.host(), path, format, size, Optional.empty());
  }

  /** Makes an empty layer on top of a parent, as large as that. */
  public static void createOverlay(Path path, DiskFormat format, Path parent) throws DiskException {
    Creator.create(Storages.host(), path, format, -1, Optional.of(parent));
  }

  /** Looks for what contradicts the format, in the image itself and not in its parents. */
  public static CheckReport check(Path path) throws DiskException {
    try (Chain chain =
        new Opener(Storages.host()).open(path, OpenOptions.forReading().withoutParents())) {
      return chain.links().getFirst().layer().check(false);
    }
  }

  /**
   * Mends what can be mended without guessing.
   *
   * @param journal a new file that gets a copy of all that is overwritten
   */
  public static CheckReport repair(Path path, Path journal) throws DiskException {
    Storages host = Storages.host();
    Opener opener =
        new Opener(
            (file, mode) ->
                mode == Mode.WRITE
                    ? new JournaledStorage(
                        host.open(file, mode), host.open(beside(journal, path, file), Mode.CREATE))
                    : host.open(file, mode));
    try (Chain chain = opener.open(path, OpenOptions.forWriting().withoutParents())) {
      return chain.links().getFirst().layer().check(true);
    }
  }

  /**
   * Makes an image of another one's content. It appears under its name only when it is whole.
   *
   * @param target must not exist
   */
  public static ConvertReport convert(
      DiskImage source, Path target, DiskFormat format, ConvertOptions options)
      throws DiskException {
    return new Conversion(Storages.host(), target, options).run(source, format);
  }

  /** The first position at which two disks differ, or -1; what one lacks at its end is zero. */
  public static long compare(DiskImage a, DiskImage b) throws DiskException {
    return Chains.difference(a, b);
  }

  /** Writes what a layer holds into its parent. */
  public static void commit(Path path) throws DiskException {
    new Chains(new Opener(Storages.host())).commit(path);
  }

  /**
   * Gives a layer another parent, or none.
   *
   * @param unsafe only change the note, for a parent that has moved or is known to be right
   */
  public static void rebase(Path path, Optional<Path> parent, boolean unsafe) throws DiskException {
    new Chains(new Opener(Storages.host())).rebase(path, parent, unsafe);
  }

  /** An image of several files has a journal for each. */
  private static Path beside(Path journal, Path image, Path file) {
    boolean first = file.getFileName().equals(image.getFileName());
    return first
        ? journal
        : journal.resolveSibling(journal.getFileName() + "." + file.getFileName());
  }
}
