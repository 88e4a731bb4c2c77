package sharevm.disk.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import sharevm.disk.DiskImage;

/**
 * One client's handshake (proto.md, "Fixed newstyle negotiation"); then its {@link Transmission}.
 */
final class Session {
  private static final int MOST_OPTION = 64 << 10;
  private static final int MOST_OPTIONS = 1000;

  private final DiskImage image;
  private final String name;
  private final SocketChannel client;
  private boolean structured;
  private boolean allocation;
  private boolean padded;

  Session(DiskImage image, String name, SocketChannel client) {
    this.image = image;
    this.name = name;
    this.client = client;
  }

  void run() throws IOException {
    ByteBuffer hello = ByteBuffer.allocate(18);
    hello.putLong(Protocol.MAGIC).putLong(Protocol.OPTION_MAGIC);
    hello.putShort((short) (Protocol.FIXED_NEWSTYLE | Protocol.NO_ZEROES));
    send(client, hello.flip());
    int flags = receive(client, 4).getInt();
    if ((flags & ~(Protocol.FIXED_NEWSTYLE | Protocol.NO_ZEROES)) != 0) {
      return;
    }
    padded = (flags & Protocol.NO_ZEROES) == 0;
    for (int i = 0; i < MOST_OPTIONS; i++) {
      ByteBuffer head = receive(client, 16);
      int length = head.getInt(12);
      if (head.getLong(0) != Protocol.OPTION_MAGIC || length < 0 || length > MOST_OPTION) {
        return;
      }
      int option = head.getInt(8);
      ByteBuffer data = receive(client, length);
      if (option == Protocol.OPT_EXPORT_NAME) {
        exportName(data);
        return;
      }
      if (option == Protocol.OPT_ABORT) {
        reply(option, Protocol.REP_ACK, ByteBuffer.allocate(0));
        return;
      }
      if (answer(option, data)) {
        new Transmission(image, client, structured, allocation).run();
        return;
      }
    }
  }

  private boolean isServed(String asked) {
    return asked.isEmpty() || asked.equals(name);
  }

  private void exportName(ByteBuffer data) throws IOException {
    if (!isServed(StandardCharsets.UTF_8.decode(data).toString())) {
      return;
    }
    ByteBuffer out = ByteBuffer.allocate(10 + (padded ? 124 : 0));
    out.putLong(image.size()).putShort((short) transmissionFlags());
    send(client, out.clear());
    new Transmission(image, client, structured, allocation).run();
  }

  private int transmissionFlags() {
    int flags =
        Protocol.HAS_FLAGS | Protocol.SEND_FLUSH | Protocol.SEND_DF | Protocol.CAN_MULTI_CONN;
    return image.writable()
        ? flags | Protocol.SEND_FUA | Protocol.SEND_TRIM | Protocol.SEND_WRITE_ZEROES
        : flags | Protocol.READ_ONLY;
  }

  /** Answers an option; true when the transmission begins. */
  private boolean answer(int option, ByteBuffer data) throws IOException {
    switch (option) {
      case Protocol.OPT_LIST -> {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(4 + text.length).putInt(text.length).put(text);
        reply(option, Protocol.REP_SERVER, out.flip());
        reply(option, Protocol.REP_ACK, ByteBuffer.allocate(0));
      }
      case Protocol.OPT_STRUCTURED_REPLY -> {
        structured = true;
        reply(option, Protocol.REP_ACK, ByteBuffer.allocate(0));
      }
      case Protocol.OPT_INFO, Protocol.OPT_GO -> {
        return inform(option, data) && option == Protocol.OPT_GO;
      }
      case Protocol.OPT_LIST_META_CONTEXT, Protocol.OPT_SET_META_CONTEXT -> contexts(option, data);
      default -> reply(option, Protocol.REP_ERR_UNSUPPORTED, ByteBuffer.allocate(0));
    }
    return false;
  }

  private boolean inform(int option, ByteBuffer data) throws IOException {
    if (data.remaining() < 6 || data.getInt(0) < 0 || data.getInt(0) > data.remaining() - 6) {
      reply(option, Protocol.REP_ERR_INVALID, ByteBuffer.allocate(0));
      return false;
    }
    String asked = text(data, data.getInt());
    if (!isServed(asked)) {
      reply(option, Protocol.REP_ERR_UNKNOWN, ByteBuffer.allocate(0));
      return false;
    }
    ByteBuffer export = ByteBuffer.allocate(12);
    export.putShort((short) Protocol.INFO_EXPORT).putLong(image.size());
    export.putShort((short) transmissionFlags());
    reply(option, Protocol.REP_INFO, export.flip());
    ByteBuffer sizes = ByteBuffer.allocate(14).putShort((short) Protocol.INFO_BLOCK_SIZE);
    sizes.putInt(1).putInt(4096).putInt(Protocol.MOST_PAYLOAD);
    reply(option, Protocol.REP_INFO, sizes.flip());
    reply(option, Protocol.REP_ACK, ByteBuffer.allocate(0));
    return true;
  }

  private void contexts(int option, ByteBuffer data) throws IOException {
    if (!structured
        || data.remaining() < 8
        || data.getInt(0) < 0
        || data.getInt(0) > data.remaining() - 8) {
      reply(option, Protocol.REP_ERR_INVALID, ByteBuffer.allocate(0));
      return;
    }
    if (!isServed(text(data, data.getInt()))) {
      reply(option, Protocol.REP_ERR_UNKNOWN, ByteBuffer.allocate(0));
      return;
    }
    int queries = data.getInt();
    boolean list = option == Protocol.OPT_LIST_META_CONTEXT;
    boolean wanted = list && queries == 0;
    for (int i = 0; i < queries && data.remaining() >= 4; i++) {
      int length = data.getInt();
      if (length < 0 || length > data.remaining()) {
        reply(option, Protocol.REP_ERR_INVALID, ByteBuffer.allocate(0));
        return;
      }
      String query = text(data, length);
      wanted |= query.equals(Protocol.BASE_ALLOCATION) || list && query.equals("base:");
    }
    if (!list) {
      allocation = wanted;
    }
    if (wanted) {
      byte[] context = Protocol.BASE_ALLOCATION.getBytes(StandardCharsets.US_ASCII);
      ByteBuffer out = ByteBuffer.allocate(4 + context.length);
      out.putInt(list ? 0 : Protocol.BASE_ALLOCATION_ID).put(context);
      reply(option, Protocol.REP_META_CONTEXT, out.flip());
    }
    reply(option, Protocol.REP_ACK, ByteBuffer.allocate(0));
  }

  private static String text(ByteBuffer data, int length) {
    byte[] bytes = new byte[length];
    data.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void reply(int option, int type, ByteBuffer data) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(20 + data.remaining());
    out.putLong(Protocol.OPTION_REPLY_MAGIC).putInt(option).putInt(type);
    out.putInt(data.remaining()).put(data);
    send(client, out.flip());
  }

  static void send(SocketChannel client, ByteBuffer... buffers) throws IOException {
    for (ByteBuffer buffer : buffers) {
      while (buffer.hasRemaining()) {
        client.write(buffers);
      }
    }
  }

  static ByteBuffer receive(SocketChannel client, int length) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(length);
    receive(client, in);
    return in.flip();
  }

  static void receive(SocketChannel client, ByteBuffer in) throws IOException {
    while (in.hasRemaining()) {
      if (client.read(in) < 0) {
        throw new EOFException("the client went away");
      }
    }
  }
}
