package sharevm.disk.qcow2;

/** The bitmap of a cluster's 32 parts (qcow2.txt, "Extended L2 Entries"). */
record Subclusters(long bitmap) {
  /** Parts of a cluster. */
  static final int COUNT = 32;

  /** Those of a cluster that is here as a whole. */
  static final Subclusters ALL_STORED = new Subclusters(0xffff_ffffL);

  /** Those of a cluster that reads as zeroes as a whole. */
  static final Subclusters ALL_ZERO = new Subclusters(0xffff_ffffL << COUNT);

  /** Those of a cluster that is not here. */
  static final Subclusters NONE = new Subclusters(0);

  /** What a part is. */
  enum State {
    ABSENT,
    STORED,
    ZERO
  }

  /** Returns what a part is; one that is marked both ways, which is invalid, is zero. */
  State state(int number) {
    boolean zero = (bitmap >>> number + COUNT & 1) != 0;
    boolean stored = (bitmap >>> number & 1) != 0;
    return zero ? State.ZERO : stored ? State.STORED : State.ABSENT;
  }

  /** Returns the number of the first part behind one that is something else. */
  int endOfRun(int number) {
    int next = number + 1;
    while (next < COUNT && state(next) == state(number)) {
      next++;
    }
    return next;
  }

  /** Returns the same with the parts from one to before another stored. */
  Subclusters withStored(int from, int to) {
    long touched = (1L << to) - (1L << from);
    return new Subclusters((bitmap | touched) & ~(touched << COUNT));
  }
}
