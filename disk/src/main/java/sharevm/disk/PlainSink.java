package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.layer.BulkTarget;

/**
 * Stores content as it is. In order only the room for it is made, so that the image lies in its
 * file as the disk does; the bytes themselves go there from several threads.
 *
 * @param image the whole target
 * @param room its top layer
 */
record PlainSink(DiskImage image, BulkTarget room) implements Sink {
  @Override
  public Hand hand() {
    return new Hand() {
      @Override
      public Work prepare(long position, ByteBuffer bytes, List<Range> ranges) {
        return plain(position, bytes, ranges);
      }

      @Override
      public void close() {
        // Nothing is held.
      }
    };
  }

  private Work plain(long position, ByteBuffer bytes, List<Range> ranges) {
    List<Range> pieces = new ArrayList<>();
    for (Range range : ranges) {
      Holes.leaveOut(bytes, range, pieces);
    }
    return new Plain(position, bytes, pieces);
  }

  private final class Plain implements Work {
    private final long position;
    private final ByteBuffer bytes;
    private final List<Range> pieces;

    Plain(long position, ByteBuffer bytes, List<Range> pieces) {
      this.position = position;
      this.bytes = bytes;
      this.pieces = pieces;
    }

    @Override
    public void inOrder() throws DiskException {
      for (Range piece : pieces) {
        room.reserve(position + piece.from(), piece.length());
      }
    }

    @Override
    public void afterwards() throws DiskException {
      for (Range piece : pieces) {
        image.write(bytes.slice(piece.from(), piece.length()), position + piece.from());
      }
    }

    @Override
    public long stored() {
      long sum = 0;
      for (Range piece : pieces) {
        sum += piece.length();
      }
      return sum;
    }
  }
}
