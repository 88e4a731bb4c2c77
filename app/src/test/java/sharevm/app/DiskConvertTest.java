package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@code sharevm disk convert} does when it cannot do its work: one line that says why, no
 * target, no leftovers, and the source as it was to the byte.
 */
@Timeout(300)
final class DiskConvertTest {
  private static final int SIZE = 8 << 20;
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");

  @TempDir private Path folder;

  private Path raw(int size) throws IOException {
    byte[] content = new byte[size];
    new Random(1).nextBytes(content);
    return Files.write(folder.resolve("disk.raw"), content);
  }

  private Path qcow2() throws IOException {
    Path image = folder.resolve("disk.qcow2");
    assertThat(Answer.to("disk", "convert", raw(SIZE), image).status()).isZero();
    return image;
  }

  /** Refuses with a message, makes nothing, and changes nothing. */
  private void assertRefused(Path source, String... message) throws IOException {
    byte[] before = Files.readAllBytes(source);
    Path target = folder.resolve("target.vmdk");
    Answer answer = Answer.to("disk", "convert", source, target);
    assertThat(answer.err()).startsWith("sharevm: ").contains(source.toString()).contains(message);
    assertThat(answer.err().lines()).hasSize(1);
    assertThat(answer.status()).isEqualTo(ExitStatus.FAILED);
    assertNothingMade(target);
    assertThat(Arrays.equals(Files.readAllBytes(source), before)).isTrue();
  }

  private static void assertNothingMade(Path target) throws IOException {
    try (Stream<Path> files = Files.list(target.getParent())) {
      String name = target.getFileName().toString();
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(file -> file.contains(name));
    }
  }

