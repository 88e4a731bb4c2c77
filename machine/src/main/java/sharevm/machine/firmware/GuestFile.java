package sharevm.machine.firmware;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The bytes of a kernel or of a module, with the name by which errors speak of it. Reads are
 * little-endian; one past the end is a {@link LoaderException} that calls the file truncated.
 *
 * @param name how its owner knows it, a path as a rule
 * @param bytes its content
 */
public record GuestFile(String name, MemorySegment bytes) {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Returns one over an array that is not copied. */
  public static GuestFile of(String name, byte[] bytes) {
    return new GuestFile(name, MemorySegment.ofArray(bytes));
  }

  /** Maps a file for reading; it stays mapped as long as the arena lives. */
  public static GuestFile map(Path path, Arena arena) {
    if (Files.isDirectory(path)) {
      throw new LoaderException(path + ": is a folder; name the file in it");
    }
    try (FileChannel channel = FileChannel.open(path)) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      return new GuestFile(path.toString(), bytes);
    } catch (NoSuchFileException e) {
      throw new LoaderException(path + ": no such file; check the path", e);
    } catch (AccessDeniedException e) {
      throw new LoaderException(path + ": may not be read; check its permissions", e);
    } catch (IOException e) {
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new LoaderException(path + ": cannot be read: " + why + "; choose another", e);
    }
  }

  /** Gives the host's memory for a mapped file back; what is read of it again is fetched again. */
  public void unload() {
    if (bytes.isMapped()) {
      bytes.unload();
    }
  }

  /** Returns the size in bytes. */
  public long size() {
    return bytes.byteSize();
  }

  /** Returns whether a range lies in the file. */
  public boolean contains(long offset, long length) {
    return contains(size(), offset, length);
  }

  private static boolean contains(long size, long offset, long length) {
    return offset >= 0 && length >= 0 && offset <= size && length <= size - offset;
  }

  /** Returns a range. */
  public MemorySegment slice(long offset, long length) {
    checkContains(size(), offset, length);
    return bytes.asSlice(offset, length);
  }

  /** Refuses the file if a range is not within its first {@code size} bytes. */
  void checkContains(long size, long offset, long length) {
    if (!contains(size, offset, length)) {
      throw new LoaderException(
          "%s: truncated: ends at byte %d, %d bytes at %d are missing; fetch it again"
              .formatted(name, size, length, offset));
    }
  }

  /** Reads a byte, zero-extended. */
  public int u8(long offset) {
    return slice(offset, 1).get(ValueLayout.JAVA_BYTE, 0) & 0xFF;
  }

  /** Reads 2 bytes, zero-extended. */
  public int u16(long offset) {
    return slice(offset, 2).get(U16, 0) & 0xFFFF;
  }

  /** Reads 4 bytes, zero-extended. */
  public long u32(long offset) {
    return slice(offset, 4).get(U32, 0) & 0xFFFF_FFFFL;
  }

  /** Reads 8 bytes. */
  public long u64(long offset) {
    return slice(offset, 8).get(U64, 0);
  }

  /** Copies a range into a guest's memory. */
  void copyTo(PhysicalMemory memory, long address, long offset, long length) {
    memory.prepare(address, length);
    memory.slice(address, length).copyFrom(slice(offset, length));
  }
}
