import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import sharevm.disk.DiskFormat;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.OpenOptions;

/**
 * Random reads of 4 KiB from a full disk, and through five layers on top of it of which each holds
 * a twentieth of the disk, in pieces of 64 KiB. Both are read in turn, from the host's page cache,
 * at the same positions; a row is the median of the rounds. Run by {@code lab/bench/disk-chain}.
 */
final class ChainReads {
  private static final int LAYERS = 5;
  private static final int ROUNDS = 9;
  private static final int READS = 40_000;
  private static final int SECTION = 4096;
  private static final int PIECE = 64 << 10;

  private final Path folder;
  private final int size;
  private final Random random = new Random(1);

  private ChainReads(Path folder, int size) {
    this.folder = folder;
    this.size = size;
  }

  private void writePieces(Path path, int from, int step) throws Exception {
    byte[] noise = new byte[PIECE];
    try (DiskImage disk = DiskImages.open(path, OpenOptions.forWriting())) {
      for (long at = 0, piece = 0; at < size; at += PIECE, piece++) {
        if (step == 1 || piece * 7919 % step == from) {
          random.nextBytes(noise);
          disk.write(ByteBuffer.wrap(noise), at);
        }
      }
    }
  }

  private double microseconds(DiskImage disk, long seed) throws Exception {
    Random positions = new Random(seed);
    ByteBuffer section = ByteBuffer.allocateDirect(SECTION);
    long start = System.nanoTime();
    for (int i = 0; i < READS; i++) {
      disk.read(section.clear(), (long) positions.nextInt(size / SECTION) * SECTION);
    }
    return (System.nanoTime() - start) / 1e3 / READS;
  }

  private void row(DiskFormat format) throws Exception {
    Path base = folder.resolve("base." + format.name());
    DiskImages.create(base, format, size);
    writePieces(base, 0, 1);
    Path top = base;
    for (int i = 0; i < LAYERS; i++) {
      Path layer = folder.resolve("layer" + i + "." + format.name());
      DiskImages.createOverlay(layer, format, top);
      writePieces(layer, i, 20);
      top = layer;
    }
    double[] first = new double[ROUNDS];
    double[] through = new double[ROUNDS];
    double[] ratio = new double[ROUNDS];
    try (DiskImage alone = DiskImages.open(base, OpenOptions.forReading());
        DiskImage chain = DiskImages.open(top, OpenOptions.forReading())) {
      for (int round = -2; round < ROUNDS; round++) {
        int at = Math.max(round, 0);
        first[at] = microseconds(alone, round);
        through[at] = microseconds(chain, round);
        ratio[at] = through[at] / first[at];
      }
    }
    System.out.printf(
        "%-6s %9.2f %9.2f %6.2f%n", format.name(), median(first), median(through), median(ratio));
    deleteAll();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private void deleteAll() throws Exception {
    List<Path> files = new ArrayList<>();
    try (var list = Files.list(folder)) {
      list.forEach(files::add);
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }

  /** The folder for the images, the disk's size in MiB, and the formats. */
  public static void main(String[] arguments) throws Exception {
    ChainReads bench = new ChainReads(Path.of(arguments[0]), Integer.parseInt(arguments[1]) << 20);
    System.out.printf("%-6s %9s %9s %6s%n", "format", "first us", "chain us", "ratio");
    for (String name : Arrays.asList(arguments).subList(2, arguments.length)) {
      bench.row(DiskFormat.named(name).orElseThrow());
    }
  }
}
