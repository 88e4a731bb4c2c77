package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.BulkTarget;

/**
 * Stores content as it is. In order only the room for it is made, so that the image lies in its
 * file as the disk does; the bytes themselves go there from several threads.
 *
 * @param image the whole target
 * @param room its top layer
 */
record PlainSink(DiskImage image, BulkTarget room) implements Sink {
  private static final int GRAIN = 4096;

  /** Shorter stretches of zeroes are stored with their neighbours. */
  static final int LEAST_HOLE = 32 << 10;

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
      addPieces(bytes, range, pieces);
    }
    return new Plain(position, bytes, pieces);
  }

  private static void addPieces(ByteBuffer bytes, Range range, List<Range> pieces) {
    int from = -1;
    int end = 0;
    for (int at = range.from(); at < range.end(); at += GRAIN) {
      int part = Math.min(GRAIN, range.end() - at);
      if (Bytes.isZero(bytes, at, part)) {
        continue;
      }
      if (from >= 0 && at - end >= LEAST_HOLE) {
        pieces.add(new Range(from, end - from));
        from = -1;
      }
      from = from < 0 ? at : from;
      end = at + part;
    }
    if (from >= 0) {
      pieces.add(new Range(from, end - from));
    }
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
      return pieces.stream().mapToLong(Range::length).sum();
    }
  }
}
