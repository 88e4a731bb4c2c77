package sharevm.disk.vhd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.Mounted;
import sharevm.disk.OpenOptions;
import sharevm.disk.Resizable;
import sharevm.disk.Tools;

/** VHDs of qemu-img's making read here, and ours read by qemu-img and vhdiinfo. */
class VhdInteropTest {
  private static final int SIZE = 9 << 20;

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {"subformat=dynamic", "subformat=fixed", "subformat=dynamic,force_size=on"})
  void readsTheirs(String options) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path image = dir.resolve("a.vhd");
    Tools.run("qemu-img", "convert", "-O", "vpc", "-o", options, raw, image);
    byte[] read = Disks.readAll(image);
    Path back = dir.resolve("b.raw");
    Tools.run("qemu-img", "convert", "-f", "vpc", "-O", "raw", image, back);
    Disks.assertSame(read, Files.readAllBytes(back));
    Disks.assertSame(java.util.Arrays.copyOf(read, SIZE), content);
    assertThat(DiskImages.check(image).isClean()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1000M,1048707072,geometry,''", "1000M,1048576000,current size,force_size=on"})
  void sizeIsTheOneThatTheCreatorGoesBy(String asked, long size, String by, String options)
      throws Exception {
    Path image = dir.resolve("a.vhd");
    String given = options.isEmpty() ? "subformat=dynamic" : options;
    Tools.run("qemu-img", "create", "-q", "-f", "vpc", "-o", given, image, asked);
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forReading())) {
      assertThat(disk.size()).isEqualTo(size);
      assertThat(disk.info().properties()).containsEntry("size by", by);
    }
  }

  @ParameterizedTest
  @CsvSource({"false,2097152", "false,4096", "false,524288", "true,0"})
  void writesForThem(boolean fixed, int block) throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vhd");
    DiskImages.create(path, new Vhd(fixed, block, true), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 3);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(path), content);
    assertThat(DiskImages.check(path).isClean()).isTrue();
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vpc", raw, path);
    assertThat(Tools.run("vhdiinfo", path)).contains(SIZE + " bytes");
  }

  @Test
  void writesIntoTheirs() throws Exception {
    byte[] content = Disks.content(SIZE, 4);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vhd");
    Tools.run("qemu-img", "convert", "-O", "vpc", "-o", "force_size=on", raw, path);
    byte[] more = Disks.content(3 << 20, 5);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 1000);
      System.arraycopy(more, 0, content, 1000, more.length);
      image.writeZeroes(5 << 20, 1 << 20);
      java.util.Arrays.fill(content, 5 << 20, 6 << 20, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.rawFile(raw, content);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vpc", raw, path);
  }

  @Test
  void differencingLayersAreReadByLibvhdi() throws Exception {
    byte[] content = Disks.content(SIZE, 6);
    Path base = dir.resolve("base.vhd");
    Path child = dir.resolve("child.vhd");
    DiskImages.create(base, Vhd.dynamic(), SIZE);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, Vhd.dynamic(), base);
    byte[] more = Disks.content(3 << 20, 7);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 700);
      System.arraycopy(more, 0, content, 700, more.length);
      image.writeZeroes(6 << 20, 12345);
      java.util.Arrays.fill(content, 6 << 20, (6 << 20) + 12345, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(child), content);
    assertThat(Tools.run("vhdiinfo", child)).contains("Differential").contains("base.vhd");
    Disks.assertSame(Mounted.read("vhdimount", child, dir.resolve("mnt"), "vhdi2"), content);
  }

  @Test
  void movedParentIsFoundBesideTheChild() throws Exception {
    Path there = Files.createDirectory(dir.resolve("there"));
    Path base = there.resolve("base.vhd");
    Path child = dir.resolve("child.vhd");
    DiskImages.create(base, Vhd.dynamic(), SIZE);
    DiskImages.createOverlay(child, Vhd.dynamic(), base);
    Files.move(base, dir.resolve("base.vhd"));
    assertThat(Disks.readAll(child)).containsOnly(0);
    Files.delete(dir.resolve("base.vhd"));
    assertKind(child, Kind.MISSING_PARENT);
    DiskImages.create(base, Vhd.dynamic(), SIZE);
    assertKind(child, Kind.PARENT_CHANGED);
  }

  private static void assertKind(Path path, Kind kind) {
    assertThatThrownBy(() -> DiskImages.open(path, OpenOptions.forReading()))
        .isInstanceOfSatisfying(DiskException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void growsForThem(boolean fixed) throws Exception {
    byte[] content = Disks.content(SIZE, 8);
    Path path = dir.resolve("a.vhd");
    DiskImages.create(path, new Vhd(fixed, 4096, false), SIZE);
    int larger = 17 << 20;
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
      image.capability(Resizable.class).orElseThrow().resize(larger);
      content = java.util.Arrays.copyOf(content, larger);
      Disks.assertSame(Disks.readAll(image), content);
      image.write(ByteBuffer.wrap(new byte[] {9}), larger - 1);
      content[larger - 1] = 9;
    }
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vpc", raw, path);
    Disks.assertSame(Disks.readAll(path), content);
  }

  /** Fields as named in the specification, at the offsets that it gives. */
  @Test
  void goldenFooter() throws Exception {
    Path path = dir.resolve("a.vhd");
    DiskImages.create(path, Vhd.dynamic(), SIZE);
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.BIG_ENDIAN);
    assertThat(new String(file.array(), 0, 8, StandardCharsets.US_ASCII))
        .as("Cookie")
        .isEqualTo("conectix");
    assertThat(file.getInt(8)).as("Features").isEqualTo(2);
    assertThat(file.getInt(12)).as("File Format Version").isEqualTo(0x00010000);
    assertThat(file.getLong(16)).as("Data Offset").isEqualTo(512);
    assertThat(new String(file.array(), 28, 4, StandardCharsets.US_ASCII))
        .as("Creator Application")
        .isEqualTo("win ");
    assertThat(file.getLong(48)).as("Current Size").isEqualTo(SIZE);
    assertThat(file.getInt(60)).as("Disk Type").isEqualTo(3);
    assertThat(new String(file.array(), 512, 8, StandardCharsets.US_ASCII))
        .as("Cookie")
        .isEqualTo("cxsparse");
    assertThat(file.getLong(512 + 16)).as("Table Offset").isEqualTo(1536);
    assertThat(file.getInt(512 + 28)).as("Max Table Entries").isEqualTo(5);
    assertThat(file.getInt(512 + 32)).as("Block Size").isEqualTo(2 << 20);
    int length = file.capacity();
    assertThat(file.slice(length - 512, 512)).as("footer").isEqualTo(file.slice(0, 512));
  }

  /** What a cut of power between the two footers of a resize leaves. */
  @Test
  void aFooterCopyThatIsAheadIsMendedBeforeTheFirstWrite() throws Exception {
    Path image = dir.resolve("a.vhd");
    DiskImages.create(image, Vhd.dynamic(), SIZE);
    byte[] before = Files.readAllBytes(image);
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forWriting())) {
      disk.capability(Resizable.class).orElseThrow().resize(2 * SIZE);
    }
    byte[] ahead = java.util.Arrays.copyOf(Files.readAllBytes(image), 512);
    Files.write(image, before);
    Disks.patch(image, 0, ahead);
    assertThat(DiskImages.check(image).isClean()).isFalse();
    try (DiskImage disk = DiskImages.open(image, OpenOptions.forWriting())) {
      assertThat(disk.size()).isEqualTo(SIZE);
      disk.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
    }
    assertThat(DiskImages.check(image).isClean()).isTrue();
  }
}
