package sharevm.disk.vhdx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.Mounted;
import sharevm.disk.OpenOptions;
import sharevm.disk.Resizable;
import sharevm.disk.Tools;

/** VHDXs of qemu-img's making read here, and ours read by qemu-img and libvhdi. */
class VhdxInteropTest {
  private static final int SIZE = 20 << 20;

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "subformat=dynamic",
        "subformat=fixed",
        "subformat=dynamic,block_size=1M",
        "subformat=dynamic,block_size=256M,block_state_zero=off"
      })
  void readsTheirs(String options) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path image = dir.resolve("a.vhdx");
    Tools.run("qemu-img", "convert", "-O", "vhdx", "-o", options, raw, image);
    Disks.assertSame(Disks.readAll(image), content);
    assertThat(DiskImages.check(image).isClean()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"false,1,512", "false,8,512", "false,2,4096", "true,2,512", "true,1,4096"})
  void writesForThem(boolean fixed, int blockMiB, int sector) throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vhdx");
    DiskImages.create(path, new Vhdx(fixed, blockMiB << 20, sector), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      assertThat(image.sectorSize()).isEqualTo(sector);
      Disks.writeAll(image, content, 3);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(path), content);
    assertThat(DiskImages.check(path).isClean()).isTrue();
    if (sector == 512) {
      Tools.run("qemu-img", "check", "-f", "vhdx", path);
      Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vhdx", raw, path);
    }
    assertThat(Tools.run("vhdiinfo", path)).contains(SIZE + " bytes");
  }

  @Test
  void writesIntoTheirs() throws Exception {
    byte[] content = Disks.content(SIZE, 4);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vhdx");
    Tools.run("qemu-img", "convert", "-O", "vhdx", "-o", "block_size=1M", raw, path);
    byte[] more = Disks.content(3 << 20, 5);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      for (int round = 0; round < 5; round++) {
        int at = 1000 + round * (3 << 20);
        image.write(ByteBuffer.wrap(more), at);
        System.arraycopy(more, 0, content, at, more.length);
        image.flush();
      }
      image.writeZeroes(17 << 20, 1 << 20);
      Arrays.fill(content, 17 << 20, 18 << 20, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.rawFile(raw, content);
    Tools.run("qemu-img", "check", "-f", "vhdx", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vhdx", raw, path);
  }

  /** The file is copied while it is open, so its log is in use: QEMU must replay it as we do. */
  @Test
  void logIsReplayedBeforeTheFirstRead() throws Exception {
    Path path = dir.resolve("a.vhdx");
    Path cut = dir.resolve("cut.vhdx");
    byte[] content = Disks.content(SIZE, 6);
    DiskImages.create(path, new Vhdx(false, 1 << 20, 512), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
      image.flush();
      Files.copy(path, cut);
    }
    // The table was in place already; spoil it, so that only the log has it.
    Disks.patch(cut, 3 << 20, new byte[512]);
    byte[] before = Files.readAllBytes(cut);
    Disks.assertSame(Disks.readAll(cut), content);
    assertThat(Files.readAllBytes(cut)).as("read-only").isEqualTo(before);
    Path theirs = Files.copy(cut, dir.resolve("theirs.vhdx"));
    try (DiskImage image = DiskImages.open(cut, OpenOptions.forWriting())) {
      Disks.assertSame(Disks.readAll(image), content);
    }
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vhdx", raw, cut);
    Tools.run("qemu-img", "check", "-r", "all", "-f", "vhdx", theirs);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vhdx", raw, theirs);
  }

  @Test
  void differencingLayersAreReadByLibvhdi() throws Exception {
    byte[] content = Disks.content(SIZE, 7);
    Path base = dir.resolve("base.vhdx");
    Path child = dir.resolve("child.vhdx");
    DiskImages.create(base, new Vhdx(false, 2 << 20, 512), SIZE);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, new Vhdx(false, 2 << 20, 512), base);
    byte[] more = Disks.content(5 << 20, 8);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 700);
      System.arraycopy(more, 0, content, 700, more.length);
      image.write(ByteBuffer.allocate(4 << 20), 10 << 20);
      Arrays.fill(content, 10 << 20, 14 << 20, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(child), content);
    assertThat(DiskImages.check(child).isClean()).isTrue();
    assertThat(Tools.run("vhdiinfo", child)).contains("ifferential").contains("base.vhdx");
    Disks.assertSame(Mounted.read("vhdimount", child, dir.resolve("mnt"), "vhdi2"), content);
  }

  /** Not held against libvhdi 20210425, which takes a zero block for an absent one. */
  @Test
  void zeroBlocksHideTheParent() throws Exception {
    Path base = dir.resolve("base.vhdx");
    Path child = dir.resolve("child.vhdx");
    byte[] content = new byte[SIZE];
    Arrays.fill(content, (byte) 3);
    DiskImages.create(base, new Vhdx(false, 2 << 20, 512), SIZE);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, new Vhdx(false, 2 << 20, 512), base);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.writeZeroes(10 << 20, (4 << 20) + 12345);
    }
    Arrays.fill(content, 10 << 20, (14 << 20) + 12345, (byte) 0);
    Disks.assertSame(Disks.readAll(child), content);
  }

  @Test
  void changedParentIsNamedBeforeTheFirstRead() throws Exception {
    Path base = dir.resolve("base.vhdx");
    Path child = dir.resolve("child.vhdx");
    DiskImages.create(base, Vhdx.dynamic(), SIZE);
    DiskImages.createOverlay(child, Vhdx.dynamic(), base);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(new byte[] {1}), 0);
    }
    assertThatThrownBy(() -> DiskImages.open(child, OpenOptions.forReading()))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.PARENT_CHANGED));
  }

  @ParameterizedTest
  @ValueSource(longs = {64L << 20, 200L << 30})
  void growsForThem(long larger) throws Exception {
    byte[] content = Disks.content(SIZE, 9);
    Path path = dir.resolve("a.vhdx");
    DiskImages.create(path, new Vhdx(false, 1 << 20, 512), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
      image.capability(Resizable.class).orElseThrow().resize(larger);
      image.write(ByteBuffer.wrap(content, 0, 512), larger - 512);
      ByteBuffer back = ByteBuffer.allocate(SIZE);
      image.read(back, 0);
      Disks.assertSame(back.array(), content);
    }
    assertThat(DiskImages.check(path).isClean()).isTrue();
    assertThat(Tools.run("qemu-img", "info", "-f", "vhdx", path))
        .contains("(" + larger + " bytes)");
    Tools.run("qemu-img", "check", "-f", "vhdx", path);
  }

  /** Fields as named in the specification, at the offsets that it gives. */
  @Test
  void goldenHeaders() throws Exception {
    Path path = dir.resolve("a.vhdx");
    DiskImages.create(path, Vhdx.dynamic(), SIZE);
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(new String(file.array(), 0, 8, StandardCharsets.US_ASCII))
        .as("Signature")
        .isEqualTo("vhdxfile");
    int header = 128 << 10;
    assertThat(new String(file.array(), header, 4, StandardCharsets.US_ASCII))
        .as("Signature")
        .isEqualTo("head");
    assertThat(file.getLong(header + 8)).as("SequenceNumber").isEqualTo(2);
    assertThat(file.getShort(header + 64)).as("LogVersion").isZero();
    assertThat(file.getShort(header + 66)).as("Version").isEqualTo((short) 1);
    assertThat(file.getInt(header + 68)).as("LogLength").isEqualTo(1 << 20);
    assertThat(file.getLong(header + 72)).as("LogOffset").isEqualTo(1 << 20);
    int regions = 192 << 10;
    assertThat(new String(file.array(), regions, 4, StandardCharsets.US_ASCII))
        .as("Signature")
        .isEqualTo("regi");
    assertThat(file.getInt(regions + 8)).as("EntryCount").isEqualTo(2);
    assertThat(file.getLong(regions + 16)).as("Guid, first half").isEqualTo(0x4200F6232DC27766L);
    assertThat(file.getLong(regions + 32)).as("FileOffset").isEqualTo(3 << 20);
    assertThat(new String(file.array(), 2 << 20, 8, StandardCharsets.US_ASCII))
        .as("Signature")
        .isEqualTo("metadata");
    assertThat(file.getInt((2 << 20) + (64 << 10))).as("BlockSize").isEqualTo(8 << 20);
    assertThat(file.getLong((2 << 20) + (64 << 10) + 8)).as("VirtualDiskSize").isEqualTo(SIZE);
  }
}
