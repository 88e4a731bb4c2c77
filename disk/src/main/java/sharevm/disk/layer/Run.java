package sharevm.disk.layer;

import java.util.Objects;
import sharevm.disk.io.Storage;

/**
 * Where a stretch of a layer's disk is.
 *
 * @param kind what is there
 * @param length of the stretch in bytes, more than 0
 * @param file the file that holds the bytes of {@link Kind#DATA} and {@link Kind#PACKED}
 * @param offset where in that file
 * @param writable true when {@link Kind#DATA} may be overwritten in its place
 */
public record Run(Kind kind, long length, Storage file, long offset, boolean writable) {
  /** What a stretch is. */
  public enum Kind {
    /** Stored as it is. */
    DATA,
    /** Stored compressed. */
    PACKED,
    /** Known to be zero without being stored. */
    ZERO,
    /** Not in this layer: the parent's, or zero where there is none. */
    ABSENT
  }

  /** Bytes in a file that may be overwritten there. */
  public static Run data(Storage file, long offset, long length) {
    return new Run(Kind.DATA, length, file, offset, true);
  }

  /** A stretch of zeroes. */
  public static Run zero(long length) {
    return new Run(Kind.ZERO, length, null, 0, false);
  }

  /** A stretch that the layer says nothing about. */
  public static Run absent(long length) {
    return new Run(Kind.ABSENT, length, null, 0, false);
  }

  /** The same run, cut to a length. */
  public Run cut(long most) {
    return length <= most ? this : new Run(kind, most, file, offset, writable);
  }

  /** True when {@code next} goes on where this ends. */
  boolean continues(Run next) {
    return kind == next.kind
        && kind != Kind.PACKED
        && (kind != Kind.DATA
            || (Objects.equals(file, next.file)
                && offset + length == next.offset
                && writable == next.writable));
  }
}
