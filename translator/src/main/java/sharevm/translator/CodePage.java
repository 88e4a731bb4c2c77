package sharevm.translator;

/**
 * The page of RAM that a block's code is in, as seen from its RIP, which counts from a code segment
 * that may begin anywhere in a page.
 *
 * @param start offset of the page in RAM
 * @param skew what is to be added to a RIP for its low bits to be those of its address
 */
record CodePage(long start, int skew) {
  private static final int OFFSET = 0xfff;

  /** Returns the page of the code at a RIP, which is at a place in RAM. */
  static CodePage of(long rip, long place) {
    return new CodePage(place & ~OFFSET, (int) (place - rip) & OFFSET);
  }

  /** Whether the code at two RIPs is in the same page, whatever page that is. */
  boolean haveSame(long rip, long other) {
    return (rip + skew ^ other + skew) >>> 12 == 0;
  }

  /** Returns where in the page the code at a RIP is, which is in the page. */
  int offset(long rip) {
    return (int) (rip + skew) & OFFSET;
  }

  /** Returns where in RAM the code at a RIP is, which is in the page. */
  long place(long rip) {
    return start | offset(rip);
  }
}
