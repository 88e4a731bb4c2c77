package sharevm.disk;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sharevm.disk.io.Bytes;

/**
 * Divides a disk into windows and leaves out those that are all zero. It goes over the image's
 * tables once, whoever asks for the next window.
 */
final class Windows {
  /**
   * One window.
   *
   * @param number counts from 0
   * @param position a multiple of {@link #LENGTH}
   * @param length {@link #LENGTH} but at the disk's end
   * @param ranges what of it may be other than zero, in order; short holes are read along
   */
  record Window(long number, long position, int length, List<Sink.Range> ranges) {}

  /** The length of a window in bytes. */
  static final int LENGTH = 2 << 20;

  /** How far to look for the end of a stretch of data. */
  private static final long FAR = 32L << 20;

  private final DiskImage source;
  private final boolean salvage;
  private long next;
  private long count;
  private long stretchEnd;
  private boolean stretchIsZero;

  /**
   * Divides a disk.
   *
   * @param salvage what cannot be told is taken for data
   */
  Windows(DiskImage source, boolean salvage) {
    this.source = source;
    this.salvage = salvage;
  }

  /** How much of the disk the windows given out and left out so far cover. */
  synchronized long position() {
    return next;
  }

  /** The next window that is not all zero. */
  synchronized Optional<Window> next() throws DiskException {
    while (next < source.size()) {
      long end = endOfStretch(next);
      if (!stretchIsZero) {
        return Optional.of(window());
      }
      next = end;
    }
    return Optional.empty();
  }

  private Window window() throws DiskException {
    long start = Bytes.roundDown(next, LENGTH);
    long end = Math.min(start + LENGTH, source.size());
    List<Sink.Range> ranges = new ArrayList<>();
    for (long at = next; at < end; ) {
      long to = Math.min(end, endOfStretch(at));
      if (!stretchIsZero) {
        add(ranges, (int) (at - start), (int) (to - start));
      }
      at = to;
    }
    next = end;
    return new Window(count++, start, (int) (end - start), ranges);
  }

  private static void add(List<Sink.Range> ranges, int from, int end) {
    int start = from;
    if (!ranges.isEmpty() && from - ranges.getLast().end() < Holes.LEAST) {
      start = ranges.removeLast().from();
    }
    ranges.add(new Sink.Range(start, end - start));
  }

  /** Where the stretch of a position ends, which is the last one's or behind it. */
  private long endOfStretch(long position) throws DiskException {
    if (position < stretchEnd) {
      return stretchEnd;
    }
    try {
      Extent extent = source.extent(position, FAR);
      if (extent.isZero() && extent.length() == FAR) {
        extent = source.extent(position, Long.MAX_VALUE);
      }
      stretchEnd = position + extent.length();
      stretchIsZero = extent.isZero();
    } catch (DiskException e) {
      if (!salvage) {
        throw e;
      }
      stretchEnd = Bytes.roundDown(position, LENGTH) + LENGTH;
      stretchIsZero = false;
    }
    return stretchEnd;
  }
}
