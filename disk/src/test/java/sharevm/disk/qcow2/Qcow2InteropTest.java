package sharevm.disk.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Qcow2.Compression;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.Mounted;
import sharevm.disk.OpenOptions;
import sharevm.disk.Snapshots;
import sharevm.disk.Tools;

/** Images of qemu-img's making read here, and ours read there. */
class Qcow2InteropTest {
  private static final int SIZE = 6 << 20;

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "compat=0.10|",
        "compat=1.1|",
        "compat=1.1,cluster_size=512|",
        "compat=1.1,cluster_size=2M|",
        "compat=1.1,refcount_bits=1|",
        "compat=1.1,refcount_bits=64|",
        "compat=1.1,extended_l2=on|",
        "compat=1.1,preallocation=metadata|",
        "compat=0.10|-c",
        "compat=1.1,compression_type=zstd|-c",
        "compat=1.1,compression_type=zlib,cluster_size=4k|-c",
        "compat=1.1,data_file=DIR/data.raw|"
      })
  void readsTheirs(String options, String flag) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path image = dir.resolve("a.qcow2");
    String given = options.replace("DIR", dir.toString());
    if (flag == null) {
      Tools.run("qemu-img", "convert", "-O", "qcow2", "-o", given, raw, image);
    } else {
      Tools.run("qemu-img", "convert", flag, "-O", "qcow2", "-o", given, raw, image);
    }
    Disks.assertSame(Disks.readAll(image), content);
    assertThat(DiskImages.check(image).isClean()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "2,16,ZLIB,false",
    "3,16,ZLIB,false",
    "3,9,ZLIB,false",
    "3,21,ZSTD,false",
    "3,16,ZLIB,true",
    "3,14,ZLIB,true"
  })
  void writesForThem(int version, int bits, Compression compression, boolean extended)
      throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.qcow2");
    DiskImages.create(path, new Qcow2(version, bits, compression, extended, false), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 3);
      Disks.assertSame(Disks.readAll(image), content);
    }
    Tools.run("qemu-img", "check", "-f", "qcow2", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, path);
    Disks.assertSame(Disks.readAll(path), content);
  }

  @ParameterizedTest
  @CsvSource({"2,16,false", "3,16,false", "3,12,false", "3,16,true"})
  void writesIntoTheirs(int version, int bits, boolean extended) throws Exception {
    byte[] below = Disks.content(SIZE, 4);
    byte[] above = Disks.content(SIZE, 5);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), below);
    Path path = dir.resolve("a.qcow2");
    String options =
        "compat="
            + (version == 2 ? "0.10" : "1.1")
            + ",cluster_size="
            + (1 << bits)
            + (extended ? ",extended_l2=on" : "");
    Tools.run("qemu-img", "convert", "-c", "-O", "qcow2", "-o", options, raw, path);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      for (int at = 1536; at < SIZE - 70000; at += 211 * 512) {
        image.write(ByteBuffer.wrap(above, at, 69120), at);
        System.arraycopy(above, at, below, at, 69120);
      }
      Disks.assertSame(Disks.readAll(image), below);
    }
    Disks.rawFile(raw, below);
    Tools.run("qemu-img", "check", "-f", "qcow2", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, path);
  }

  @ParameterizedTest
  @CsvSource({"2,16,false", "3,16,false", "3,9,false", "3,16,true"})
  void overlays(int version, int bits, boolean extended) throws Exception {
    byte[] content = Disks.content(SIZE, 6);
    Disks.rawFile(dir.resolve("base.raw"), content);
    Path middle = dir.resolve("middle.qcow2");
    Path top = dir.resolve("top.qcow2");
    Tools.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", middle);
    DiskImages.createOverlay(
        top, new Qcow2(version, bits, Compression.ZLIB, extended, false), middle);
    try (DiskImage image = DiskImages.open(top, OpenOptions.forWriting())) {
      byte[] over = Disks.content(1 << 20, 7);
      image.write(ByteBuffer.wrap(over, 0, over.length - 512), 3 * 512);
      System.arraycopy(over, 0, content, 3 * 512, over.length - 512);
      image.writeZeroes(2 << 20, (1 << 20) + 512);
      java.util.Arrays.fill(content, 2 << 20, (3 << 20) + 512, (byte) 0);
      Disks.assertSame(Disks.readAll(image), content);
      assertThat(image.info().parent().orElseThrow().parent()).isPresent();
    }
    Path flat = Disks.rawFile(dir.resolve("flat.raw"), content);
    Tools.run("qemu-img", "check", "-f", "qcow2", top);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", flat, top);
  }

  @Test
  void snapshotsGoBothWays() throws Exception {
    Path path = dir.resolve("a.qcow2");
    byte[] first = Disks.content(SIZE, 8);
    byte[] second = Disks.content(SIZE, 9);
    DiskImages.create(path, new Qcow2(3, 12, Compression.ZLIB, false, false), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(first), 0);
      Snapshots snapshots = image.capability(Snapshots.class).orElseThrow();
      snapshots.takeSnapshot("one");
      image.write(ByteBuffer.wrap(second), 0);
      snapshots.takeSnapshot("two");
      image.write(ByteBuffer.allocate(1 << 20), 0);
    }
    Tools.run("qemu-img", "check", "-f", "qcow2", path);
    assertThat(Tools.run("qemu-img", "snapshot", "-l", path)).contains("one").contains("two");
    Path raw = Disks.rawFile(dir.resolve("one.raw"), first);
    Path out = dir.resolve("out.raw");
    Tools.run("qemu-img", "convert", "-l", "one", "-O", "raw", path, out);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "raw", raw, out);
    Tools.run("qemu-img", "snapshot", "-c", "three", path);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Snapshots snapshots = image.capability(Snapshots.class).orElseThrow();
      assertThat(snapshots.snapshots()).hasSize(3);
      snapshots.applySnapshot("two");
      Disks.assertSame(Disks.readAll(image), second);
      snapshots.deleteSnapshot("one");
      snapshots.deleteSnapshot("three");
      image.write(ByteBuffer.wrap(first, 0, 12345), 512);
    }
    assertThat(Tools.run("qemu-img", "check", "-f", "qcow2", path)).contains("No errors");
    assertThat(DiskImages.check(path).isClean()).isTrue();
  }

  @Test
  void dirtyImageGetsItsCountsBeforeItIsWritten() throws Exception {
    Path path = dir.resolve("a.qcow2");
    Tools.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", path, "16M");
    Tools.tryRun("qemu-io", "-f", "qcow2", "-c", "write -P 7 64k 1M", "-c", "abort", path);
    assertThat(DiskImages.check(path).isClean()).isFalse();
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      image.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 8 << 20);
    }
    Tools.run("qemu-img", "check", "-f", "qcow2", path);
    Tools.run("qemu-io", "-f", "qcow2", "-c", "read -P 7 64k 1M", path);
  }

  @Test
  void encryptionIsRefusedByName() throws Exception {
    Path path = dir.resolve("a.qcow2");
    Tools.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "--object",
        "secret,id=s,data=abc",
        "-o",
        "encrypt.format=aes,encrypt.key-secret=s",
        path,
        "1M");
    assertEncrypted(path, "AES");
    // qcow2.txt, crypt_method: 2 is LUKS, for which qemu-img first measures an idle processor.
    Disks.patch(path, 32, (byte) 0, (byte) 0, (byte) 0, (byte) 2);
    assertEncrypted(path, "LUKS");
  }

  private static void assertEncrypted(Path path, String method) {
    assertThatThrownBy(() -> DiskImages.open(path, OpenOptions.forReading()))
        .isInstanceOfSatisfying(
            DiskException.class, e -> assertThat(e.kind()).isEqualTo(Kind.ENCRYPTED))
        .hasMessageContaining(method);
  }

  @Test
  void leaksAndMissingCountsAreRepaired() throws Exception {
    byte[] content = Disks.content(SIZE, 10);
    Path raw = Disks.rawFile(dir.resolve("a.raw"), content);
    Path path = dir.resolve("a.qcow2");
    Tools.run("qemu-img", "convert", "-O", "qcow2", raw, path);
    Disks.patch(path, 2 * 65536 + 2 * 5, (byte) 0, (byte) 0, (byte) 0, (byte) 3);
    assertThat(DiskImages.check(path).isClean()).isFalse();
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      var report = ((Qcow2Layer) image.capability(Snapshots.class).orElseThrow()).check(true);
      assertThat(report.isClean()).isTrue();
    }
    Tools.run("qemu-img", "check", "-f", "qcow2", path);
    Tools.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, path);
    assertThat(Files.exists(path)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"2,16", "3,16", "3,12"})
  void isReadByLibqcow(int version, int bits) throws Exception {
    byte[] content = Disks.content(SIZE, 3);
    Path path = dir.resolve("a.qcow2");
    DiskImages.create(path, new Qcow2(version, bits, Compression.ZLIB, false, false), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 3);
    }
    Disks.assertSame(Mounted.read("qcowmount", path, dir.resolve("mount"), "qcow1"), content);
  }

  /** The fields of a new image's header by name (qcow2.txt, "Header"). */
  @Test
  void goldenHeader() throws Exception {
    Path path = dir.resolve("a.qcow2");
    DiskImages.create(path, new Qcow2(3, 16, Compression.ZLIB, false, true), 5L << 30);
    ByteBuffer header = ByteBuffer.wrap(Files.readAllBytes(path));
    long l1 = header.getLong(40);
    long counts = header.getLong(48);
    assertThat(header.getInt(0)).as("magic").isEqualTo(0x514649fb);
    assertThat(header.getInt(4)).as("version").isEqualTo(3);
    assertThat(header.getLong(8)).as("backing_file_offset").isZero();
    assertThat(header.getInt(16)).as("backing_file_size").isZero();
    assertThat(header.getInt(20)).as("cluster_bits").isEqualTo(16);
    assertThat(header.getLong(24)).as("size").isEqualTo(5L << 30);
    assertThat(header.getInt(32)).as("crypt_method").isZero();
    assertThat(header.getInt(36)).as("l1_size: one entry for 512 MiB").isEqualTo(10);
    assertThat(l1 % 65536).as("l1_table_offset").isZero();
    assertThat(counts % 65536).as("refcount_table_offset").isZero();
    assertThat(header.getInt(56)).as("refcount_table_clusters").isEqualTo(1);
    assertThat(header.getInt(60)).as("nb_snapshots").isZero();
    assertThat(header.getLong(64)).as("snapshots_offset").isZero();
    assertThat(header.getLong(72)).as("incompatible_features").isZero();
    assertThat(header.getLong(80)).as("compatible_features: lazy refcounts").isEqualTo(1);
    assertThat(header.getLong(88)).as("autoclear_features").isZero();
    assertThat(header.getInt(96)).as("refcount_order: 16 bits").isEqualTo(4);
    assertThat(header.getInt(100)).as("header_length").isIn(104, 112);
    long block = header.getLong((int) counts);
    assertThat(block % 65536).as("the first refcount block").isZero();
    for (long at : new long[] {0, l1, counts, block}) {
      assertThat(header.getShort((int) (block + (at >>> 16) * 2))).as("count").isEqualTo((short) 1);
    }
  }
}
