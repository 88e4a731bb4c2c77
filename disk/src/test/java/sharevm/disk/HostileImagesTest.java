package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Qcow2.Compression;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.DiskFormat.Vmdk.Variant;

/**
 * Images with random bytes changed, cut off or extended: whatever is done with them ends soon, and
 * with a {@link DiskException} if not well. A failure is repeated with -Dsharevm.seed.
 */
class HostileImagesTest {
  private static final int SIZE = 1 << 20;
  private static final int MOST_READ = 8 << 20;
  private static final long[] INTERESTING = {
    0,
    1,
    -1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fffffff,
    0x80000000L,
    0xffffffffL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    512,
    4096,
    65536,
    1 << 20
  };

  @TempDir Path dir;

  static Stream<DiskFormat> formats() {
    return Stream.of(
        new Qcow2(3, 12, Compression.ZLIB, false, false),
        new Qcow2(3, 16, Compression.ZSTD, true, false),
        new Vhd(false, 65536, false),
        new Vhd(true, 0, false),
        new Vhdx(false, 1 << 20, 512),
        new Vmdk(Variant.MONOLITHIC_SPARSE, "ide"),
        new Vmdk(Variant.MONOLITHIC_FLAT, "ide"),
        new Vmdk(Variant.STREAM_OPTIMIZED, "ide"),
        new Vdi(false));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void damageIsAnErrorAndNoMore(DiskFormat format) throws Exception {
    run(format, Disks.seed(), 60);
  }

  /** Lasts -Dsharevm.minutes, a tenth of one if not given. */
  @Test
  @Tag("long")
  void forLong() throws Exception {
    double minutes = Double.parseDouble(System.getProperty("sharevm.minutes", "0.1"));
    long end = System.nanoTime() + (long) (6e10 * minutes);
    for (long seed = Disks.seed(); System.nanoTime() < end; seed++) {
      for (DiskFormat format : formats().toList()) {
        run(format, seed, 200);
      }
    }
  }

  private void run(DiskFormat format, long seed, int rounds) throws Exception {
    Path good = make(format, seed);
    byte[] bytes = Files.readAllBytes(good);
    List<Integer> places = new ArrayList<>();
    for (int at = 0; at < bytes.length; at++) {
      if (bytes[at] != 0 && at < 4 << 20) {
        places.add(at);
      }
    }
    for (int round = 0; round < rounds; round++) {
      Random random = new Random(seed * 31 + round);
      byte[] bad = damage(bytes, places, random);
      Path path = Files.write(good.resolveSibling("bad"), bad);
      long start = processorTime();
      try {
        use(path, format, random);
      } catch (RuntimeException | Error e) {
        throw new AssertionError(format + " seed " + seed + " round " + round, e);
      }
      long seconds = (processorTime() - start) / 1_000_000_000;
      assertThat(seconds).as(format + " seed " + seed + " round " + round).isLessThan(20);
    }
  }

  /**
   * Of this thread, in nanoseconds: how busy the machine is with other things says nothing of an
   * image.
   */
  private static long processorTime() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private Path make(DiskFormat format, long seed) throws Exception {
    Path place = Files.createTempDirectory(dir, "hostile");
    Path good = place.resolve("good." + format.name());
    Path raw = Disks.rawFile(place.resolve("raw"), Disks.content(SIZE, seed));
    ConvertOptions options = ConvertOptions.usual().withoutSync();
    boolean packed = format instanceof Qcow2 qcow2 && !qcow2.extendedL2();
    try (DiskImage source = DiskImages.open(raw, OpenOptions.forReading())) {
      DiskImages.convert(source, good, format, packed ? options.compressing() : options);
    }
    if (format instanceof Qcow2) {
      try (DiskImage image = new Opener(Disks.unforced()).open(good, OpenOptions.forWriting())) {
        image.capability(Snapshots.class).orElseThrow().takeSnapshot("s");
      }
    }
    return good;
  }

  private static byte[] damage(byte[] good, List<Integer> places, Random random) {
    byte[] bad = good.clone();
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      // Half of the damage goes where headers usually are.
      int at =
          random.nextBoolean()
              ? random.nextInt(Math.min(bad.length, 1200))
              : places.get(random.nextInt(places.size()));
      ByteBuffer value = ByteBuffer.allocate(8);
      if (random.nextBoolean()) {
        value.putLong(0, INTERESTING[random.nextInt(INTERESTING.length)]);
      } else {
        value.putLong(0, random.nextLong() >>> random.nextInt(64));
      }
      int length = Math.min(1 << random.nextInt(4), bad.length - at);
      System.arraycopy(value.array(), 8 - length, bad, at, length);
    }
    return random.nextInt(8) == 0 ? java.util.Arrays.copyOf(bad, random.nextInt(bad.length)) : bad;
  }

  private static void use(Path path, DiskFormat format, Random random) throws Exception {
    boolean write = random.nextInt(3) == 0;
    OpenOptions options = write ? OpenOptions.forWriting() : OpenOptions.forReading();
    Optional<String> named = random.nextBoolean() ? Optional.of(format.name()) : Optional.empty();
    OpenOptions full = named.map(options::withFormat).orElse(options).withoutParents();
    try (Chain image = new Opener(Disks.unforced()).open(path, full)) {
      image.info();
      for (long at = 0; at < Math.min(image.size(), MOST_READ); at += 65536) {
        int length = (int) Math.min(65536, image.size() - at);
        attempt(() -> image.read(ByteBuffer.allocate(length), at(image, length, random)));
        attempt(() -> image.extent(at(image, 1, random), 1 << 20));
      }
      if (image.size() < 1L << 34) {
        attempt(() -> image.links().getFirst().layer().check(write));
      }
      if (write && image.size() > 4096) {
        attempt(() -> image.write(ByteBuffer.allocate(4096), at(image, 4096, random)));
        attempt(() -> image.writeZeroes(at(image, 4096, random), 4096));
      }
    } catch (DiskException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  private static long at(DiskImage image, long length, Random random) {
    long room = Math.min(image.size(), MOST_READ) - length;
    return room <= 0 ? 0 : random.nextLong(room + 1);
  }

  private interface Attempt {
    void run() throws DiskException;
  }

  private static void attempt(Attempt action) {
    try {
      action.run();
    } catch (DiskException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
