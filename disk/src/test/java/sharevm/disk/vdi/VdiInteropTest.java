package sharevm.disk.vdi;

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
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.OpenOptions;
import sharevm.disk.Tools;

/** VDIs of qemu-img's making read here, and ours read by qemu-img. */
class VdiInteropTest {
  private static final int SIZE = 9 << 20;

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"static=off", "static=on"})
  void readsAndWritesTheirs(String options) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vdi");
    Tools.run("qemu-img", "convert", "-O", "vdi", "-o", options, raw, path);
    Disks.assertSame(Disks.readAll(path), content);
    assertThat(DiskImages.check(path).isClean()).isTrue();
    byte[] more = Disks.content(3 << 20, 2);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 1000);
      System.arraycopy(more, 0, content, 1000, more.length);
      image.writeZeroes(5 << 20, 1 << 20);
      Arrays.fill(content, 5 << 20, 6 << 20, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.rawFile(raw, content);
    Tools.run("qemu-img", "check", "-f", "vdi", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vdi", raw, path);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void writesForThem(boolean fixed) throws Exception {
    byte[] content = Disks.content(SIZE, 3);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.vdi");
    DiskImages.create(path, new Vdi(fixed), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 4);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Disks.assertSame(Disks.readAll(path), content);
    Tools.run("qemu-img", "check", "-f", "vdi", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "vdi", raw, path);
  }

  @Test
  void differencingLayersFindTheirParentByItsUuid() throws Exception {
    byte[] content = Disks.content(SIZE, 5);
    Path base = dir.resolve("base.vdi");
    Path child = Files.createDirectory(dir.resolve("Snapshots")).resolve("child.vdi");
    DiskImages.create(base, new Vdi(false), SIZE);
    DiskImages.create(dir.resolve("stranger.vdi"), new Vdi(false), SIZE);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(content), 0);
    }
    DiskImages.createOverlay(child, new Vdi(false), base);
    byte[] more = Disks.content(3 << 20, 6);
    try (DiskImage image = DiskImages.open(child, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(more), 700);
      System.arraycopy(more, 0, content, 700, more.length);
      image.writeZeroes(5 << 20, (2 << 20) + 17);
      Arrays.fill(content, 5 << 20, (7 << 20) + 17, (byte) 0);
    }
    Disks.assertSame(Disks.readAll(child), content);
    try (DiskImage image = DiskImages.open(base, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(new byte[] {1}), 0);
    }
    assertThatThrownBy(() -> DiskImages.open(child, OpenOptions.forReading()))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.PARENT_CHANGED));
  }

  /** Fields as VirtualBox names them, at their offsets. */
  @Test
  void goldenHeader() throws Exception {
    Path path = dir.resolve("a.vdi");
    DiskImages.create(path, new Vdi(false), SIZE);
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(file.getInt(64)).as("u32Signature").isEqualTo(0xbeda107f);
    assertThat(file.getInt(68)).as("u32Version").isEqualTo(0x00010001);
    assertThat(file.getInt(72)).as("cbHeader").isEqualTo(400);
    assertThat(file.getInt(76)).as("u32Type").isEqualTo(1);
    assertThat(file.getInt(340)).as("offBlocks").isEqualTo(1 << 20);
    assertThat(file.getInt(344)).as("offData").isEqualTo(2 << 20);
    assertThat(file.getLong(368)).as("cbDisk").isEqualTo(SIZE);
    assertThat(file.getInt(376)).as("cbBlock").isEqualTo(1 << 20);
    assertThat(file.getInt(384)).as("cBlocks").isEqualTo(9);
    assertThat(file.getInt(388)).as("cBlocksAllocated").isZero();
  }
}
