package sharevm.library.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packages here are made by {@code dpkg-deb}. */
final class DebArchiveTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"none", "gzip", "xz"})
  void findsAFileHoweverItIsCompressed(String compression) throws Exception {
    Path deb = make(compression);
    Optional<byte[]> found = DebArchive.file(deb, name -> name.startsWith("boot/vmlinuz-"));
    assertThat(found).map(String::new).contains("the kernel");
    assertThat(DebArchive.file(deb, name -> name.equals("boot"))).isEmpty();
  }

  @Test
  void saysWhenThePackageIsDamaged() throws Exception {
    Path deb = make("xz");
    byte[] whole = Files.readAllBytes(deb);
    for (int length : new int[] {0, 7, 8, 60, 140, 200, whole.length - 200}) {
      Path part = Files.write(folder.resolve("part.deb"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> DebArchive.file(part, name -> name.startsWith("boot/vmlinuz-")))
          .as("the first %d bytes", length)
          .isInstanceOf(IOException.class);
    }
    Path text = Files.writeString(folder.resolve("text.deb"), "no package at all");
    assertThatThrownBy(() -> DebArchive.file(text, _ -> true)).isInstanceOf(IOException.class);
  }

  private Path make(String compression) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/dpkg-deb")), "needs dpkg-deb");
    Path root = folder.resolve("root");
    Files.createDirectories(root.resolve("DEBIAN"));
    Files.createDirectories(root.resolve("boot"));
    Files.writeString(
        root.resolve("DEBIAN/control"),
        "Package: k\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n");
    Files.writeString(root.resolve("boot/System.map"), "symbols");
    Files.writeString(root.resolve("boot/vmlinuz-6.1"), "the kernel");
    Path deb = folder.resolve("k.deb");
    Process process =
        new ProcessBuilder(
                "dpkg-deb", "-Z" + compression, "--build", root.toString(), deb.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return deb;
  }
}
