package sharevm.library.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sharevm.library.LibraryException;
import sharevm.library.Progress;

final class DebianPackagesTest {
  @TempDir private Path cache;

  @Test
  void whatIsHereIsNotFetched() throws Exception {
    Path kept = cache.resolve("packages/i386/busybox-static.deb");
    Files.createDirectories(kept.getParent());
    Files.writeString(kept, "kept");
    DebianPackages packages = new DebianPackages(cache, Progress.NONE);
    assertThat(packages.fetch("busybox-static", "i386")).isEqualTo(kept).hasContent("kept");
  }

  @Test
  void refusesNamesThatAreNone() {
    DebianPackages packages = new DebianPackages(cache, Progress.NONE);
    for (String name : new String[] {"", "-o", "../x", "a b", "A", "x;y"}) {
      assertThatThrownBy(() -> packages.fetch(name, "amd64"))
          .as(name)
          .isInstanceOf(LibraryException.class);
    }
    assertThatThrownBy(() -> packages.fetch("busybox", "../x"))
        .isInstanceOf(LibraryException.class);
  }

  @Test
  void saysThatTheCacheCannotBeWritten() throws Exception {
    assumeTrue(AptClient.isPresent(), "needs apt-get");
    Path file = Files.writeString(cache.resolve("file"), "");
    assertThatThrownBy(() -> new DebianPackages(file, Progress.NONE).fetch("busybox", "amd64"))
        .isInstanceOf(LibraryException.class)
        .hasMessageContaining("cannot keep Debian's busybox in " + file);
  }

  /** A client that fills the disk does not always come back. */
  @Test
  void asksForRoomBeforeItFetches() {
    assumeTrue(AptClient.isPresent(), "needs apt-get");
    DebianPackages packages = new DebianPackages(cache, Progress.NONE, Long.MAX_VALUE);
    assertThatThrownBy(() -> packages.fetch("busybox", "amd64"))
        .isInstanceOf(LibraryException.class)
        .hasMessageMatching(
            "\\d+ MiB are free .* in " + cache + ", \\d+ MiB are needed: make room");
  }

  @Test
  @Tag("long")
  void fetchesAPackageOfAnotherArchitecture() throws Exception {
    assumeTrue(AptClient.isPresent(), "needs apt-get");
    DebianPackages packages = new DebianPackages(cache, Progress.NONE);
    Path deb = packages.fetch("busybox-static", "i386");
    byte[] busybox = DebArchive.file(deb, name -> name.endsWith("bin/busybox")).orElseThrow();
    // ELF identification: class 1 is 32-bit; machine 3 is Intel 80386 (gABI, "ELF Header").
    assertThat(busybox[4]).isEqualTo((byte) 1);
    assertThat(busybox[18]).isEqualTo((byte) 3);
    try (Stream<Path> files = Files.list(deb.getParent())) {
      assertThat(files).containsExactly(deb);
    }
    assertThatThrownBy(() -> packages.fetch("no-such-package-at-all", "i386"))
        .isInstanceOf(LibraryException.class)
        // Where a mirror is out of step the lists are blamed.
        .hasMessageMatching(".*(have no no-such-package-at-all|package lists).*");
  }
}
