package sharevm.disk;

import java.util.List;

/**
 * What a conversion did.
 *
 * @param copied bytes of the disk that were stored
 * @param lost what could not be read and became zeroes, at most {@link #MOST} stretches
 * @param lostBytes how many bytes that is in all
 */
public record ConvertReport(long copied, List<Lost> lost, long lostBytes) {
  /** So many stretches are listed; the rest is only counted. */
  public static final int MOST = 200;

  /**
   * A stretch that could not be read.
   *
   * @param position on the disk
   * @param length in bytes
   * @param why the error's message
   */
  public record Lost(long position, long length, String why) {}
}
