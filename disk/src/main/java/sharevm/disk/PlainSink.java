package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.BulkTarget;
import sharevm.disk.layer.Run;

/**
 * Stores content as it is. In order only the room for it is made, so that the image lies in its
 * file as the disk does; the bytes themselves go there beside the reading, straight into the file:
 * writing through the layer would hold its lock, for which the next room has to wait.
 *
 * @param target the only layer of an image that nobody else writes to
 */
record PlainSink(BulkTarget target) implements Sink {
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
    private final List<List<Run>> places = new ArrayList<>();

    Plain(long position, ByteBuffer bytes, List<Range> pieces) {
      this.position = position;
      this.bytes = bytes;
      this.pieces = pieces;
    }

    @Override
    public void inOrder() throws DiskException {
      for (Range piece : pieces) {
        places.add(target.reserve(position + piece.from(), piece.length()));
      }
    }

    @Override
    public void afterwards() throws DiskException {
      for (int i = 0; i < pieces.size(); i++) {
        ByteBuffer piece = bytes.slice(pieces.get(i).from(), pieces.get(i).length());
        for (Run place : places.get(i)) {
          place.file().write(Bytes.take(piece, (int) place.length()), place.offset());
        }
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
