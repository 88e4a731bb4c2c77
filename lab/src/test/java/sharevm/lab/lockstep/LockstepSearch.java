package sharevm.lab.lockstep;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Looks for a random program that the engines execute differently, and makes it small. */
public final class LockstepSearch<P extends RandomProgram> {
  /** Programs that one pair of machines executes one after the other. */
  private static final int SESSION = 12;

  private final String mode;
  private final Supplier<LockstepPair<P>> pairs;
  private final RandomProgram.Maker<P> maker;
  private long programs;
  private long instructions;
  private final Map<Integer, Integer> exceptions = new TreeMap<>();

  /**
   * Makes one.
   *
   * @param mode what reports call the programs' mode
   * @param pairs makes machines
   */
  public LockstepSearch(
      String mode, Supplier<LockstepPair<P>> pairs, RandomProgram.Maker<P> maker) {
    this.mode = mode;
    this.pairs = pairs;
    this.maker = maker;
  }

  /** Returns what has been done, in one line. */
  public String summary() {
    return "%s: %d programs, %d instructions alike, exceptions %s"
        .formatted(mode, programs, instructions, exceptions);
  }

  /** Returns the report of the first failure, or null. */
  public String firstFailure(long firstSeed, int most, Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    long seed = firstSeed;
    while (programs < most && System.nanoTime() < end) {
      LockstepPair<P> pair = pairs.get();
      for (int n = 0; n < SESSION && programs < most; n++) {
        P program = maker.make(seed + n, _ -> true);
        try {
          pair.run(program, seed + n);
        } catch (Difference | RuntimeException | Error thrown) {
          return report(seed, seed + n, thrown, pair.history());
        }
        programs++;
      }
      instructions += pair.executed();
      pair.exceptions().forEach((vector, n) -> exceptions.merge(vector, n, Integer::sum));
      seed += SESSION;
    }
    return null;
  }

  private String report(long first, long seed, Throwable thrown, List<String> history) {
    String text = "%s, -Dsharevm.seed=%d (program %d): %s%n".formatted(mode, first, seed, thrown);
    Set<Long> gone = new HashSet<>();
    Throwable alone = failure(seed, gone);
    if (alone == null) {
      P program = maker.make(seed, _ -> true);
      return text + "only after the programs before it\n" + listing(program, history);
    }
    shrink(seed, gone);
    LockstepPair<P> pair = pairs.get();
    P small = maker.make(seed, item -> !gone.contains(item));
    try {
      pair.run(small, seed);
    } catch (Difference | RuntimeException | Error last) {
      text += "small: " + trace(last) + "\n";
    }
    return text + listing(small, pair.history());
  }

  private static String trace(Throwable thrown) {
    StringBuilder text = new StringBuilder(thrown.toString());
    if (!(thrown instanceof Difference)) {
      for (int n = 0; n < Math.min(12, thrown.getStackTrace().length); n++) {
        text.append("\n    ").append(thrown.getStackTrace()[n]);
      }
    }
    return text.toString();
  }

  private static String listing(RandomProgram program, List<String> history) {
    int from = Math.max(0, history.size() - 40);
    return String.join("\n", history.subList(from, history.size()))
        + "\n\n"
        + String.join("\n", program.text())
        + "\n";
  }

  private Throwable failure(long seed, Set<Long> gone) {
    try {
      pairs.get().run(maker.make(seed, item -> !gone.contains(item)), seed);
      return null;
    } catch (Difference | RuntimeException | Error thrown) {
      return thrown;
    }
  }

  /** Leaves out pieces, more at first, for as long as it still fails. */
  private void shrink(long seed, Set<Long> gone) {
    for (int parts = 2; ; parts *= 2) {
      List<Long> left = maker.make(seed, item -> !gone.contains(item)).items();
      int size = Math.max(1, left.size() / parts);
      for (int from = 0; from < left.size(); from += size) {
        Set<Long> fewer = new HashSet<>(gone);
        fewer.addAll(left.subList(from, Math.min(left.size(), from + size)));
        if (failure(seed, fewer) != null) {
          gone.addAll(fewer);
        }
      }
      if (size == 1) {
        return;
      }
    }
  }
}
