package sharevm.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Memory of small machines that is like that of real ones: a mapping that can be had twice. */
public final class SharedMemory {
  private SharedMemory() {}

  /** Returns zeroed memory, which goes when it is no longer reachable. */
  public static MemorySegment allocate(long bytes) {
    try {
      Path file = Files.createTempFile("sharevm-", ".ram");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(MapMode.READ_WRITE, 0, bytes, Arena.ofAuto());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
