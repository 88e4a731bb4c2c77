package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
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
import sharevm.disk.DiskFormat.Raw;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.DiskFormat.Vmdk.Variant;

/**
 * The same random operations on an image and on an array: both must show the same, now, after
 * opening anew, and to QEMU. A failure is repeated with -Dsharevm.seed.
 */
class RandomOperationsTest {
  private static final int SIZE = 5 << 20;

  @TempDir Path dir;

  static Stream<DiskFormat> formats() {
    return Stream.of(
        new Raw(),
        new Qcow2(3, 16, Compression.ZLIB, false, false),
        new Qcow2(3, 9, Compression.ZLIB, false, false),
        new Qcow2(2, 12, Compression.ZLIB, false, false),
        new Qcow2(3, 16, Compression.ZLIB, true, false),
        new Vhd(false, 4096, false),
        new Vhd(false, 2 << 20, false),
        new Vhd(true, 0, false),
        new Vhdx(false, 1 << 20, 512),
        new Vmdk(Variant.MONOLITHIC_SPARSE, "ide"),
        new Vmdk(Variant.MONOLITHIC_FLAT, "ide"),
        new Vdi(false));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void imageAndArrayAgree(DiskFormat format) throws Exception {
    long seed = Disks.seed();
    try {
      run(format, seed, 30, 0);
      if (!(format instanceof Raw)
          && !(format instanceof Vhd vhd && vhd.fixed())
          && !(format instanceof Vmdk vmdk && vmdk.variant() == Variant.MONOLITHIC_FLAT)) {
        run(format, seed + 1, 12, 2);
      }
    } catch (AssertionError | Exception e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  /** Lasts -Dsharevm.minutes, a tenth of one if not given. */
  @Test
  @Tag("long")
  void imageAndArrayAgreeForLong() throws Exception {
    long end =
        System.nanoTime()
            + (long) (6e10 * Double.parseDouble(System.getProperty("sharevm.minutes", "0.1")));
    long seed = Disks.seed();
    for (long round = seed; System.nanoTime() < end; round++) {
      for (DiskFormat format : formats().toList()) {
        try {
          run(format, round, 80, 0);
        } catch (AssertionError | Exception e) {
          throw new AssertionError(format + " seed " + round, e);
        }
      }
    }
  }

  private void run(DiskFormat format, long seed, int operations, int layers) throws Exception {
    Path place = Files.createTempDirectory(dir, "run");
    Random random = new Random(seed);
    byte[] model = new byte[SIZE];
    Path path = place.resolve("0." + format.name());
    Creator.create(Disks.unforced(), path, format, SIZE, Optional.empty());
    for (int layer = 0; layer <= layers; layer++) {
      if (layer > 0) {
        Path child = place.resolve(layer + "." + format.name());
        Creator.create(Disks.unforced(), child, format, -1, Optional.of(path));
        path = child;
      }
      model = operate(path, model, random, operations);
      Disks.assertSame(Disks.readAll(path), model);
    }
    assertThat(DiskImages.check(path).isClean()).as(DiskImages.check(path).toString()).isTrue();
    boolean theirs = layers == 0 || format instanceof Qcow2 || format instanceof Vmdk;
    if (theirs) {
      Path raw = Disks.rawFile(place.resolve("flat"), model);
      String name = Creator.qemuName(format.name());
      Tools.run("qemu-img", "compare", "-f", "raw", "-F", name, raw, path);
      if (format instanceof Qcow2) {
        Tools.run("qemu-img", "check", "-f", name, path);
      }
    }
  }

  private byte[] operate(Path path, byte[] start, Random random, int operations)
      throws DiskException {
    byte[] model = start.clone();
    Map<String, byte[]> kept = new HashMap<>();
    DiskImage image = new Opener(Disks.unforced()).open(path, OpenOptions.forWriting());
    try {
      for (int i = 0; i < operations; i++) {
        int unit = random.nextBoolean() ? 512 : 1;
        int at = random.nextInt(model.length / unit) * unit;
        int limit = 1 << 9 + random.nextInt(12);
        int length = Math.min(model.length - at, (1 + random.nextInt(limit)) * unit);
        switch (random.nextInt(12)) {
          case 0, 1, 2, 3, 4 -> {
            byte[] data = new byte[length];
            random.nextBytes(data);
            image.write(ByteBuffer.wrap(data), at);
            System.arraycopy(data, 0, model, at, length);
          }
          case 5, 6 -> {
            image.writeZeroes(at, length);
            Arrays.fill(model, at, at + length, (byte) 0);
          }
          case 7 -> {
            image.discard(at, length);
            ByteBuffer now = ByteBuffer.allocate(length);
            image.read(now, at);
            for (int b = 0; b < length; b++) {
              assertThat(now.get(b) == 0 || now.get(b) == model[at + b]).isTrue();
              model[at + b] = now.get(b);
            }
          }
          case 8 -> image.flush();
          case 9 -> {
            image.close();
            image = new Opener(Disks.unforced()).open(path, OpenOptions.forWriting());
          }
          case 10 -> model = snapshot(image, model, kept, random);
          default -> model = resize(image, model, random);
        }
        ByteBuffer some =
            ByteBuffer.allocate(Math.min(model.length - Math.min(at, model.length - 1), length));
        int from = Math.min(at, model.length - 1);
        image.read(some, from);
        assertThat(
                Arrays.mismatch(
                    some.array(), Arrays.copyOfRange(model, from, from + some.capacity())))
            .as("operation " + i)
            .isEqualTo(-1);
      }
    } finally {
      image.close();
    }
    return model;
  }

  private static byte[] snapshot(
      DiskImage image, byte[] model, Map<String, byte[]> kept, Random random) throws DiskException {
    Snapshots snapshots = image.capability(Snapshots.class).orElse(null);
    if (snapshots == null) {
      return model;
    }
    if (kept.isEmpty() || random.nextInt(3) == 0) {
      kept.put(snapshots.takeSnapshot("s" + kept.size()).id(), model.clone());
      return model;
    }
    String id =
        kept.keySet().stream().sorted().skip(random.nextInt(kept.size())).findFirst().orElseThrow();
    if (random.nextBoolean()) {
      snapshots.applySnapshot(id);
      return kept.get(id).clone();
    }
    snapshots.deleteSnapshot(id);
    kept.remove(id);
    return model;
  }

  private static byte[] resize(DiskImage image, byte[] model, Random random) throws DiskException {
    Resizable resizable = image.capability(Resizable.class).orElse(null);
    if (resizable == null) {
      return model;
    }
    int size = model.length + 512 * random.nextInt(600);
    resizable.resize(size);
    return Arrays.copyOf(model, size);
  }
}
