package sharevm.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What a host knows of the holes in its files, which the JDK does not tell. Who may call native
 * code can provide it; without it holes are read as the zeroes that they are, and none are made.
 */
@FunctionalInterface
public interface SparseFiles {
  /** Opens a file to ask about it and to make holes in it; closed with the image. */
  SparseFile open(Path path, boolean writable) throws IOException;

  /** One file's holes. Safe for several threads. */
  interface SparseFile extends Closeable {
    /**
     * The least position from {@code position} on that may hold data; {@link Long#MAX_VALUE} when
     * there is none.
     */
    long nextData(long position);

    /** The least position from {@code position} on that is in a hole, or at or behind the end. */
    long nextHole(long position);

    /** Makes a hole within the file, if the host can; true when the range reads as zeroes now. */
    boolean punch(long position, long length);
  }

  /** Knows of no holes. */
  static SparseFiles none() {
    return (_, _) -> NoHoles.INSTANCE;
  }
}
