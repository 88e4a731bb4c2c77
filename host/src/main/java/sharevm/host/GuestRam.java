package sharevm.host;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The memory of one guest: a mapping of a sparse file, of which the host commits a page only when
 * it is first touched.
 *
 * <p>The file has no name that outlives the process. On Linux it is in memory ({@code
 * memfd_create}), elsewhere, and where that is refused, a temporary file deleted at once. The
 * mapping goes with {@link #close()}; no access may be under way on another thread then.
 */
public final class GuestRam implements AutoCloseable {
  /** The smallest guest memory in bytes: 16 MiB. */
  public static final long MINIMUM_BYTES = 16L << 20;

  /**
   * The largest guest memory in bytes: 64 GiB of RAM, and 1 GiB for ROMs and the like beside it.
   */
  public static final long MAXIMUM_BYTES = 65L << 30;

  /** The unit of sizes and of the host's commitment: 4 KiB. */
  public static final int PAGE_BYTES = 4096;

  private final Arena arena;
  private final MemorySegment segment;

  /** Whether pages that are not written stay a saved file's. */
  private final boolean copies;

  private GuestRam(Arena arena, MemorySegment segment, boolean copies) {
    this.arena = arena;
    this.segment = segment;
    this.copies = copies;
  }

  /**
   * Makes memory that reads as zeros.
   *
   * @param bytes {@link #MINIMUM_BYTES} to {@link #MAXIMUM_BYTES}, a multiple of {@link
   *     #PAGE_BYTES}
   * @throws IllegalArgumentException if {@code bytes} is none of those
   * @throws HostException if the host refuses
   */
  public static GuestRam allocate(long bytes) throws HostException {
    checkSize(bytes);
    try (FileChannel file = sparseFile()) {
      return map(file, MapMode.READ_WRITE, bytes);
    } catch (IOException e) {
      throw new HostException("the host refuses " + (bytes >> 20) + " MiB of guest memory", e);
    }
  }

  /**
   * Makes memory whose content is a file's, without reading it: a page comes from the file when it
   * is first read, and becomes this guest's own when it is first written. The file never changes,
   * and must not be changed while this memory lives.
   *
   * @param file exactly as long as the memory, and writable, which the host asks of a private
   *     mapping
   * @throws IllegalArgumentException if the file's length is no size of a guest's memory
   * @throws HostException if the file cannot be mapped
   */
  public static GuestRam copyOf(Path file) throws HostException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      checkSize(channel.size());
      return map(channel, MapMode.PRIVATE, channel.size());
    } catch (IOException e) {
      throw new HostException("cannot map the saved memory " + file, e);
    }
  }

  /** Returns the memory; valid until {@link #close()}, for any thread. */
  public MemorySegment segment() {
    return segment;
  }

  /**
   * Has the host make the pages of a range at once that are about to be written, which costs it
   * less than at the first touch of each. A host that cannot does nothing, nor does a copy of a
   * saved memory, whose pages are the file's as long as they may. What they hold does not change.
   *
   * @throws IndexOutOfBoundsException if the range is not within the memory
   */
  public void prepare(long offset, long bytes) {
    long start = offset & -PAGE_BYTES;
    long end = offset + bytes + PAGE_BYTES - 1 & -PAGE_BYTES;
    MemorySegment pages = segment.asSlice(start, end - start);
    if (!copies) {
      CLibrary.populate(pages.address(), pages.byteSize(), true);
    }
  }

  /**
   * Writes the memory to a new file of the same length, leaving holes for pages of zeros. The guest
   * must stand still.
   */
  public void saveTo(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      long size = segment.byteSize();
      long start = 0;
      while (start < size) {
        if (isZeroPage(start)) {
          start += PAGE_BYTES;
          continue;
        }
        long end = start + PAGE_BYTES;
        while (end < size && end - start < 1 << 20 && !isZeroPage(end)) {
          end += PAGE_BYTES;
        }
        var bytes = segment.asSlice(start, end - start).asByteBuffer();
        while (bytes.hasRemaining()) {
          channel.write(bytes, start + bytes.position());
        }
        start = end;
      }
      setLength(channel, size);
    }
  }

  /** Gives the memory back to the host. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private boolean isZeroPage(long offset) {
    for (long at = offset; at < offset + PAGE_BYTES; at += Long.BYTES) {
      if (segment.get(ValueLayout.JAVA_LONG, at) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Makes a file longer without writing to what lies between, if it is shorter. */
  private static void setLength(FileChannel channel, long size) throws IOException {
    if (channel.size() < size) {
      channel.write(ByteBuffer.allocate(1), size - 1);
    }
  }

  private static GuestRam map(FileChannel file, MapMode mode, long bytes) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      return new GuestRam(arena, file.map(mode, 0, bytes, arena), mode.equals(MapMode.PRIVATE));
    } catch (IOException | RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private static FileChannel sparseFile() throws IOException {
    if (CLibrary.isLinux()) {
      int descriptor = memoryFile();
      if (descriptor >= 0) {
        try {
          return FileChannel.open(
              Path.of("/proc/self/fd/" + descriptor),
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
        } catch (IOException _) {
          // No /proc here: a temporary file serves as well.
        } finally {
          CLibrary.close(descriptor);
        }
      }
    }
    return temporaryFile(Path.of(System.getProperty("java.io.tmpdir")));
  }

  /** Opens a new file that is gone with its last mapping. */
  static FileChannel temporaryFile(Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "sharevm-", ".ram");
    return FileChannel.open(
        file,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE,
        StandardOpenOption.SPARSE,
        StandardOpenOption.DELETE_ON_CLOSE);
  }

  /** Returns the descriptor of a new file in memory, or -1 when the host has none to give. */
  private static int memoryFile() {
    try (Arena scratch = Arena.ofConfined()) {
      return CLibrary.memoryFile(CFunction.callState(scratch), "sharevm-ram");
    } catch (IllegalStateException _) {
      return -1;
    }
  }

  private static void checkSize(long bytes) {
    if (bytes < MINIMUM_BYTES || bytes > MAXIMUM_BYTES || bytes % PAGE_BYTES != 0) {
      throw new IllegalArgumentException(
          "a guest's memory is 16 MiB to 65 GiB in whole pages of 4 KiB, not " + bytes + " bytes");
    }
  }
}
