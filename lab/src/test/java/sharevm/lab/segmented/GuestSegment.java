package sharevm.lab.segmented;

import sharevm.cpu.Segment;

/**
 * A segment as programs use it.
 *
 * @param limit in bytes, as an unsigned int
 * @param attributes as {@link Segment} has them
 * @param wide offsets that programs use with 32-bit addresses
 * @param narrow offsets that programs use with 16-bit addresses; null when there are none
 */
record GuestSegment(int selector, long base, int limit, int attributes, Range wide, Range narrow) {
  /** Offsets from one to another, both included. */
  record Range(long low, long high) {
    boolean contains(Range other) {
      return low <= other.low && other.high <= high;
    }
  }

  static final GuestSegment NULL =
      new GuestSegment(0, 0, 0, Segment.UNUSABLE, new Range(0, 0xffff), new Range(0, 0xffff));

  boolean usable() {
    return (attributes & Segment.UNUSABLE) == 0;
  }

  boolean writable() {
    return (attributes & (Segment.CODE | Segment.READ_WRITE)) == Segment.READ_WRITE;
  }

  boolean expandsDown() {
    return (attributes & (Segment.CODE | Segment.EXPAND_CONFORM)) == Segment.EXPAND_CONFORM;
  }

  boolean big() {
    return (attributes & Segment.DEFAULT_BIG) != 0;
  }

  /** Whether its limit is no limit. */
  boolean endless() {
    return limit == -1 && !expandsDown();
  }

  /** Returns the same but for the selector. */
  GuestSegment named(int other) {
    return new GuestSegment(other, base, limit, attributes, wide, narrow);
  }

  /** Returns the descriptor (Intel SDM Vol. 3A 3.4.5). */
  long descriptor() {
    boolean pages = (attributes & Segment.GRANULAR) != 0;
    long raw = pages ? limit >>> 12 : limit;
    return raw & 0xffff
        | (base & 0xff_ffff) << 16
        | (long) (attributes & 0xf0ff) << 40
        | (raw & 0xf_0000) << 32
        | (base & 0xff00_0000L) << 32;
  }

  @Override
  public String toString() {
    return "%x: base %x, limit %x, attributes %x".formatted(selector, base, limit, attributes);
  }
}
