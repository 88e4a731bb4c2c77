package sharevm.disk;

import java.io.IOException;

/**
 * What went wrong with a disk image: a {@link Kind} to act on, the file, the offset in it, and what
 * a person can do. The message is one line that says all four.
 */
public final class DiskException extends IOException {
  private static final long serialVersionUID = 1L;

  /** The offset of an error that belongs to no place in a file. */
  public static final long NO_OFFSET = -1;

  /** What kind of failure it is; the set is small and stable, so that programs can switch on it. */
  public enum Kind {
    /** The host refused to read or write. */
    IO,
    /** The file is not there. */
    NOT_FOUND,
    /** The file to be created is there already. */
    EXISTS,
    /** The host's file system is full. */
    NO_SPACE,
    /** No known format: the content is none that this library reads. */
    UNKNOWN_FORMAT,
    /** A known format with a feature that this library does not have. */
    UNSUPPORTED,
    /** The content is encrypted. */
    ENCRYPTED,
    /** The image contradicts its format. */
    CORRUPT,
    /** A layer's parent cannot be found. */
    MISSING_PARENT,
    /** A layer's parent is not what it was when the layer was made. */
    PARENT_CHANGED,
    /** Somebody else has the image open. */
    LOCKED,
    /** A write to what was opened for reading. */
    READ_ONLY,
    /** A position beyond the end of the disk. */
    OUT_OF_RANGE,
    /** A request that makes no sense: a size that the format cannot hold, a missing option. */
    INVALID
  }

  private final Kind kind;
  private final String file;
  private final long offset;
  private final String advice;

  /**
   * Makes an error of one line.
   *
   * @param kind what kind
   * @param file the file's name as the user knows it
   * @param offset in bytes in that file, or {@link #NO_OFFSET}
   * @param what what is wrong, in a clause without a full stop
   * @param advice what to do about it, or an empty text
   */
  public DiskException(Kind kind, String file, long offset, String what, String advice) {
    super(line(file, offset, what, advice));
    this.kind = kind;
    this.file = file;
    this.offset = offset;
    this.advice = advice;
  }

  /** An error without a place and without advice. */
  public DiskException(Kind kind, String file, String what) {
    this(kind, file, NO_OFFSET, what, "");
  }

  /** Adds the cause and returns this. */
  public DiskException causedBy(Throwable cause) {
    initCause(cause);
    return this;
  }

  /** An image that contradicts its format at an offset. */
  public static DiskException corrupt(String file, long offset, String what) {
    return new DiskException(
        Kind.CORRUPT, file, offset, what, "'sharevm disk check' tells the extent of the damage");
  }

  /** A feature that this library does not have. */
  public static DiskException unsupported(String file, String what) {
    return new DiskException(Kind.UNSUPPORTED, file, what);
  }

  /** A request that makes no sense. */
  public static DiskException invalid(String file, String what) {
    return new DiskException(Kind.INVALID, file, what);
  }

  /** What kind of failure it is. */
  public Kind kind() {
    return kind;
  }

  /** The file's name. */
  public String file() {
    return file;
  }

  /** Where in the file, in bytes; {@link #NO_OFFSET} when it has no place. */
  public long offset() {
    return offset;
  }

  /** What a person can do; empty when there is nothing. */
  public String advice() {
    return advice;
  }

  private static String line(String file, long offset, String what, String advice) {
    String place = offset == NO_OFFSET ? "" : " (at byte " + offset + ")";
    return file + ": " + what + place + (advice.isEmpty() ? "" : "; " + advice);
  }
}
