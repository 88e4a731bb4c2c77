package sharevm.disk;

/**
 * How an image is converted.
 *
 * @param compress store compressed blocks, if the target format has them
 * @param threads how many read and compress
 * @param salvage what cannot be read becomes zeroes, and is reported
 * @param durable put the target on stable storage before it gets its name
 * @param progress is told how far it is
 */
public record ConvertOptions(
    boolean compress, int threads, boolean salvage, boolean durable, Progress progress) {
  /** Is told how far a long operation is. */
  @FunctionalInterface
  public interface Progress {
    /** {@code done} of {@code total} bytes of the disk are dealt with. */
    void at(long done, long total);
  }

  /** Uncompressed, on all processors, strict, durable, silent. */
  public static ConvertOptions usual() {
    return new ConvertOptions(
        false, Runtime.getRuntime().availableProcessors(), false, true, (_, _) -> {});
  }

  /** With compressed blocks. */
  public ConvertOptions compressing() {
    return new ConvertOptions(true, threads, salvage, durable, progress);
  }

  /** With zeroes for what cannot be read. */
  public ConvertOptions salvaging() {
    return new ConvertOptions(compress, threads, true, durable, progress);
  }

  /** Without waiting for stable storage. */
  public ConvertOptions withoutSync() {
    return new ConvertOptions(compress, threads, salvage, false, progress);
  }

  /** With someone to tell. */
  public ConvertOptions telling(Progress listener) {
    return new ConvertOptions(compress, threads, salvage, durable, listener);
  }
}
