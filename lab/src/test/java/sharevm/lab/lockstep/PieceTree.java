package sharevm.lab.lockstep;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;

/**
 * The pieces of a random program. Every piece has a generator of its own, so that the same program
 * can be made again without some of them.
 */
public final class PieceTree {
  /** More than a piece has parts: pieces are numbered by their way from the root. */
  private static final int FANOUT = 97;

  private static final int KINDS = 100;

  private final LongPredicate kept;
  private final List<Long> items = new ArrayList<>();
  private long item;

  /** Emits a piece. */
  @FunctionalInterface
  public interface Piece {
    /** Emits one of a kind from 0 to 99. */
    void emit(int kind, SplittableRandom random);
  }

  /** Begins with a tree of those pieces, by number, that are not left out. */
  public PieceTree(LongPredicate kept) {
    this.kept = kept;
  }

  /** Goes on with the parts of a root. */
  public void root(long number) {
    item = number;
  }

  /** Emits some parts of the present piece. */
  public void some(int count, SplittableRandom random, Piece piece) {
    long parent = item;
    for (int n = 1; n <= count; n++) {
      item = parent * FANOUT + n;
      int kind = random.nextInt(KINDS);
      SplittableRandom own = random.split();
      if (kept.test(item)) {
        items.add(item);
        piece.emit(kind, own);
      }
    }
    item = parent;
  }

  /** Returns the numbers of all that were emitted. */
  public List<Long> items() {
    return List.copyOf(items);
  }
}