  /** Points the first entry of the first L2 table (qcow2.txt, "Cluster mapping") far away. */
  private static void damage(Path image) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.seek(40);
      file.seek(file.readLong());
      file.seek(file.readLong() & 0x00fffffffffffe00L);
      file.writeLong(1L << 63 | 1L << 40);
    }
  }

  @Test
  void aDamagedImage() throws IOException {
    Path image = qcow2();
    damage(image);
    assertRefused(image, "past the end of the file");
  }

  @Test
  void aDamagedImageThatIsSalvaged() throws IOException {
    Path image = qcow2();
    damage(image);
    byte[] before = Files.readAllBytes(image);
    Path target = folder.resolve("target.raw");
    Answer answer = Answer.to("disk", "convert", "--salvage", image, target);
    assertThat(answer.out()).contains("lost: 65536 bytes at 0: ").contains("lost in all: ");
    assertThat(answer.status()).isEqualTo(1);
    byte[] expected = Files.readAllBytes(folder.resolve("disk.raw"));
    Arrays.fill(expected, 0, 65536, (byte) 0);
    assertThat(Arrays.equals(Files.readAllBytes(target), expected)).isTrue();
    assertThat(Arrays.equals(Files.readAllBytes(image), before)).isTrue();
  }

  @Test
  void anEncryptedImage() throws IOException {
    Path image = qcow2();
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.seek(32); // qcow2.txt, crypt_method
      file.writeInt(2);
    }
    assertRefused(image, "LUKS");
  }

  @Test
  void aMissingParent() throws IOException {
    Path base = qcow2();
    Path child = folder.resolve("child.qcow2");
    assertThat(Answer.to("disk", "create", "-b", base, child).status()).isZero();
    Files.delete(base);
    assertRefused(child, "its parent 'disk.qcow2' is not there", "put it back");
  }

  @Test
  void aTargetThatExists() throws IOException {
    Path source = raw(SIZE);
    Path target = Files.writeString(folder.resolve("target.qcow2"), "precious");
    Answer answer = Answer.to("disk", "convert", source, target);
    assertThat(answer.err()).contains("it exists already; remove it or name another");
    assertThat(target).hasContent("precious");
  }

  @Test
  void aTargetInAFolderThatIsNotThere() throws IOException {
    Path target = folder.resolve("nowhere").resolve("disk.vmdk");
    Answer answer = Answer.to("disk", "convert", raw(SIZE), target);
    assertThat(answer.status()).isEqualTo(ExitStatus.FAILED);
    assertThat(answer.err().lines()).hasSize(1);
    assertThat(answer.err())
        .contains("there is no folder " + target.getParent() + "; make it or name another");
  }

  @Test
  void aFullTargetDisk() throws Exception {
    Path source = raw(SIZE);
    byte[] before = Files.readAllBytes(source);
    Path small = Files.createDirectory(folder.resolve("small"));
    String mount = "mount -t tmpfs -o size=3m none " + small;
    boolean allowed = Outside.start(List.of("unshare", "-rm", "sh", "-c", mount)).waitFor() == 0;
    assumeTrue(allowed, "this host allows no mounts of one's own");
    List<String> inside = new ArrayList<>(List.of("unshare", "-rm", "sh", "-c"));
    inside.add(mount + " && \"$@\"; status=$?; ls -A " + small + "; exit $status");
    inside.add("sh");
    inside.addAll(Outside.sharevm("disk", "convert", source, small.resolve("target.vhdx")));
    Process process = Outside.start(inside);
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isEqualTo(ExitStatus.FAILED);
    // Nothing but the one line: the directory is listed behind it, and is empty.
    assertThat(said).contains("no space left on the host").contains("free some and try again");
    assertThat(said.lines()).hasSize(1);
    assertThat(Arrays.equals(Files.readAllBytes(source), before)).isTrue();
  }

  @Test
  void aKilledRun() throws Exception {
    Path source = raw(64 << 20);
    byte[] before = Files.readAllBytes(source);
    Path target = folder.resolve("target.vmdk");
    Path part = folder.resolve(".target.vmdk.part/target.vmdk");
    Process process = Outside.start(Outside.sharevm("disk", "convert", source, target));
    while (process.isAlive() && !(Files.exists(part) && Files.size(part) > 1 << 20)) {
      Thread.onSpinWait();
    }
    process.destroyForcibly().waitFor();
    assertThat(process.exitValue()).as("killed in the middle").isEqualTo(128 + 9);
    assertThat(target).doesNotExist();
    assertThat(Arrays.equals(Files.readAllBytes(source), before)).isTrue();

    assertThat(Answer.to("disk", "convert", source, target)).isEqualTo(new Answer(0, "", ""));
    assertThat(Answer.to("disk", "compare", source, target).status()).isZero();
    assertThat(part.getParent()).doesNotExist();
  }

  /** Holes are asked for, not read, and memory does not grow with the disk. */
  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "vhdx", "vmdk", "raw"})
  void aDiskOfTwoTebibytes(String format) throws Exception {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "holes are known on Linux");
    Path source = folder.resolve("large.raw");
    long end = (2L << 40) - 512;
    try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
      for (long at : new long[] {0, 1L << 39, (1L << 40) + 4096, end}) {
        file.seek(at);
        file.write(new byte[] {1, 2, 3});
      }
      file.setLength(end + 512);
    }
    Path target = folder.resolve("large." + format + ".image");
    Process process =
        Outside.start(Outside.sharevm("disk", "convert", "-f", format, source, target));
    long peak = 0;
    while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
      peak = Math.max(peak, peakKiB(process));
    }
    assertThat(process.exitValue()).isZero();
    assertThat(peak).as("KiB resident at most").isBetween(1L, 300L << 10);
    ByteBuffer sample = ByteBuffer.allocate(512);
    try (var image = sharevm.disk.DiskImages.open(target, sharevm.disk.OpenOptions.forReading())) {
      assertThat(image.size()).isEqualTo(end + 512);
      image.read(sample, end);
    }
    assertThat(Arrays.copyOf(sample.array(), 4)).containsExactly(1, 2, 3, 0);
  }

  private static long peakKiB(Process process) {
    try {
      Matcher peak = PEAK.matcher(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
      return peak.find() ? Long.parseLong(peak.group(1)) : 0;
    } catch (IOException _) {
      // It has ended since.
      return 0;
    }
  }
}
