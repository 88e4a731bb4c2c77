package sharevm.app.disk;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;
import sharevm.disk.nbd.NbdServer;

/** Serves a disk to NBD clients until it is interrupted. */
@Command(
    description = {
      "Serve a disk to NBD clients, on the loopback address or a Unix socket, until interrupted.",
      "There is no TLS: whoever reaches the socket reaches the disk."
    })
final class ServeCommand implements Callable<Integer> {
  private static final int NBD_PORT = 10809;

  @Parameters(paramLabel = "IMAGE")
  private Path image;

  @Option(names = "--socket", paramLabel = "PATH", description = "A Unix socket instead of TCP.")
  private Path socket;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The TCP port (" + NBD_PORT + "); 0 for any.")
  private int port = NBD_PORT;

  @Option(names = "--name", paramLabel = "NAME", description = "The export's name.")
  private String name = "";

  @Option(
      names = {"-w", "--writable"},
      description = "Let clients write.")
  private boolean writable;

  private ServeCommand() {}

  @Override
  public Integer call() throws DiskException, InterruptedException {
    SocketAddress address =
        socket == null
            ? new InetSocketAddress(InetAddress.getLoopbackAddress(), port)
            : UnixDomainSocketAddress.of(socket);
    OpenOptions options = writable ? Images.writing() : Images.reading();
    DiskImage disk = DiskImages.open(image, options);
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
