package sharevm.disk;

import java.util.Optional;

/**
 * How an image is opened.
 *
 * @param writable for reading and writing; parents are opened for reading in any case
 * @param format the format's name; empty to find it by the content
 * @param alone without its parents: what they hold reads as zeroes
 * @param locked take and respect locks
 * @param sparse what is known of the holes in the host's files
 */
public record OpenOptions(
    boolean writable, Optional<String> format, boolean alone, boolean locked, SparseFiles sparse) {
  /** For reading, found by content, with parents, locked. */
  public static OpenOptions forReading() {
    return new OpenOptions(false, Optional.empty(), false, true, SparseFiles.none());
  }

  /** The same, for writing. */
  public static OpenOptions forWriting() {
    return new OpenOptions(true, Optional.empty(), false, true, SparseFiles.none());
  }

  /** With a format's name instead of looking at the content. */
  public OpenOptions withFormat(String name) {
    return new OpenOptions(writable, Optional.of(name), alone, locked, sparse);
  }

  /** Without parents. */
  public OpenOptions withoutParents() {
    return new OpenOptions(writable, format, true, locked, sparse);
  }

  /** Without locks. */
  public OpenOptions unlocked() {
    return new OpenOptions(writable, format, alone, false, sparse);
  }

  /** With someone to ask about holes. */
  public OpenOptions withSparse(SparseFiles files) {
    return new OpenOptions(writable, format, alone, locked, files);
  }
}
