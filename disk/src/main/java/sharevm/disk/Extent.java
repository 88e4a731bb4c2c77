package sharevm.disk;

/**
 * A stretch of a disk that is all of one kind.
 *
 * @param position of its first byte on the disk
 * @param length in bytes, more than 0
 * @param kind what it is
 * @param depth the layer that decides, 0 for the top; the chain's length where none does
 * @param file the file with the bytes; empty unless {@link Kind#DATA}
 * @param offset where in that file; -1 unless {@link Kind#DATA}
 */
public record Extent(long position, long length, Kind kind, int depth, String file, long offset) {
  /** What a stretch is. */
  public enum Kind {
    /** Stored in a file as it is. */
    DATA,
    /** Stored compressed. */
    COMPRESSED,
    /** Marked as zero by a layer. */
    ZERO,
    /** Stored nowhere, hence zero. */
    HOLE
  }

  /** True when there is nothing to read but zeroes. */
  public boolean isZero() {
    return kind == Kind.ZERO || kind == Kind.HOLE;
  }
}
