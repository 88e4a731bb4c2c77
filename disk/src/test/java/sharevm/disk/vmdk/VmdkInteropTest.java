package sharevm.disk.vmdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.DiskFormat.Vmdk.Variant;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.Mounted;
import sharevm.disk.OpenOptions;
import sharevm.disk.Tools;
import sharevm.disk.io.Bytes;

/** VMDKs of qemu-img's making read here, and ours read by qemu-img and libvmdk. */
class VmdkInteropTest {
  private static final int SIZE = 35 << 20;

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "subformat=monolithicSparse",
        "subformat=monolithicSparse,zeroed_grain=on",
        "subformat=monolithicSparse,compat6=on",
        "subformat=monolithicFlat",
        "subformat=twoGbMaxExtentSparse",
        "subformat=twoGbMaxExtentFlat",
        "subformat=streamOptimized",
        "subformat=monolithicSparse,adapter_type=lsilogic"
      })
  void readsTheirs(String options) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path image = dir.resolve("a.vmdk");
    Tools.run("qemu-img", "convert", "-O", "vmdk", "-o", options, raw, image);
    Disks.assertSame(Disks.readAll(image), content);
    assertThat(DiskImages.check(image).isClean()).isTrue();
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forReading())) {
      assertThat(options).contains(disk.info().variant());
      assertThat(disk.info().properties())
          .containsEntry("adapter type", options.contains("lsi") ? "lsilogic" : "ide");
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STREAM_OPTIMIZED")
  void writesForThem(Variant variant) throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vmdk");
    DiskImages.create(path, new Vmdk(variant, "lsilogic"), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 3);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(path), content);
    assertThat(DiskImages.check(path).isClean()).isTrue();
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", raw, path);
    if (variant == Variant.MONOLITHIC_SPARSE) {
      Tools.run("qemu-img", "check", "-f", "vmdk", path);
      Disks.assertSame(Mounted.read("vmdkmount", path, dir.resolve("mnt"), "vmdk1"), content);
    }
    assertThat(Tools.run("vmdkinfo", path)).contains(SIZE + " bytes");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"subformat=monolithicSparse", "subformat=monolithicSparse,zeroed_grain=on"})
  void writesIntoTheirs(String options) throws Exception {
    byte[] content = Disks.content(SIZE, 4);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vmdk");
    Tools.run("qemu-img", "convert", "-O", "vmdk", "-o", options, raw, path);
    byte[] more = Disks.content(3 << 20, 5);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), (31 << 20) + 1000);
      System.arraycopy(more, 0, content, (31 << 20) + 1000, more.length);
      image.writeZeroes(5 << 20, 1 << 20);
      Arrays.fill(content, 5 << 20, 6 << 20, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.rawFile(raw, content);
    Tools.run("qemu-img", "check", "-f", "vmdk", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", raw, path);
  }

  @Test
  void splitSparseDisksCrossTheirBorders() throws Exception {
    long size = 5L << 30;
    Path path = dir.resolve("a.vmdk");
    DiskImages.create(path, new Vmdk(Variant.TWO_GB_SPARSE, "ide"), size);
    byte[] more = Disks.content(2 << 20, 6);
    long border = 2047L << 20;
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      assertThat(image.size()).isEqualTo(size);
      image.write(ByteBuffer.wrap(more), border - (1 << 20));
    }
    assertThat(dir.resolve("a-s003.vmdk")).exists();
    Path part = dir.resolve("part.raw");
    Tools.run(
        "qemu-img",
        "dd",
        "-f",
        "vmdk",
        "-O",
        "raw",
        "bs=1M",
        "skip=2046",
        "count=2048",
        "if=" + path,
        "of=" + part);
    byte[] read = Arrays.copyOf(Files.newInputStream(part).readNBytes(more.length), more.length);
    Disks.assertSame(read, more);
  }

  @Test
  void deltaLinksGoBothWays() throws Exception {
    byte[] content = Disks.content(SIZE, 7);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path base = dir.resolve("base.vmdk");
    Path middle = dir.resolve("middle.vmdk");
    Path top = dir.resolve("top.vmdk");
    Tools.run("qemu-img", "convert", "-O", "vmdk", raw, base);
    Tools.run("qemu-img", "create", "-q", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", middle);
    DiskImages.createOverlay(top, Vmdk.sparse(), middle);
    byte[] more = Disks.content(3 << 20, 8);
    try (DiskImage image = DiskImages.open(top, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 777);
      System.arraycopy(more, 0, content, 777, more.length);
      image.writeZeroes((33 << 20) + 5, 1 << 20);
      Arrays.fill(content, (33 << 20) + 5, (34 << 20) + 5, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.rawFile(raw, content);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", raw, top);
    Disks.assertSame(Disks.readAll(top), content);
  }

  @Test
  void changedParentIsNamedBeforeTheFirstRead() throws Exception {
    Path base = dir.resolve("base.vmdk");
    Path child = dir.resolve("child.vmdk");
    DiskImages.create(base, Vmdk.sparse(), SIZE);
    DiskImages.createOverlay(child, Vmdk.sparse(), base);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(new byte[] {1}), 0);
    }
    assertThatThrownBy(() -> DiskImages.open(child, OpenOptions.forReading()))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.PARENT_CHANGED))
        .hasMessageContaining("rebase --unsafe");
  }

  @Test
  void renamedFilesStillOpen() throws Exception {
    byte[] content = Disks.content(SIZE, 9);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path sparse = dir.resolve("sparse.vmdk");
    Path flat = dir.resolve("flat.vmdk");
    Tools.run("qemu-img", "convert", "-O", "vmdk", raw, sparse);
    Tools.run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=monolithicFlat", raw, flat);
    Path renamed = Files.move(sparse, dir.resolve("other.vmdk"));
    Disks.assertSame(Disks.readAll(renamed), content);
    Files.move(dir.resolve("flat-flat.vmdk"), dir.resolve("new-flat.vmdk"));
    Path renamedFlat = Files.move(flat, dir.resolve("new.vmdk"));
    Disks.assertSame(Disks.readAll(renamedFlat), content);
    try (DiskImage image = DiskImages.open(renamedFlat, OpenOptions.forReading())) {
      assertThat(image.info().oddities()).anyMatch(odd -> odd.contains("renamed"));
    }
  }

  @Test
  void extentsElsewhereAreRefused() throws Exception {
    Path path = dir.resolve("a.vmdk");
    Files.writeString(
        path,
        """
        # Disk DescriptorFile
        version=1
        CID=1
        parentCID=ffffffff
        createType="monolithicFlat"
        RW 1 FLAT "/etc/passwd" 0
        """);
    assertThatThrownBy(() -> DiskImages.open(path, OpenOptions.forReading()))
        .isInstanceOf(DiskException.class)
        .hasMessageContaining("outside its directory");
  }

  @Test
  void refusedDescriptorsLeaveNoExtentOpen() throws Exception {
    Path path = dir.resolve("a.vmdk");
    Path extent = dir.resolve("a-flat.vmdk");
    Files.write(extent, new byte[512]);
    Files.writeString(
        path,
        """
        # Disk DescriptorFile
        version=1
        CID=nonsense
        parentCID=ffffffff
        createType="monolithicFlat"
        RW 1 FLAT "a-flat.vmdk" 0
        """);
    assertThatThrownBy(() -> DiskImages.open(path, OpenOptions.forReading()))
        .isInstanceOf(DiskException.class);
    OpenOptions writing = OpenOptions.forWriting().withFormat("raw");
    try (DiskImage image = DiskImages.open(extent, writing)) {
      assertThat(image.size()).isEqualTo(512);
    }
  }

  @Test
  void redundantTablesAreComparedAndMended() throws Exception {
    Path path = dir.resolve("a.vmdk");
    DiskImages.create(path, Vmdk.sparse(), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(Disks.content(1 << 20, 1)), 0);
    }
    Disks.patch(path, (21 + 1) * 512L, (byte) 77);
    assertThat(DiskImages.check(path).errors()).isEqualTo(1);
    try (var file =
            sharevm.disk.io.Storages.host().open(path, sharevm.disk.io.FileStorage.Mode.WRITE);
        var layer = VmdkOpener.open(file, sharevm.disk.io.Storages.host())) {
      assertThat(layer.check(true).isClean()).isTrue();
    }
    assertThat(DiskImages.check(path).isClean()).isTrue();
  }

  /** Made by hand as ESX makes it, since no free program does; QEMU reads it as well. */
  @ParameterizedTest
  @CsvSource({"SESPARSE", "VMFSSPARSE"})
  void readsEsxSparseExtents(String type) throws Exception {
    int size = 40 << 20;
    byte[] content = new byte[size];
    byte[] grain = Disks.content(4096, 3);
    Arrays.fill(grain, 0, 512, (byte) 5);
    System.arraycopy(grain, 0, content, 4096, 4096);
    System.arraycopy(grain, 0, content, 33 << 20, 4096);
    boolean se = type.equals("SESPARSE");
    Files.write(
        dir.resolve("a-x.vmdk"),
        se ? EsxImages.seSparse(size, grain) : EsxImages.cowd(size, grain));
    Path path = dir.resolve("a.vmdk");
    Files.writeString(
        path,
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\""
            + (se ? "seSparse" : "vmfsSparse")
            + "\"\n# Extent description\nRW "
            + size / 512
            + " "
            + type
            + " \"a-x.vmdk\"\n"
            + "# The Disk Data Base\n#DDB\nddb.adapterType = \"lsilogic\"\n");
    Disks.assertSame(Disks.readAll(path), content);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", raw, path);
  }

  /** Fields as named in the specification, at the offsets that it gives. */
  @Test
  void goldenHeader() throws Exception {
    Path path = dir.resolve("a.vmdk");
    DiskImages.create(path, Vmdk.sparse(), 1L << 30);
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(Bytes.ascii(file, 0, 4)).as("magicNumber").isEqualTo("KDMV");
    assertThat(file.getInt(4)).as("version").isEqualTo(1);
    assertThat(file.getInt(8)).as("flags").isEqualTo(3);
    assertThat(file.getLong(12)).as("capacity").isEqualTo(1 << 21);
    assertThat(file.getLong(20)).as("grainSize").isEqualTo(128);
    assertThat(file.getLong(28)).as("descriptorOffset").isEqualTo(1);
    assertThat(file.getLong(36)).as("descriptorSize").isEqualTo(20);
    assertThat(file.getInt(44)).as("numGTEsPerGT").isEqualTo(512);
    assertThat(file.getLong(48)).as("rgdOffset").isEqualTo(21);
    assertThat(file.getLong(56)).as("gdOffset").isEqualTo(21 + 1 + 32 * 4);
    assertThat(file.getLong(64) % 128).as("overHead").isZero();
    assertThat(file.get(72)).as("uncleanShutdown").isZero();
    assertThat(Bytes.ascii(file, 73, 4)).as("line ends").isEqualTo("\n \r\n");
    assertThat(file.getInt(21 * 512)).as("first redundant table").isEqualTo(22);
  }
}
