package sharevm.disk.nbd;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;

/**
 * Serves one disk to any number of NBD clients, up to {@value #MOST_CLIENTS} at a time: fixed
 * newstyle handshake, structured replies, block status ("base:allocation"). There is no TLS and no
 * password: bind it to the loopback address or to a Unix socket in a directory of one's own.
 */
public final class NbdServer implements AutoCloseable {
  private static final int MOST_CLIENTS = 64;

  private final DiskImage image;
  private final String name;
  private final ServerSocketChannel listener;
  private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();
  private final Semaphore places = new Semaphore(MOST_CLIENTS);
  private final Thread acceptor;
  private volatile boolean closed;

  private NbdServer(DiskImage image, String name, ServerSocketChannel listener) {
    this.image = image;
    this.name = name;
    this.listener = listener;
    this.acceptor = Thread.ofPlatform().daemon().name("nbd").unstarted(this::accept);
  }

  /**
   * Starts serving.
   *
   * @param image stays the caller's, who closes it after the server
   * @param name the export's name; clients that ask for the empty name get it too
   * @param address an {@link java.net.InetSocketAddress} or a {@link UnixDomainSocketAddress}
   */
  public static NbdServer start(DiskImage image, String name, SocketAddress address)
      throws DiskException {
    try {
      ServerSocketChannel listener =
          address instanceof UnixDomainSocketAddress
              ? ServerSocketChannel.open(StandardProtocolFamily.UNIX)
              : ServerSocketChannel.open();
      try {
        listener.bind(address);
      } catch (IOException e) {
        listener.close();
        throw e;
      }
      NbdServer server = new NbdServer(image, name, listener);
      server.acceptor.start();
      return server;
    } catch (IOException e) {
      throw new DiskException(
              DiskException.Kind.IO, address.toString(), "cannot be listened on: " + e.getMessage())
          .causedBy(e);
    }
  }

  /** Where it listens, with the port that the host chose when none was given. */
  public SocketAddress address() {
    try {
      return listener.getLocalAddress();
    } catch (IOException e) {
      throw new IllegalStateException("the server is closed", e);
    }
  }

  private void accept() {
    while (!closed) {
      try {
        places.acquire();
        SocketChannel client = listener.accept();
        clients.add(client);
        Thread.ofVirtual().name("nbd client").start(() -> serve(client));
      } catch (IOException | InterruptedException _) {
        // The listener was closed: the server ends.
        return;
      }
    }
  }

  private void serve(SocketChannel client) {
    try (client) {
      new Session(image, name, client).run();
    } catch (IOException _) {
      // A client that goes away, or does not speak the protocol, is only its own loss.
      return;
    } finally {
      clients.remove(client);
      places.release();
    }
  }

  /** Stops listening, drops the clients and flushes the image. */
  @Override
  public void close() throws DiskException {
    closed = true;
    try {
      SocketAddress address = listener.getLocalAddress();
      listener.close();
      for (SocketChannel client : clients) {
        client.close();
      }
      if (address instanceof UnixDomainSocketAddress unix) {
        Files.deleteIfExists(unix.getPath());
      }
    } catch (IOException e) {
      throw new DiskException(DiskException.Kind.IO, name, "the server cannot be closed")
          .causedBy(e);
    } finally {
      image.flush();
    }
  }
}
