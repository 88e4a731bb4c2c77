package sharevm.lab.lockstep;

import java.util.List;
import java.util.function.LongPredicate;

/** A program that was put together of random pieces. */
public interface RandomProgram {
  /** Makes programs. */
  @FunctionalInterface
  interface Maker<P> {
    /**
     * Makes the program of a seed.
     *
     * @param kept which of its pieces, by number, are not left out
     */
    P make(long seed, LongPredicate kept);
  }

  /** Returns the numbers of the pieces. */
  List<Long> items();

  /** Returns the program as lines. */
  List<String> text();
}
