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

  /** Looks at a heap of so many MiB, so many of them alive; returns how often it was collected. */
  private int collectionsAfter(long used, long alive) {
    heap.used = used * MEBIBYTE;
    heap.alive = alive * MEBIBYTE;
    keeper.look();
    return heap.collections;
  }

  @Test
  void smallHeapIsLeftAlone() {
    assertThat(collectionsAfter(96, 80)).isZero();
  }

  @Test
  void heapThatHasGrownIsLookedThroughOnce() {
    assertThat(collectionsAfter(97, 80)).isEqualTo(1);
    assertThat(collectionsAfter(80, 80)).isEqualTo(1);
  }

  @Test
  void mayGrowByHalfOfWhatIsAlive() {
    assertThat(collectionsAfter(300, 200)).isEqualTo(1);
    assertThat(collectionsAfter(299, 200)).isEqualTo(1);
    assertThat(collectionsAfter(301, 200)).isEqualTo(2);
  }

  @Test
  void limitComesDownAgain() {
    assertThat(collectionsAfter(300, 250)).isEqualTo(1);
    assertThat(collectionsAfter(400, 30)).isEqualTo(2);
    assertThat(collectionsAfter(97, 30)).isEqualTo(3);
  }
}
