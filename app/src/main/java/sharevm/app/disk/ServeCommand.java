package sharevm.app.disk;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;
import sharevm.disk.nbd.NbdServer;

/** Serves a disk to NBD clients until it is interrupted. */
final class ServeCommand implements Callable<Integer> {
  private static final int NBD_PORT = 10809;

  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final OptionSpec socket =
      OptionSpec.builder("--socket")
          .paramLabel("PATH")
          .type(Path.class)
          .converters(Path::of)
          .description("A Unix socket instead of TCP.")
          .build();
  private final OptionSpec port =
      OptionSpec.builder("--port")
          .paramLabel("N")
          .type(int.class)
          .initialValue(NBD_PORT)
          .description("The TCP port (" + NBD_PORT + "); 0 for any.")
          .build();
  private final OptionSpec name =
      OptionSpec.builder("--name")
          .paramLabel("NAME")
          .type(String.class)
          .initialValue("")
          .description("The export's name.")
          .build();
  private final OptionSpec writable = Arguments.flag("Let clients write.", "-w", "--writable");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, socket, port, name, writable);
    spec.usageMessage()
        .description(
            "Serve a disk to NBD clients, on the loopback address or a Unix socket, until"
                + " interrupted.",
            "There is no TLS: whoever reaches the socket reaches the disk.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException, InterruptedException {
    Path socket = this.socket.getValue();
    String name = this.name.getValue();
    SocketAddress address =
        socket == null
            ? new InetSocketAddress(InetAddress.getLoopbackAddress(), port.getValue())
            : UnixDomainSocketAddress.of(socket);
    OpenOptions options = Arguments.given(writable) ? Images.writing() : Images.reading();
    DiskImage disk = DiskImages.open(image.getValue(), options);
    NbdServer server;
    try {
      server = NbdServer.start(disk, name, address);
    } catch (DiskException e) {
      disk.close();
      throw e;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(server, disk)));
    System.out.println(
        socket == null
            ? "nbd://127.0.0.1:" + ((InetSocketAddress) server.address()).getPort() + "/" + name
            : "nbd+unix:///" + name + "?socket=" + socket.toAbsolutePath());
    new CountDownLatch(1).await();
    return 0;
  }

  private static void close(NbdServer server, DiskImage disk) {
    try (disk;
        server) {
      System.out.flush();
    } catch (DiskException e) {
      System.err.println("sharevm: " + e.getMessage());
    }
  }
}
