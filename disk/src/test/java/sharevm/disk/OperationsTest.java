package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Qcow2.Compression;
import sharevm.disk.DiskFormat.Raw;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.DiskFormat.Vmdk.Variant;

/** What is done with whole images: convert, commit, rebase, compare, repair, resize, lock. */
class OperationsTest {
  private static final int SIZE = 9 << 20;

  private static final List<DiskFormat> FORMATS =
      List.of(
          new Raw(),
          Qcow2.usual(),
          Vhd.dynamic(),
          Vhdx.dynamic(),
          Vmdk.sparse(),
          new Vdi(false),
          new Vmdk(Variant.STREAM_OPTIMIZED, "lsilogic"),
          new Vmdk(Variant.TWO_GB_FLAT, "ide"));

  @TempDir Path dir;

  static Stream<Arguments> pairs() {
    return FORMATS.stream().flatMap(a -> FORMATS.stream().map(b -> Arguments.of(a, b)));
  }

  private Path convert(Path from, Path to, DiskFormat format, ConvertOptions options)
      throws DiskException {
    try (DiskImage source = DiskImages.open(from, OpenOptions.forReading())) {
      DiskImages.convert(source, to, format, options.withoutSync());
    }
    return to;
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void convertsAnyToAny(DiskFormat from, DiskFormat to) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    Path first = convert(raw, dir.resolve("first"), from, ConvertOptions.usual());
    Path second = convert(first, dir.resolve("second"), to, ConvertOptions.usual());
    Disks.assertSame(Disks.readAll(second), content);
    assertThat(DiskImages.check(second).isClean()).isTrue();
    try (Stream<Path> files = Files.list(dir)) {
      assertThat(files.map(Path::toString)).noneMatch(name -> name.endsWith(".part"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ZLIB", "ZSTD", "stream"})
  void compressedTargetsAreReadByQemu(String how) throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    boolean stream = how.equals("stream");
    DiskFormat format =
        stream
            ? new Vmdk(Variant.STREAM_OPTIMIZED, "lsilogic")
            : new Qcow2(3, 16, Compression.valueOf(how), false, false);
    ConvertOptions options = stream ? ConvertOptions.usual() : ConvertOptions.usual().compressing();
    Path image = convert(raw, dir.resolve("image"), format, options);
    Disks.assertSame(Disks.readAll(image), content);
    assertThat(Files.size(image)).isLessThan(SIZE / 2);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", format.name(), raw, image);
    if (!stream) {
      Tools.run("qemu-img", "check", "-f", "qcow2", image);
    } else {
      assertThat(Tools.run("vmdkinfo", image)).contains("Stream optimized");
      Disks.assertSame(Mounted.read("vmdkmount", image, dir.resolve("mnt"), "vmdk1"), content);
    }
  }

  @Test
  void targetIsWholeOrNotThere() throws Exception {
    Path damaged = dir.resolve("damaged.qcow2");
    byte[] content = Disks.content(SIZE, 3);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    Tools.run("qemu-img", "convert", "-O", "qcow2", raw, damaged);
    // The second L2 entry now points past the end.
    Disks.patch(damaged, 4 * 65536 + 8, (byte) 0x80, (byte) 0, (byte) 0, (byte) 0x70);
    byte[] before = Files.readAllBytes(damaged);
    Path target = dir.resolve("target.vhdx");
    assertThatThrownBy(() -> convert(damaged, target, Vhdx.dynamic(), ConvertOptions.usual()))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CORRUPT));
    assertThat(target).doesNotExist();
    assertThat(dir.resolve(".target.vhdx.part")).doesNotExist();
    try (DiskImage source = DiskImages.open(damaged, OpenOptions.forReading())) {
      ConvertReport report =
          DiskImages.convert(source, target, Vhdx.dynamic(), ConvertOptions.usual().salvaging());
      assertThat(report.lostBytes()).isEqualTo(65536);
      assertThat(report.lost().getFirst().position()).isEqualTo(65536);
    }
    Arrays.fill(content, 65536, 2 * 65536, (byte) 0);
    Disks.assertSame(Disks.readAll(target), content);
    assertThat(Files.readAllBytes(damaged)).as("the source").isEqualTo(before);
  }

  @Test
  void leftoversOfAKilledRunAreRemoved() throws Exception {
    Path raw = Disks.rawFile(dir.resolve("raw"), Disks.content(SIZE, 4));
    Path left = Files.createDirectory(dir.resolve(".t.vhd.part")).resolve("t.vhd");
    Files.write(left, new byte[1000]);
    Path target = convert(raw, dir.resolve("t.vhd"), Vhd.dynamic(), ConvertOptions.usual());
    assertThat(target).exists();
    assertThat(left.getParent()).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "vhd", "vhdx", "vmdk", "vdi"})
  void commitMovesTheContentDown(String name) throws Exception {
    DiskFormat format = DiskFormat.named(name).orElseThrow();
    Path base = dir.resolve("base." + name);
    Path child = dir.resolve("child." + name);
    byte[] content = Disks.content(SIZE, 5);
    DiskImages.create(base, format, SIZE);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, format, base);
    byte[] more = Disks.content(2 << 20, 6);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 1234);
      System.arraycopy(more, 0, content, 1234, more.length);
      image.writeZeroes(4 << 20, 3 << 20);
      Arrays.fill(content, 4 << 20, 7 << 20, (byte) 0);
    }
    DiskImages.commit(child);
    Disks.assertSame(Disks.readAll(base), content);
    Disks.assertSame(Disks.readAll(child), content);
  }

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "vhd", "vhdx", "vmdk"})
  void rebaseKeepsTheContentOrAcceptsANewParent(String name) throws Exception {
    DiskFormat format = DiskFormat.named(name).orElseThrow();
    Path a = dir.resolve("a." + name);
    Path b = dir.resolve("b." + name);
    Path child = dir.resolve("child." + name);
    byte[] content = Disks.content(SIZE, 7);
    byte[] other = content.clone();
    Arrays.fill(other, 3 << 20, 5 << 20, (byte) 7);
    for (Path path : List.of(a, b)) {
      DiskImages.create(path, format, SIZE);
      try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
        image.write(ByteBuffer.wrap(path.equals(a) ? content : other), 0);
      }
    }
    DiskImages.createOverlay(child, format, a);
    DiskImages.rebase(child, Optional.of(b), false);
    Disks.assertSame(Disks.readAll(child), content);
    Path second = dir.resolve("second." + name);
    DiskImages.createOverlay(second, format, a);
    Files.delete(a);
    DiskImages.rebase(second, Optional.of(b), true);
    Disks.assertSame(Disks.readAll(second), other);
    try (DiskImage x = DiskImages.open(child, OpenOptions.forReading());
        DiskImage y = DiskImages.open(second, OpenOptions.forReading())) {
      assertThat(DiskImages.compare(x, y)).isEqualTo(Arrays.mismatch(content, other));
    }
  }

  @Test
  void repairKeepsACopyOfWhatItChanges() throws Exception {
    Path raw = Disks.rawFile(dir.resolve("raw"), Disks.content(SIZE, 8));
    Path image = convert(raw, dir.resolve("a.qcow2"), Qcow2.usual(), ConvertOptions.usual());
    byte[] good = Files.readAllBytes(image);
    Disks.patch(image, 2 * 65536 + 20, (byte) 0, (byte) 9);
    byte[] bad = Files.readAllBytes(image);
    Path journal = dir.resolve("journal");
    assertThat(DiskImages.repair(image, journal).isClean()).isTrue();
    assertThat(Files.readAllBytes(image)).isEqualTo(good);
    ByteBuffer kept = ByteBuffer.wrap(Files.readAllBytes(journal));
    byte[] undone = Files.readAllBytes(image);
    while (kept.hasRemaining()) {
      long at = kept.getLong();
      kept.get(undone, (int) at, (int) kept.getLong());
    }
    assertThat(undone).isEqualTo(bad);
  }

  @Test
  void growingOnALargerParentShowsZeroes() throws Exception {
    Path base = Disks.rawFile(dir.resolve("base.raw"), Disks.content(SIZE, 9));
    Path child = dir.resolve("child.qcow2");
    Tools.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", child, "4M");
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.capability(Resizable.class).orElseThrow().resize(12 << 20);
      byte[] expected = Arrays.copyOf(Arrays.copyOf(Files.readAllBytes(base), 4 << 20), 12 << 20);
      Disks.assertSame(Disks.readAll(image), expected);
    }
  }

  @Test
  void oneWriterOrManyReaders() throws Exception {
    Path path = dir.resolve("a.qcow2");
    DiskImages.create(path, Qcow2.usual(), SIZE);
    try (DiskImage writer = DiskImages.open(path, OpenOptions.forWriting())) {
      assertThat(writer.writable()).isTrue();
      assertLocked(path, OpenOptions.forReading());
      assertLocked(path, OpenOptions.forWriting());
      DiskImages.open(path, OpenOptions.forReading().unlocked()).close();
      assertThat(Tools.tryRun("qemu-io", "-c", "write 0 512", path).output()).contains("lock");
      assertThat(Tools.tryRun("qemu-img", "info", path).output()).contains("lock");
    }
    try (DiskImage first = DiskImages.open(path, OpenOptions.forReading());
        DiskImage second = DiskImages.open(path, OpenOptions.forReading())) {
      assertThat(first.size()).isEqualTo(second.size());
      assertLocked(path, OpenOptions.forWriting());
      Tools.run("qemu-img", "info", path);
      assertThat(Tools.tryRun("qemu-io", "-c", "write 0 512", path).output()).contains("lock");
    }
    Tools.run("qemu-io", "-c", "write 0 512", path);
  }

  private static void assertLocked(Path path, OpenOptions options) {
    assertThatThrownBy(() -> DiskImages.open(path, options))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.LOCKED));
  }

  @Test
  void loopsAreNoticed() throws Exception {
    Path a = dir.resolve("a.qcow2");
    Path b = dir.resolve("b.qcow2");
    DiskImages.create(a, Qcow2.usual(), SIZE);
    DiskImages.createOverlay(b, Qcow2.usual(), a);
    Tools.run("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", b, "-F", "qcow2", a);
    assertThatThrownBy(() -> DiskImages.open(a, OpenOptions.forReading()))
        .hasMessageContaining("back to itself");
  }

  @Test
  void interruptedThreadsReadOn() throws Exception {
    Path path = Disks.rawFile(dir.resolve("raw"), Disks.content(SIZE, 10));
    try (DiskImage image = DiskImages.open(path, OpenOptions.forReading())) {
      Thread.currentThread().interrupt();
      Disks.assertSame(Disks.readAll(image), Files.readAllBytes(cleared(path)));
    }
  }

  private static Path cleared(Path path) {
    assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
    return path;
  }

  static Stream<DiskFormat> growing() {
    return Stream.of(
        Vmdk.sparse(),
        new Vmdk(Variant.MONOLITHIC_FLAT, "ide"),
        new Vdi(false),
        new Vdi(true),
        Vhd.dynamic(),
        Vhdx.dynamic(),
        Qcow2.usual());
  }

  /** Large enough that tables must move, with data at the end of the old disk and of the new. */
  @ParameterizedTest
  @MethodSource("growing")
  void grownDisksAreReadByQemu(DiskFormat format) throws Exception {
    long larger = format instanceof Vdi vdi && vdi.fixed() ? 50 << 20 : 3L << 30;
    byte[] content = Disks.content(SIZE - 512, 5);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    Path image = convert(raw, dir.resolve("image"), format, ConvertOptions.usual());
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forWriting())) {
      disk.capability(Resizable.class).orElseThrow().resize(larger);
      assertThat(disk.size()).isEqualTo(larger);
      disk.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), larger - 512);
    }
    try (var file = new java.io.RandomAccessFile(raw.toFile(), "rw")) {
      file.seek(larger - 512);
      file.write(new byte[] {1, 2, 3});
      file.setLength(larger);
    }
    assertThat(DiskImages.check(image).isClean()).isTrue();
    String theirs = Creator.qemuName(format.name());
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", theirs, raw, image);
  }

  @Test
  void aVdiGrowsNoFurtherThanItsTable() throws Exception {
    Path image = dir.resolve("a.vdi");
    DiskImages.create(image, new Vdi(false), SIZE);
    byte[] before = Files.readAllBytes(image);
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forWriting())) {
      Resizable resizable = disk.capability(Resizable.class).orElseThrow();
      assertThatThrownBy(() -> resizable.resize(1L << 40)).hasMessageContaining("has room");
    }
    assertThat(Files.readAllBytes(image)).isEqualTo(before);
  }

  /** The last block ends behind the disk's end, and the layer below shows what is before it. */
  @ParameterizedTest
  @ValueSource(strings = {"vdi", "vhd", "vhdx", "vmdk", "qcow2"})
  void writesIntoTheLastBlockOfALayerThatIsNoMultipleOfBlocks(String name) throws Exception {
    int size = (3 << 20) + 5 * 512;
    byte[] content = Disks.content(size, 8);
    Path base = dir.resolve("base." + name);
    Path child = dir.resolve("child." + name);
    DiskFormat format = DiskFormat.named(name).orElseThrow();
    DiskImages.create(base, format, size);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, format, base);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), (3 << 20) + 600);
    }
    System.arraycopy(new byte[] {1, 2, 3}, 0, content, (3 << 20) + 600, 3);
    Disks.assertSame(Disks.readAll(child), content);
  }

  static Stream<DiskFormat> notShrinking() {
    return Stream.of(
        Vmdk.sparse(),
        new Vmdk(Variant.TWO_GB_SPARSE, "ide"),
        new Vdi(false),
        Vhd.dynamic(),
        Vhdx.dynamic());
  }

  @ParameterizedTest
  @MethodSource("notShrinking")
  void aRefusalToShrinkSaysWhatToDo(DiskFormat format) throws Exception {
    Path image = dir.resolve("image");
    DiskImages.create(image, format, SIZE);
    byte[] before = Files.readAllBytes(image);
    try (DiskImage disk =
        DiskImages.open(image, OpenOptions.forWriting().withFormat(format.name()))) {
      Resizable resizable = disk.capability(Resizable.class).orElseThrow();
      assertThatThrownBy(() -> resizable.resize(SIZE / 2))
          .hasMessageContaining("; convert it to raw, resize that, and convert it back");
    }
    assertThat(Files.readAllBytes(image)).isEqualTo(before);
  }

  static Stream<DiskFormat> writableFormats() {
    return FORMATS.stream()
        .filter(format -> !format.equals(new Vmdk(Variant.STREAM_OPTIMIZED, "lsilogic")));
  }

  /** Where the format has no word for a block that is stored and zero, the host frees it. */
  @ParameterizedTest
  @MethodSource("writableFormats")
  void whatIsDiscardedIsNotStoredAnyMore(DiskFormat format) throws Exception {
    Path image = dir.resolve("image");
    byte[] content = new byte[SIZE];
    Arrays.fill(content, (byte) 7);
    Creator.create(Disks.unforced(), image, format, SIZE, Optional.empty());
    int from = 3 << 20;
    int length = 2 << 20;
    try (DiskImage disk =
        new Opener(Disks.unforced())
            .open(image, OpenOptions.forWriting().withFormat(format.name()))) {
      disk.write(ByteBuffer.wrap(content), 0);
      disk.flush();
      disk.discard(from, length);
    }
    Arrays.fill(content, from, from + length, (byte) 0);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    String name = Creator.qemuName(format.name());
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", name, raw, image);
    assertThat(DiskImages.check(image).isClean()).isTrue();
  }
}
