package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Reads an image through one of libyal's FUSE mounts. */
public final class Mounted {
  private Mounted() {}

  /** The bytes of the disk that {@code tool} shows as {@code name}. */
  public static byte[] read(String tool, Path image, Path mount, String name) throws Exception {
    Tools.requireTool(tool);
    Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "this host has no FUSE");
    Files.createDirectories(mount);
    Tools.Result result = Tools.tryRun(tool, image, mount);
    Assumptions.assumeTrue(
        !result.output().contains("fusermount") && !result.output().contains("mount failed"),
        "FUSE is not allowed here: " + result.output());
    assertThat(result.status()).as(result.output()).isZero();
    try {
      return Files.readAllBytes(mount.resolve(name));
    } finally {
      Tools.run("umount", mount);
    }
  }
}
