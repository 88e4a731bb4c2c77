package sharevm.library;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes and times as people write them: a whole number and a unit, without which neither is clear.
 */
public final class Quantities {
  private static final Pattern SIZE =
      Pattern.compile("([0-9]{1,15})([KMGT])(i?B)?", Pattern.CASE_INSENSITIVE);
  private static final Pattern TIME = Pattern.compile("([0-9]{1,15})(ms|s|m|h|d)");

  private Quantities() {}

  /**
   * Reads a size such as {@code 512M} or {@code 2GiB}; units are powers of 1024, in either case.
   *
   * @return bytes
   * @throws IllegalArgumentException with a message that says how a size looks
   */
  public static long bytes(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is no size: give a whole number and K, M, G or T, as in 512M");
    }
    int shift = 10 * (1 + "KMGT".indexOf(Character.toUpperCase(matcher.group(2).charAt(0))));
    long count = Long.parseLong(matcher.group(1));
    if (count > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException("'" + text + "' is larger than any size can be");
    }
    return count << shift;
  }

  /**
   * Reads a time such as {@code 60s}, {@code 500ms}, {@code 5m}, {@code 2h} or {@code 1d}.
   *
   * @throws IllegalArgumentException with a message that says how a time looks
   */
  public static Duration time(String text) {
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is no time: give a whole number and ms, s, m, h or d, as in 60s");
    }
    long count = Long.parseLong(matcher.group(1));
    try {
      Duration time =
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
          };
      // Whoever measures such a time counts nanoseconds in a long.
      return Duration.ofNanos(time.toNanos());
    } catch (ArithmeticException _) {
      throw new IllegalArgumentException("'" + text + "' is longer than any time can be");
    }
  }
}
