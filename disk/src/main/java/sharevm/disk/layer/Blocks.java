package sharevm.disk.layer;

import java.util.Arrays;
import sharevm.disk.CheckReport;

/** Collects where blocks lie in a file, to find those that lie upon each other. */
public final class Blocks {
  private final long blockLength;
  private final long fileLength;
  private long[] starts = new long[1024];
  private int count;

  /** For blocks of one length in a file of some length. */
  public Blocks(long blockLength, long fileLength) {
    this.blockLength = blockLength;
    this.fileLength = fileLength;
  }

  /**
   * Adds a block.
   *
   * @param pointer where the table says so
   * @param first the least offset a block may have
   */
  public void add(long start, long pointer, long first, CheckReport.Builder report) {
    if (start < first || start > fileLength - blockLength) {
      String where = start < first ? "within the metadata" : "past the end of the file";
      report.error(pointer, false, "a block at " + start + " lies " + where);
      return;
    }
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, count * 2);
    }
    starts[count++] = start;
  }

  /** Reports blocks that overlap. */
  public void report(CheckReport.Builder report) {
    Arrays.sort(starts, 0, count);
    for (int i = 1; i < count; i++) {
      if (starts[i] - starts[i - 1] < blockLength) {
        report.error(starts[i], false, "two blocks of the disk share this place");
      }
    }
  }

  /** The end of the last block; {@code floor} when there is none beyond that. */
  public long end(long floor) {
    long end = floor;
    for (int i = 0; i < count; i++) {
      end = Math.max(end, starts[i] + blockLength);
    }
    return end;
  }
}
