package sharevm.disk.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sharevm.disk.DiskException;
import sharevm.disk.Disks;

/** Counting entries of tables that lie in several pages of the cache. */
final class MetaCacheTest {
  private static final int PAGE = 512;
  private static final int PAGES = 16;

  @TempDir private Path folder;
  private Storage file;

  @BeforeEach
  void makeAFile() throws DiskException {
    file = Storages.host().open(folder.resolve("tables"), FileStorage.Mode.CREATE);
    file.setSize(PAGES * PAGE);
  }

  @AfterEach
  void closeIt() throws DiskException {
    file.close();
  }

  /** Stretches of numbers that rise by {@code step}, which is what tables are made of. */
  private static long[] stretches(Random random, int count, long step) {
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = i > 0 && random.nextInt(40) > 0 ? values[i - 1] + step : random.nextInt(1 << 20);
    }
    return values;
  }

  private static int counted(long[] values, int from, int most, long step) {
    int count = 1;
    while (count < most && values[from + count] == values[from + count - 1] + step) {
      count++;
    }
    return count;
  }

  @Test
  void longs() throws DiskException {
    Random random = new Random(Disks.seed());
    for (long step : new long[] {0, 1 << 16}) {
      long[] values = stretches(random, PAGES * PAGE / 8, step);
      ByteBuffer bytes = ByteBuffer.allocate(PAGES * PAGE).order(ByteOrder.BIG_ENDIAN);
      bytes.asLongBuffer().put(values);
      file.write(bytes, 0);
      MetaCache cache = new MetaCache(file, PAGE, 4, ByteOrder.BIG_ENDIAN);
      for (int i = 0; i < 1000; i++) {
        int from = random.nextInt(values.length);
        int most = 1 + random.nextInt(values.length - from);
        assertThat(cache.countLongs(from * 8L, most, step))
            .isEqualTo(counted(values, from, most, step));
      }
    }
  }

  @Test
  void ints() throws DiskException {
    Random random = new Random(Disks.seed());
    for (int step : new int[] {0, 128}) {
      long[] values = stretches(random, PAGES * PAGE / 4, step);
      ByteBuffer bytes = ByteBuffer.allocate(PAGES * PAGE).order(ByteOrder.LITTLE_ENDIAN);
      for (long value : values) {
        bytes.putInt((int) value);
      }
      file.write(bytes.flip(), 0);
      MetaCache cache = new MetaCache(file, PAGE, 4, ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < 1000; i++) {
        int from = random.nextInt(values.length);
        int most = 1 + random.nextInt(values.length - from);
        assertThat(cache.countInts(from * 4L, most, step))
            .isEqualTo(counted(values, from, most, step));
      }
    }
  }

  @Test
  void bytes() throws DiskException {
    MetaCache cache = new MetaCache(file, PAGE, 4, ByteOrder.BIG_ENDIAN);
    cache.fill(PAGE / 2, 3 * PAGE, 0xff);
    assertThat(cache.countBytes(PAGE / 2, PAGES * PAGE / 2, 0xff)).isEqualTo(3 * PAGE);
    assertThat(cache.countBytes(PAGE / 2 + 5, 17, 0xff)).isEqualTo(17);
    assertThat(cache.countBytes(0, PAGE, 0xff)).isZero();
    assertThat(cache.countBytes(0, PAGE, 0)).isEqualTo(PAGE / 2);
  }
}
