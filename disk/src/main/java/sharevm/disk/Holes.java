package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.List;
import sharevm.disk.io.Bytes;

/**
 * Leaves out of a range of bytes the stretches of zeroes that are worth a hole. A stretch of {@link
 * #LEAST} bytes or more covers a whole grain at a multiple of that length, so only there is looked,
 * and around where something is found.
 */
final class Holes {
  /** Zeroes are looked for in units of so many bytes, a page of most hosts. */
  private static final int GRAIN = 4096;

  /** Shorter stretches of zeroes are stored with their neighbours. */
  static final int LEAST = 32 << 10;

  private final ByteBuffer bytes;
  private final int start;
  private final int end;

  private Holes(ByteBuffer bytes, Sink.Range range) {
    this.bytes = bytes;
    this.start = range.from();
    this.end = range.end();
  }

  /** Adds what is left of {@code range} to {@code pieces}, in order. */
  static void leaveOut(ByteBuffer bytes, Sink.Range range, List<Sink.Range> pieces) {
    new Holes(bytes, range).addPieces(pieces);
  }

  private void addPieces(List<Sink.Range> pieces) {
    for (int from = endOfZeroes(start); from < end; ) {
      int hole = nextHole(from);
      pieces.add(new Sink.Range(from, hole - from));
      from = endOfZeroes(hole);
    }
  }

  /** Where the next hole starts that is long enough or reaches the end. */
  private int nextHole(int from) {
    for (int probe = from - (from - start) % LEAST + LEAST; probe < end; probe += LEAST) {
      if (isZero(probe)) {
        int hole = startOfZeroes(probe, from);
        int behind = endOfZeroes(probe);
        if (behind - hole >= LEAST || behind == end) {
          return hole;
        }
      }
    }
    return startOfZeroes(start + (end - start + GRAIN - 1) / GRAIN * GRAIN, from);
  }

  /** Goes back from a grain as long as there are only zeroes before it. */
  private int startOfZeroes(int from, int least) {
    int at = from;
    while (at - GRAIN > least && isZero(at - GRAIN)) {
      at -= GRAIN;
    }
    return Math.min(at, end);
  }

  /** Goes on from a grain as long as it is zero. */
  private int endOfZeroes(int from) {
    int zeroes = Bytes.countZeroes(bytes, from, end - from);
    return from + zeroes == end ? end : from + zeroes / GRAIN * GRAIN;
  }

  private boolean isZero(int at) {
    return Bytes.isZero(bytes, at, Math.min(GRAIN, end - at));
  }
}
