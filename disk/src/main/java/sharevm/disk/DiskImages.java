package sharevm.disk;

import java.nio.file.Path;
import java.util.Optional;
import sharevm.disk.io.Storages;

/** Where disk images come from. */
public final class DiskImages {
  private DiskImages() {}

  /** Opens an image with its parents, finding out the format by the content. */
  public static DiskImage open(Path path, OpenOptions options) throws DiskException {
    return opener(options.locked()).open(path, options);
  }

  /** Makes an image; a file of that name must not exist. */
  public static void create(Path path, DiskFormat format, long size) throws DiskException {
    Creator.create(Storages.host(), path, format, size, Optional.empty());
  }

  /** Makes an empty layer on top of a parent, as large as that. */
  public static void createOverlay(Path path, DiskFormat format, Path parent)
      throws DiskException {
    Creator.create(Storages.host(), path, format, -1, Optional.of(parent));
  }

  /** Looks for what contradicts the format, in the image itself and not in its parents. */
  public static CheckReport check(Path path) throws DiskException {
    try (Chain chain = opener(true).open(path, OpenOptions.forReading().withoutParents())) {
      return chain.links().getFirst().layer().check(false);
    }
  }

  static Opener opener(boolean locked) {
    return new Opener(locked ? Storages.host() : Storages.unlocked());
  }
}
