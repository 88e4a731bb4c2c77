package sharevm.translator;

import java.util.Arrays;

/** Ranges of bytes of a page. */
final class Extents {
  /** Where each begins and, behind that, where it ends. */
  private short[] bounds = new short[2];

  private int count;

  /** Adds a range; it is one with the last if it begins where that ends. */
  void add(int from, int length) {
    if (count > 0 && bounds[count - 1] == from) {
      bounds[count - 1] += (short) length;
      return;
    }
    if (count == bounds.length) {
      bounds = Arrays.copyOf(bounds, count + 4);
    }
    bounds[count++] = (short) from;
    bounds[count++] = (short) (from + length);
  }

  /** Whether a range has bytes of these. */
  boolean touch(int from, int to) {
    for (int n = 0; n < count; n += 2) {
      if (bounds[n] < to && bounds[n + 1] > from) {
        return true;
      }
    }
    return false;
  }
}
