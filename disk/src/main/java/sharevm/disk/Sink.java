package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.List;

/** Where a conversion's content goes. */
interface Sink {
  /** Bytes of a window that may be other than zero, counted from its start. */
  record Range(int from, int length) {
    int end() {
      return from + length;
    }
  }

  /** One window's work, cut into what has an order and what has none. */
  interface Work {
    /** What must happen in the order of the disk; never called by two threads at once. */
    void inOrder() throws DiskException;

    /** What may happen beside other windows' work once the order is settled. */
    void afterwards() throws DiskException;

    /** How many bytes of the disk are stored. */
    long stored();
  }

  /** Looks for zeroes, compresses: all that can be done before a window's turn comes. */
  interface Hand extends AutoCloseable {
    /**
     * Prepares a window.
     *
     * @param position of the window on the disk
     * @param bytes of the window, valid within the ranges only
     * @param ranges in order, without overlaps
     */
    Work prepare(long position, ByteBuffer bytes, List<Range> ranges);

    @Override
    void close();
  }

  /** The hand of one thread. */
  Hand hand();
}
