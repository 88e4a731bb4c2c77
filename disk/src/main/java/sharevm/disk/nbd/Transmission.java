package sharevm.disk.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.Extent;

/** A client's requests and their answers (proto.md, "Transmission"), one after the other. */
final class Transmission {
  private static final int REQUEST = 28;
  private static final int PART = 1 << 20;
  private static final int MOST_EXTENTS = 1024;

  private final DiskImage image;
  private final SocketChannel client;
  private final boolean structured;
  private final boolean allocation;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(PART);

  private record Request(int flags, int type, long cookie, long offset, int length) {}

  Transmission(DiskImage image, SocketChannel client, boolean structured, boolean allocation) {
    this.image = image;
    this.client = client;
    this.structured = structured;
    this.allocation = allocation;
  }

  void run() throws IOException {
    ByteBuffer head = ByteBuffer.allocate(REQUEST);
    while (true) {
      Session.receive(client, head.clear());
      head.flip();
      if (head.getInt() != Protocol.REQUEST_MAGIC) {
        return;
      }
      Request request =
          new Request(
              head.getShort() & 0xffff,
              head.getShort() & 0xffff,
              head.getLong(),
              head.getLong(),
              head.getInt());
      boolean huge = request.length < 0 || request.length > Protocol.MOST_PAYLOAD;
      if (request.type == Protocol.CMD_DISC || request.type == Protocol.CMD_WRITE && huge) {
        return;
      }
      serve(request, huge);
    }
  }

  private void serve(Request request, boolean huge) throws IOException {
    long length = request.length & 0xffffffffL;
    boolean inside =
        request.offset >= 0 && length <= image.size() && request.offset <= image.size() - length;
    if (request.type == Protocol.CMD_WRITE) {
      write(request, inside);
      return;
    }
    if (!inside && request.type != Protocol.CMD_FLUSH) {
      fail(request, Protocol.EINVAL, "beyond the end of the disk");
      return;
    }
    try {
      switch (request.type) {
        case Protocol.CMD_READ -> {
          if (huge) {
            fail(request, Protocol.EINVAL, "too much at once");
          } else {
            read(request);
          }
        }
        case Protocol.CMD_FLUSH -> {
          image.flush();
          succeed(request);
        }
        case Protocol.CMD_TRIM -> {
          image.discard(request.offset, length);
          finish(request);
        }
        case Protocol.CMD_WRITE_ZEROES -> {
          image.writeZeroes(request.offset, length);
          finish(request);
        }
        case Protocol.CMD_BLOCK_STATUS -> status(request, length);
        default -> fail(request, Protocol.EINVAL, "unknown request " + request.type);
      }
    } catch (DiskException e) {
      fail(request, e);
    }
  }

  private void write(Request request, boolean inside) throws IOException {
    DiskException failure = null;
    for (int done = 0; done < request.length; ) {
      buffer.clear().limit(Math.min(PART, request.length - done));
      Session.receive(client, buffer);
      int part = buffer.flip().remaining();
      try {
        if (inside && failure == null) {
          image.write(buffer, request.offset + done);
        }
      } catch (DiskException e) {
        failure = e;
      }
      done += part;
    }
    try {
      if (!inside) {
        fail(request, image.writable() ? Protocol.ENOSPC : Protocol.EPERM, "beyond the disk's end");
      } else if (failure != null) {
        fail(request, failure);
      } else {
        finish(request);
      }
    } catch (DiskException e) {
      fail(request, e);
    }
  }

  /** Answers a change, which is on stable storage first if the client wants so. */
  private void finish(Request request) throws IOException {
    if ((request.flags & Protocol.FLAG_FUA) != 0) {
      image.flush();
    }
    succeed(request);
  }

