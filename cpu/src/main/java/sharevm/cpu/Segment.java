package sharevm.cpu;

/**
 * Attribute bits of a cached segment descriptor: bits 40 to 55 of the descriptor moved down to 0 to
 * 15 (Intel SDM Vol. 3A 3.4.5), and one bit of our own for "null selector loaded".
 */
public final class Segment {
  /** Type bit: accessed. */
  public static final int ACCESSED = 1;

  /** Type bit of data: writable; of code: readable. */
  public static final int READ_WRITE = 1 << 1;

  /** Type bit of data: expand-down; of code: conforming. */
  public static final int EXPAND_CONFORM = 1 << 2;

  /** Type bit: code. */
  public static final int CODE = 1 << 3;

  /** S: a code or data segment, not a system one. */
  public static final int CODE_OR_DATA = 1 << 4;

  public static final int DPL_SHIFT = 5;
  public static final int PRESENT = 1 << 7;

  /** L: 64-bit code. */
  public static final int LONG = 1 << 13;

  /** D/B: 32-bit default. */
  public static final int DEFAULT_BIG = 1 << 14;

  /** G: limit in pages. */
  public static final int GRANULAR = 1 << 15;

  /** No segment: a null selector was loaded. */
  public static final int UNUSABLE = 1 << 16;

  /** Attributes of a data segment as real-address mode makes it. */
  public static final int REAL_DATA = PRESENT | CODE_OR_DATA | READ_WRITE | ACCESSED;

  private Segment() {}

  /** Returns the privilege level in descriptor attributes. */
  public static int dpl(int attributes) {
    return attributes >> DPL_SHIFT & 3;
  }

  /**
   * Returns whether every access of every kind through a segment is allowed: writable data, all 4
   * GiB.
   */
  static boolean isFlat(CpuState s, int n) {
    int attributes = s.segmentAttributes[n];
    int wanted = PRESENT | CODE_OR_DATA | READ_WRITE;
    return s.segmentLimit[n] == -1
        && (attributes & (wanted | CODE | EXPAND_CONFORM | UNUSABLE)) == wanted;
  }
}
