package sharevm.disk.layer;

/**
 * Recognizes bytes that no compressor makes smaller, at a twentieth of what trying would cost.
 *
 * <p>Pearson's chi-square statistic of the counts of the 256 byte values has, for random bytes, the
 * mean 255 and the standard deviation 22.6. Text and code are far above; a pattern with evenly
 * spread values is far below; and noise that repeats itself within the block, which a compressor
 * does find, counts each byte twice and is above again.
 */
public final class Noise {
  private static final int SAMPLE = 4096;
  private static final int LEAST = 255 - 4 * 23;
  private static final int MOST = 255 + 4 * 23;

  private Noise() {}

  /** True when a block looks random; false for blocks too small to tell. */
  public static boolean is(byte[] block) {
    if (block.length < SAMPLE) {
      return false;
    }
    int[] counts = new int[256];
    count(block, 0, SAMPLE, counts);
    if (!isRandom(counts, SAMPLE)) {
      return false;
    }
    count(block, SAMPLE, block.length, counts);
    return isRandom(counts, block.length);
  }

  private static void count(byte[] block, int from, int to, int[] counts) {
    for (int i = from; i < to; i++) {
      counts[block[i] & 0xff]++;
    }
  }

  private static boolean isRandom(int[] counts, int total) {
    double expected = total / 256.0;
    double sum = 0;
    for (int count : counts) {
      sum += (count - expected) * (count - expected);
    }
    double chiSquare = sum / expected;
    return chiSquare > LEAST && chiSquare < MOST;
  }
}
