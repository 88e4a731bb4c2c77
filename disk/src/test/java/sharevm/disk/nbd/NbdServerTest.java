package sharevm.disk.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.disk.DiskFormat;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Disks;
import sharevm.disk.OpenOptions;
import sharevm.disk.Tools;

/** libnbd's programs and QEMU as clients. */
class NbdServerTest {
  private static final int SIZE = 9 << 20;

  @TempDir Path dir;

  private Path image(String format, byte[] content) throws Exception {
    Path path = dir.resolve("a." + format);
    DiskImages.create(path, DiskFormat.named(format).orElseThrow(), SIZE);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting())) {
      Disks.writeAll(image, content, 1);
    }
    return path;
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi"})
  void clientsReadAnyFormat(String format) throws Exception {
    byte[] content = Disks.content(SIZE, 1);
    Path path = image(format, content);
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(dir.resolve("s"));
    try (DiskImage image = DiskImages.open(path, OpenOptions.forReading());
        NbdServer server = NbdServer.start(image, "disk", address)) {
      assertThat(server.address()).isEqualTo(address);
      String uri = "nbd+unix:///disk?socket=" + dir.resolve("s");
      assertThat(Tools.run("nbdinfo", uri))
          .contains("export-size: " + SIZE)
          .contains("is_read_only: true");
      Path copy = dir.resolve("copy.raw");
      Tools.run("nbdcopy", uri, copy);
      Disks.assertSame(Files.readAllBytes(copy), content);
      Path raw = Disks.rawFile(dir.resolve("raw"), content);
      Tools.run("qemu-img", "compare", "-f", "raw", "-F", "raw", raw, uri);
      if (format.equals("qcow2")) {
        assertThat(Tools.run("nbdinfo", "--map", uri)).contains("hole,zero");
      }
    }
    assertThat(dir.resolve("s")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "vmdk", "vhdx"})
  void clientsWrite(String format) throws Exception {
    byte[] content = Disks.content(SIZE, 2);
    Path path = image(format, new byte[SIZE]);
    Path raw = Disks.rawFile(dir.resolve("raw"), content);
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try (DiskImage image = DiskImages.open(path, OpenOptions.forWriting());
        NbdServer server = NbdServer.start(image, "", any)) {
      String uri = "nbd://127.0.0.1:" + ((InetSocketAddress) server.address()).getPort();
      Tools.run("nbdcopy", "--flush", raw, uri);
      Tools.run(
          "qemu-io",
          "-f",
          "raw",
          "-c",
          "write -f -P 3 1M 100k",
          "-c",
          "write -z 2M 1M",
          "-c",
          "discard 4M 1M",
          "-c",
          "read -P 3 1M 100k",
          "-c",
          "read -P 0 2M 1M",
          uri);
    }
    java.util.Arrays.fill(content, 1 << 20, (1 << 20) + 102400, (byte) 3);
    java.util.Arrays.fill(content, 2 << 20, 3 << 20, (byte) 0);
    byte[] now = Disks.readAll(path);
    System.arraycopy(content, 4 << 20, now, 4 << 20, 1 << 20);
    Disks.assertSame(now, content);
  }

  /** Whatever a client sends, the server serves the next one. */
  @Test
  void nonsenseHarmsNobody() throws Exception {
    Path path = image("qcow2", new byte[SIZE]);
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(dir.resolve("s"));
    Random random = new Random(Disks.seed());
    try (DiskImage image = DiskImages.open(path, OpenOptions.forReading());
        NbdServer _ = NbdServer.start(image, "disk", address)) {
      for (int i = 0; i < 100; i++) {
        try (SocketChannel client = SocketChannel.open(address)) {
          ByteBuffer bytes = ByteBuffer.allocate(random.nextInt(200));
          random.nextBytes(bytes.array());
          if (random.nextBoolean() && bytes.capacity() > 40) {
            bytes.putInt(0, 3).putLong(4, Protocol.OPTION_MAGIC);
            bytes.putInt(12, random.nextInt(12)).putInt(16, random.nextInt(30));
          }
          client.write(bytes);
          client.shutdownOutput();
        } catch (java.io.IOException _) {
          // The server may hang up first.
        }
      }
      assertThat(Tools.run("nbdinfo", "nbd+unix:///?socket=" + dir.resolve("s")))
          .contains("export-size");
    }
  }
}
