package sharevm.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a conversion stores of a window, and what becomes a hole. */
final class HolesTest {
  private static final int GRAIN = 4096;
  private static final int GRAINS = 128;

  private static List<Sink.Range> pieces(ByteBuffer bytes, int from, int end) {
    List<Sink.Range> pieces = new ArrayList<>();
    Holes.leaveOut(bytes, new Sink.Range(from, end - from), pieces);
    return pieces;
  }

  /** The same by looking at each grain. */
  private static List<Sink.Range> plainly(BitSet data, int from, int end) {
    List<Sink.Range> pieces = new ArrayList<>();
    for (int grain = from / GRAIN; grain * GRAIN < end; grain++) {
      if (!data.get(grain)) {
        continue;
      }
      int start = Math.max(from, grain * GRAIN);
      int stop = Math.min(end, (grain + 1) * GRAIN);
      if (!pieces.isEmpty() && start - pieces.getLast().end() < Holes.LEAST) {
        start = pieces.removeLast().from();
      }
      pieces.add(new Sink.Range(start, stop - start));
    }
    return pieces;
  }

  @Test
  void randomWindows() {
    long seed = Long.getLong("sharevm.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 2000; round++) {
      BitSet data = new BitSet();
      for (int grain = 0; grain < GRAINS; ) {
        int length = 1 + random.nextInt(random.nextBoolean() ? 12 : 3);
        data.set(grain, grain + length, random.nextBoolean());
        grain += length;
      }
      ByteBuffer bytes = ByteBuffer.allocateDirect(GRAINS * GRAIN);
      int end = GRAINS * GRAIN - random.nextInt(2) * 512 * random.nextInt(16);
      int from = random.nextInt(8) * GRAIN;
      for (int grain = 0; grain < GRAINS; grain++) {
        if (data.get(grain)) {
          int room = Math.min(GRAIN, end - grain * GRAIN);
          bytes.put(grain * GRAIN + (room > 0 ? random.nextInt(room) : 0), (byte) 1);
        }
      }
      assertThat(pieces(bytes, from, end))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(plainly(data, from, end));
    }
  }

  @Test
  void zeroesAreNotStored() {
    assertThat(pieces(ByteBuffer.allocate(GRAINS * GRAIN), 0, GRAINS * GRAIN)).isEmpty();
  }
}
