package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import sharevm.disk.io.Storages;

/** Content for tests, and its comparison. */
public final class Disks {
  private Disks() {}

  /** The seed of a random test: given by -Dsharevm.seed, or new; print it when a test fails. */
  public static long seed() {
    return Long.getLong("sharevm.seed", System.nanoTime());
  }

  /** Files that do not wait for stable storage and can have holes, for tests that cut no power. */
  static Storages unforced() {
    Storages host = Storages.host(true, ZeroingHost.files());
    return (path, mode) -> new UnforcedStorage(host.open(path, mode));
  }

  /** A disk's content with data, zeroes and repeated bytes in stretches of many lengths. */
  public static byte[] content(int size, long seed) {
    Random random = new Random(seed);
    byte[] bytes = new byte[size];
    for (int at = 0; at < size; ) {
      int length = Math.min(size - at, 512 * (1 + random.nextInt(400)));
      switch (random.nextInt(4)) {
        case 0 -> {
          byte[] noise = new byte[length];
          random.nextBytes(noise);
          System.arraycopy(noise, 0, bytes, at, length);
        }
        case 1 -> java.util.Arrays.fill(bytes, at, at + length, (byte) (1 + random.nextInt(255)));
        default -> {
          // Left zero.
        }
      }
      at += length;
    }
    return bytes;
  }

  /** Writes what is not zero of a content to an image, in pieces of odd lengths and order. */
  public static void writeAll(DiskImage image, byte[] content, long seed) throws DiskException {
    Random random = new Random(seed);
    int piece = 512 * (1 + random.nextInt(300));
    int pieces = (content.length + piece - 1) / piece;
    int step = pieces > 2 ? pieces / 2 + 1 : 1;
    while (pieces % step == 0 && step > 1 || gcd(pieces, step) != 1) {
      step++;
    }
    for (int i = 0, at = 0; i < pieces; i++, at = (at + step) % pieces) {
      int from = at * piece;
      int length = Math.min(piece, content.length - from);
      if (!isZero(content, from, length)) {
        image.write(ByteBuffer.wrap(content, from, length), from);
      }
    }
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  private static boolean isZero(byte[] bytes, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /** All of a disk. */
  public static byte[] readAll(DiskImage image) throws DiskException {
    ByteBuffer all = ByteBuffer.allocate((int) image.size());
    image.read(all, 0);
    return all.array();
  }

  /** All of the disk of an image file. */
  public static byte[] readAll(Path path) throws DiskException {
    try (DiskImage image = DiskImages.open(path, OpenOptions.forReading())) {
      return readAll(image);
    }
  }

  /** Fails at the first byte that differs. */
  public static void assertSame(byte[] actual, byte[] expected) {
    assertThat(actual.length).isEqualTo(expected.length);
    int at = java.util.Arrays.mismatch(actual, expected);
    assertThat(at).as("first byte that differs").isEqualTo(-1);
  }

  /** Writes a raw file. */
  public static Path rawFile(Path path, byte[] content) throws IOException {
    return Files.write(path, content);
  }

  /** Changes bytes of a file. */
  public static void patch(Path path, long offset, byte... bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(offset);
      file.write(bytes);
    }
  }
}
