package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands of {@code sharevm disk}, as a person gives them and reads their answers. */
@Timeout(120)
final class DiskCommandTest {
  private static final int SIZE = 2 << 20;

  @TempDir private Path folder;
  private Path raw;
  private Path image;

  @BeforeEach
  void makeAnImage() throws IOException {
    byte[] content = new byte[SIZE];
    new Random(1).nextBytes(content);
    raw = Files.write(folder.resolve("disk.raw"), content);
    image = folder.resolve("disk.qcow2");
    done("convert", raw, image);
  }

  private static Answer disk(Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = "disk";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Answer.to(all);
  }

  /** Runs what must succeed, and gives what it printed. */
  private static String done(Object... arguments) {
    Answer answer = disk(arguments);
    assertThat(answer.err()).isEmpty();
    assertThat(answer.status()).isZero();
    return answer.out();
  }

  private static void writeByte(Path file, long at, int value) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(at);
      bytes.write(value);
    }
  }

  @Test
  void info() {
    assertThat(done("info", image))
        .containsPattern("format: +qcow2, version 3")
        .containsPattern("disk size: +2(\\.0)? MiB");
    assertThat(done("info", "--json", image)).contains("\"format\"").contains("2097152");
  }

  @Test
  void infoOfAChain() {
    Path layer = folder.resolve("layer.qcow2");
    done("create", "-b", image, layer);
    assertThat(done("info", layer)).contains("parent").contains(image.getFileName().toString());
    assertThat(done("info", "--alone", layer)).doesNotContain("\nparent\n");
  }

  @Test
  void mapAndCompare() throws IOException {
    assertThat(done("map", image)).contains("DATA").contains("layer 0");
    assertThat(done("map", "--json", image)).startsWith("[").endsWith("]\n");
    assertThat(done("compare", raw, image)).isEqualTo("the same\n");
    writeByte(raw, 12345, 0);
    writeByte(raw, 12346, 255);
    Answer answer = disk("compare", raw, image);
    assertThat(answer.status()).isEqualTo(1);
    assertThat(answer.out()).contains("they differ, first at byte 1234");
  }

  @Test
  void checkAndRepair() throws IOException {
    assertThat(done("check", image)).isEqualTo("0 errors, 0 leaks, 0 mended\n");
    // The first refcount, of the header's cluster, behind the refcount table's first entry.
    long block;
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
      file.seek(48);
      file.seek(file.readLong());
      block = file.readLong();
    }
    writeByte(image, block + 1, 2);
    Answer found = disk("check", image);
    assertThat(found.status()).isEqualTo(1);
    assertThat(found.out()).contains("leak at byte 0: ").contains("0 errors, 1 leaks, 0 mended");
    assertThat(disk("check", "--json", image).out()).contains("\"leaks\"");
    assertThat(done("check", "--repair", image)).contains("(mended)");
    assertThat(folder.resolve("disk.qcow2.before-repair")).isNotEmptyFile();
    assertThat(done("check", image)).isEqualTo("0 errors, 0 leaks, 0 mended\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi"})
  void resize(String format) {
    Path disk = folder.resolve("small." + format);
    done("convert", "-f", format, raw, disk);
    done("resize", disk, "5M");
    assertThat(done("info", "--json", disk)).contains("5242880");
    assertThat(done("compare", raw, disk)).startsWith("the same");
    Answer smaller = disk("resize", disk, "2M");
    assertThat(smaller.err()).contains("the disk is larger; --shrink accepts the loss of its end");
    assertThat(smaller.status()).isEqualTo(ExitStatus.USAGE);
    assertThat(done("check", disk)).startsWith("0 errors");
  }

  @Test
  void snapshots() throws IOException {
    assertThat(done("snapshot", "--take", "first", image)).isEqualTo("1\n");
    assertThat(done("snapshot", image)).contains("first");
    done("resize", image, "4M");
    done("snapshot", "--apply", "first", image);
    assertThat(done("compare", raw, image)).isEqualTo("the same\n");
    done("snapshot", "--delete", "first", image);
    assertThat(done("snapshot", image)).isEmpty();
    Answer none = disk("snapshot", "--apply", "first", image);
    assertThat(none.err()).contains("no snapshot 'first'").contains("sharevm disk info");
    assertThat(disk("snapshot", raw).err()).contains("snapshots within this format");
  }

  @Test
  void commitAndRebase() {
    Path other = folder.resolve("other.qcow2");
    done("create", other, "2M");
    Path layer = folder.resolve("layer.qcow2");
    done("create", "-b", image, layer);
    done("rebase", layer, other);
    assertThat(done("info", layer)).contains("other.qcow2");
    assertThat(done("compare", raw, layer)).isEqualTo("the same\n");
    done("commit", layer);
    assertThat(done("compare", raw, other)).isEqualTo("the same\n");
    done("rebase", layer);
    assertThat(done("info", layer)).doesNotContain("parent named");
    assertThat(done("compare", raw, layer)).isEqualTo("the same\n");
  }

  @Test
  void wrongUse() {
    assertThat(disk("create", folder.resolve("x.qcow2")).status()).isEqualTo(ExitStatus.USAGE);
    assertThat(disk("create", "-f", "cake", folder.resolve("x"), "1M").err())
        .contains("no format is called 'cake'");
    assertThat(disk("info", folder.resolve("missing")).err()).contains("no such file");
    assertThat(disk("convert", image, folder.resolve("no/where.raw")).status()).isNotZero();
    assertThat(disk("check", folder).status()).isEqualTo(ExitStatus.FAILED);
  }
}
