package sharevm.translator;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How the translator is to work: every means to speed can be switched off, which finds the one that
 * a bug is in, and some can be driven to extremes.
 *
 * @param codeBytes size of each processor's code cache
 * @param hot how often a block is interpreted before it is translated; 1 for tests that want all of
 *     it translated
 * @param without the means to do without
 * @param listener told of every translation, on the processor's thread
 */
public record Tuning(
    long codeBytes, int hot, Set<Means> without, Optional<Consumer<Translation>> listener) {
  /** Room for translated code, of which the host commits what is used. */
  private static final long CODE_BYTES = 128L << 20;

  /** What is left to each of many processors: about what a Linux guest executes while it boots. */
  private static final long LEAST_SHARE = 16L << 20;

  /** The smallest code cache that has room for one block. */
  private static final long LEAST_CODE_BYTES = 128L << 10;

  private static final int HOT = 8;

  private static final int MOST_MIRROR_PAGES = 4096;
  private static final long BYTES_FOR_MIRROR_PAGE = CODE_BYTES / MOST_MIRROR_PAGES;

  /** Some microseconds. */
  private static final int SLICE = 4096;

  /** What can be done without. */
  public enum Means {
    /** Blocks that go on along the likely way. */
    TRACES,
    /** Blocks of more than one instruction. */
    BLOCKS,
    /** One look into the TLB for several accesses. */
    WINDOWS,
    /** Page table walks in machine code. */
    WALKS,
    /** Jumps from block to block without Java. */
    CHAINS,
    /** A second look for blocks that push each other out of the jump cache. */
    JUMPS,
    /** Doing without flags that nobody reads. */
    LIVENESS,
    /** One instruction that takes a page's number out of an address, where the host has it. */
    BITFIELDS,
    /** Operands in the context itself for guest registers that have no host register. */
    OPERANDS,
    /** x87 and MMX instructions by the host's own unit. */
    X87,
    /** The host's clock read without Java. */
    CLOCK,
    /** Places in memory that are the sum of a page and an offset. */
    SUMS,
    /** Loads in loops that need not wait for the TLB. */
    MIRRORS,
    /** Many blocks between two looks at the attention word. */
    SLICES,
    /** What the TLB still has from before Java was last left. */
    TLB;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public Tuning {
    without = Set.copyOf(without);
  }

  /** The usual. */
  public static Tuning standard() {
    return new Tuning(CODE_BYTES, HOT, Set.of(), Optional.empty());
  }

  /** Returns the same with another size of code cache. */
  public Tuning withCodeBytes(long bytes) {
    return new Tuning(bytes, hot, without, listener);
  }

  /**
   * Returns the same with the room for code shared out among processors; each has 16 MiB at least.
   */
  public Tuning sharedBy(int processors) {
    return withCodeBytes(Math.max(LEAST_SHARE, codeBytes / processors));
  }

  /** Returns the same with another number of times before a translation. */
  public Tuning withHot(int times) {
    return new Tuning(codeBytes, times, without, listener);
  }

  /** Returns the same without some means. */
  public Tuning without(Means... means) {
    EnumSet<Means> all = EnumSet.noneOf(Means.class);
    all.addAll(without);
    all.addAll(List.of(means));
    return new Tuning(codeBytes, hot, all, listener);
  }

  /** Returns the same with somebody who is told of translations. */
  public Tuning withListener(Consumer<Translation> other) {
    return new Tuning(codeBytes, hot, without, Optional.of(other));
  }

  /**
   * Returns the same with one change in words: {@code traces=off} and so on, {@code hot=8}, {@code
   * code=1048576}.
   *
   * @throws IllegalArgumentException if the words mean nothing; the message says what there is
   */
  public Tuning with(String words) {
    String[] parts = words.split("=", 2);
    String value = parts.length == 2 ? parts[1] : "";
    if (value.matches("[0-9]{1,9}")) {
      long number = Long.parseLong(value);
      if (parts[0].equals("hot") && number > 0) {
        return withHot((int) number);
      }
      if (parts[0].equals("code") && number >= LEAST_CODE_BYTES) {
        return withCodeBytes(number);
      }
    }
    for (Means means : Means.values()) {
      if (parts[0].equals(means.word()) && value.equals("off")) {
        return without(means);
      }
    }
    List<String> names = Arrays.stream(Means.values()).map(Means::word).toList();
    throw new IllegalArgumentException(
        "'%s' is no option of the translator: give %s with =off, hot=TIMES, or code=BYTES from %d on"
            .formatted(words, String.join(", ", names), LEAST_CODE_BYTES));
  }

  /**
   * Pages that a processor may show in mirrors: with the room for code, the more processors the
   * fewer. Each is a mapping of the host's, which allows a process some ten thousands.
   */
  int mirrorPages() {
    return (int) Math.min(MOST_MIRROR_PAGES, codeBytes / BYTES_FOR_MIRROR_PAGE);
  }

  /** Instructions that may be executed between two looks at the attention word. */
  int slice() {
    return has(Means.SLICES) ? SLICE : Trace.MOST;
  }

  boolean has(Means means) {
    return !without.contains(means);
  }
}
