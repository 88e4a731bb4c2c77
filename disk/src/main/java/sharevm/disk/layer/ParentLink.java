package sharevm.disk.layer;

import java.nio.file.Path;
import java.util.List;
import sharevm.disk.DiskException;

/**
 * What a layer says of its parent.
 *
 * @param named as it stands in the image
 * @param candidates where to look, in this order; relative ones are resolved already
 * @param format the parent's format where the image says it, or an empty text
 * @param check compares the parent's identity with the one the layer was made from
 */
public record ParentLink(String named, List<Path> candidates, String format, Check check) {
  /** Compares identities. */
  @FunctionalInterface
  public interface Check {
    /** Throws {@link DiskException.Kind#PARENT_CHANGED} when the parent is not the right one. */
    void accept(Layer parent) throws DiskException;
  }
}
