package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sharevm disk serve} as a process of its own, with libnbd's programs as its clients. */
@Timeout(120)
final class DiskServeTest {
  private static final int SIZE = 4 << 20;

  @TempDir private Path folder;

  private byte[] content(long seed) {
    byte[] content = new byte[SIZE];
    new Random(seed).nextBytes(content);
    Arrays.fill(content, SIZE / 4, SIZE / 2, (byte) 0);
    return content;
  }

  private Path image(String format) throws IOException {
    Path raw = Files.write(folder.resolve("disk.raw"), content(1));
    Path image = folder.resolve("disk." + format + ".image");
    assertThat(Answer.to("disk", "convert", "-f", format, raw, image).status()).isZero();
    return image;
  }

  private static void assumeClients() {
    assumeTrue(Outside.has("nbdinfo") && Outside.has("nbdcopy"), "libnbd's programs are needed");
  }

  /** A server in a process of its own, and what its first line says of where it is. */
  private record Server(Process process, String uri) implements AutoCloseable {
    static Server start(Object... arguments) throws IOException {
      List<Object> all = new ArrayList<>(List.of("disk", "serve"));
      all.addAll(List.of(arguments));
      Process process = Outside.start(Outside.sharevm(all.toArray()));
      return new Server(process, process.inputReader().readLine());
    }

    /** Ends it as Ctrl-C or a service manager does, and waits until it has put all away. */
    @Override
    public void close() {
      process.destroy();
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi"})
  void clientsReadOverTcp(String format) throws Exception {
    assumeClients();
    Path image = image(format);
    byte[] before = Files.readAllBytes(image);
    Path copy = folder.resolve("copy.raw");
    try (Server server = Server.start(image, "--port", 0, "--name", "disk")) {
      assertThat(server.uri()).matches("nbd://127\\.0\\.0\\.1:[0-9]+/disk");
      assertThat(Outside.run("nbdinfo", server.uri()))
          .contains("export-size: " + SIZE)
          .contains("is_read_only: true");
      Outside.run("nbdcopy", server.uri(), copy);
    }
    assertThat(Arrays.equals(Files.readAllBytes(copy), content(1))).isTrue();
    assertThat(Arrays.equals(Files.readAllBytes(image), before)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"qcow2", "vhdx", "vmdk"})
  void clientsWriteOverAUnixSocket(String format) throws Exception {
    assumeClients();
    Path image = image(format);
    Path other = Files.write(folder.resolve("other.raw"), content(2));
    Path socket = folder.resolve("socket");
    try (Server server = Server.start(image, "--writable", "--socket", socket)) {
      assertThat(server.uri()).isEqualTo("nbd+unix:///?socket=" + socket);
      assertThat(Outside.run("nbdinfo", server.uri())).contains("is_read_only: false");
      Outside.run("nbdcopy", other, server.uri());
    }
    assertThat(socket).doesNotExist();
    Path read = folder.resolve("read.raw");
    assertThat(Answer.to("disk", "convert", image, read)).isEqualTo(new Answer(0, "", ""));
    assertThat(Arrays.equals(Files.readAllBytes(read), content(2))).isTrue();
    assertThat(Answer.to("disk", "check", image).status()).isZero();
  }

  @Test
  void clientsSeeTheHoles() throws Exception {
    assumeClients();
    try (Server server = Server.start(image("qcow2"), "--socket", folder.resolve("socket"))) {
      assertThat(Outside.run("nbdinfo", "--map", server.uri()))
          .containsPattern(" +" + SIZE / 4 + " +" + SIZE / 4 + " +3 +hole,zero");
    }
  }

  @Test
  void aPortThatIsTaken() throws IOException {
    Path image = image("qcow2");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Answer answer = Answer.to("disk", "serve", image, "--port", taken.getLocalPort());
      assertThat(answer.status()).isEqualTo(ExitStatus.FAILED);
      assertThat(answer.err()).startsWith("sharevm: ").contains("" + taken.getLocalPort());
      assertThat(answer.err().lines()).hasSize(1);
    }
    // The image was let go.
    assertThat(Answer.to("disk", "resize", image, 2 * SIZE).status()).isZero();
  }

  @Test
  void anImageThatIsNotThere() {
    Path missing = folder.resolve("missing.qcow2");
    Answer answer = Answer.to("disk", "serve", missing, "--port", 0);
    assertThat(answer.status()).isEqualTo(ExitStatus.FAILED);
    assertThat(answer.err()).startsWith("sharevm: ").contains(missing.toString());
    assertThat(answer.err().lines()).hasSize(1);
  }
}
