package sharevm.disk.layer;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/** Finds parents by the names that other systems gave them. */
public final class ParentPaths {
  private ParentPaths() {}

  /**
   * Adds where a parent may be: as named, seen from the child's directory; then by its file name
   * alone beside the child, for disks that were moved together.
   */
  public static void addCandidates(Collection<Path> candidates, Path child, List<String> names) {
    for (String name : names) {
      add(candidates, child, name);
      add(candidates, child, name.replace('\\', '/'));
    }
    for (String name : names) {
      add(
          candidates,
          child,
          name.substring(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1));
    }
  }

  private static void add(Collection<Path> candidates, Path child, String name) {
    try {
      if (!name.isEmpty()) {
        candidates.add(child.resolveSibling(name).normalize());
      }
    } catch (InvalidPathException _) {
      // A name that this host cannot have names nothing here.
      return;
    }
  }
}
