package sharevm.library;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class HeapKeeperTest {
  private static final long MEBIBYTE = 1 << 20;

  /** A heap where so much is in use, and so much of it alive. */
  private static final class FakeHeap implements HeapKeeper.Heap {
    long used;
    long alive;
    int collections;

    @Override
    public long used() {
      return used;
    }

    @Override
    public void collect() {
      used = alive;
      collections++;
    }
  }

  private final FakeHeap heap = new FakeHeap();
  private final HeapKeeper keeper = new HeapKeeper(heap);

  @Test
  void smallHeapIsLeftAlone() {
    heap.used = 96 * MEBIBYTE;
    keeper.look();
    assertThat(heap.collections).isZero();
  }

  @Test
  void heapThatHasGrownIsLookedThroughOnce() {
    heap.used = 97 * MEBIBYTE;
    heap.alive = 80 * MEBIBYTE;
    keeper.look();
    keeper.look();
    assertThat(heap.collections).isEqualTo(1);
  }

  @Test
  void mayGrowByHalfOfWhatIsAlive() {
    heap.used = 300 * MEBIBYTE;
    heap.alive = 200 * MEBIBYTE;
    keeper.look();
    heap.used = 299 * MEBIBYTE;
    keeper.look();
    assertThat(heap.collections).isEqualTo(1);
    heap.used = 301 * MEBIBYTE;
    keeper.look();
    assertThat(heap.collections).isEqualTo(2);
  }

  @Test
  void limitComesDownAgain() {
    heap.used = 300 * MEBIBYTE;
    heap.alive = 250 * MEBIBYTE;
    keeper.look();
    heap.used = 400 * MEBIBYTE;
    heap.alive = 30 * MEBIBYTE;
    keeper.look();
    heap.used = 97 * MEBIBYTE;
    keeper.look();
    assertThat(heap.collections).isEqualTo(3);
  }
}