  private void read(Request request) throws IOException {
    if (!structured) {
      readSimply(request);
      return;
    }
    boolean whole = (request.flags & Protocol.FLAG_DF) != 0;
    if (whole) {
      ByteBuffer all = ByteBuffer.allocate(request.length);
      image.read(all, request.offset);
      chunk(request, Protocol.REPLY_DONE, request.offset, all.flip());
      return;
    }
    long end = request.offset + request.length;
    for (long at = request.offset; at < end; ) {
      Extent extent = image.extent(at, Math.min(end - at, PART));
      int length = (int) extent.length();
      boolean last = at + length == end;
      if (extent.isZero()) {
        ByteBuffer hole = head(request, last, Protocol.REPLY_OFFSET_HOLE, 12);
        Session.send(client, hole.putLong(at).putInt(length).flip());
      } else {
        image.read(buffer.clear().limit(length), at);
        chunk(request, last ? Protocol.REPLY_DONE : 0, at, buffer.flip());
      }
      at += length;
    }
    if (request.length == 0) {
      succeed(request);
    }
  }

  private void readSimply(Request request) throws IOException {
    // A simple reply cannot fail half-way, so all is read before its head is sent.
    ByteBuffer all = ByteBuffer.allocate(request.length);
    image.read(all, request.offset);
    Session.send(client, simple(request, 0), all.flip());
  }

  private static ByteBuffer simple(Request request, int error) {
    ByteBuffer out = ByteBuffer.allocate(16);
    out.putInt(Protocol.SIMPLE_REPLY_MAGIC).putInt(error).putLong(request.cookie);
    return out.flip();
  }

  private static ByteBuffer head(Request request, boolean last, int type, int length) {
    ByteBuffer out = ByteBuffer.allocate(20 + length);
    out.putInt(Protocol.STRUCTURED_REPLY_MAGIC);
    out.putShort((short) (last ? Protocol.REPLY_DONE : 0)).putShort((short) type);
    return out.putLong(request.cookie).putInt(length);
  }

  private void chunk(Request request, int flags, long offset, ByteBuffer data) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(28);
    out.putInt(Protocol.STRUCTURED_REPLY_MAGIC).putShort((short) flags);
    out.putShort((short) Protocol.REPLY_OFFSET_DATA).putLong(request.cookie);
    out.putInt(8 + data.remaining()).putLong(offset);
    Session.send(client, out.flip(), data);
  }

  private void status(Request request, long length) throws IOException {
    if (!allocation || length == 0) {
      fail(request, Protocol.EINVAL, "no metadata context was agreed upon");
      return;
    }
    int most = (request.flags & Protocol.FLAG_REQ_ONE) != 0 ? 1 : MOST_EXTENTS;
    ByteBuffer extents = ByteBuffer.allocate(4 + most * 8);
    extents.putInt(Protocol.BASE_ALLOCATION_ID);
    long end = request.offset + length;
    long at = request.offset;
    while (at < end && extents.hasRemaining()) {
      Extent extent = image.extent(at, end - at);
      int state =
          switch (extent.kind()) {
            case HOLE -> Protocol.STATE_HOLE | Protocol.STATE_ZERO;
            case ZERO -> Protocol.STATE_ZERO;
            case DATA, COMPRESSED -> 0;
          };
      extents.putInt((int) extent.length()).putInt(state);
      at += extent.length();
    }
    extents.flip();
    ByteBuffer out = head(request, true, Protocol.REPLY_BLOCK_STATUS, extents.remaining());
    Session.send(client, out.put(extents).flip());
  }

  private void succeed(Request request) throws IOException {
    Session.send(
        client,
        structured ? head(request, true, Protocol.REPLY_NONE, 0).flip() : simple(request, 0));
  }

  private void fail(Request request, DiskException e) throws IOException {
    int error =
        switch (e.kind()) {
          case READ_ONLY -> Protocol.EPERM;
          case NO_SPACE -> Protocol.ENOSPC;
          case OUT_OF_RANGE, INVALID -> Protocol.EINVAL;
          default -> Protocol.EIO;
        };
    fail(request, error, e.getMessage());
  }

  private void fail(Request request, int error, String why) throws IOException {
    if (!structured) {
      Session.send(client, simple(request, error));
      return;
    }
    byte[] text = why.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(text.length, 4096);
    ByteBuffer out = head(request, true, Protocol.REPLY_ERROR, 6 + length);
    out.putInt(error).putShort((short) length).put(text, 0, length);
    Session.send(client, out.flip());
  }
}
