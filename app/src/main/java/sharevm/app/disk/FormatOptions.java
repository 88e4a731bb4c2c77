package sharevm.app.disk;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Option;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Raw;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;

/** What is to be chosen of a new image's format. */
final class FormatOptions {
  private static final Set<String> FIXED = Set.of("vhd", "vhdx", "vdi");

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      description = "raw, qcow2, vhd, vhdx, vmdk or vdi; by the file's name if not given.")
  private String format;

  @Option(
      names = "--variant",
      paramLabel = "V",
      description =
          "vmdk: monolithicSparse, monolithicFlat, twoGbMaxExtentSparse, twoGbMaxExtentFlat,"
              + " streamOptimized, vmfs; vhd, vhdx, vdi: dynamic, fixed.")
  private String variant = "";

  @Option(
      names = "--adapter",
      paramLabel = "A",
      defaultValue = "lsilogic",
      description = "vmdk: ide, buslogic, lsilogic, pvscsi... (${DEFAULT-VALUE})")
  private String adapter;

  @Option(
      names = "--block-size",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "qcow2: the cluster's; vhd, vhdx: the block's.")
  private long blockSize;

  @Option(
      names = "--sector-size",
      paramLabel = "N",
      defaultValue = "512",
      description = "vhdx: 512 or 4096 (${DEFAULT-VALUE}).")
  private int sectorSize;

  @Option(names = "--whole-mib", description = "vhd: round up to a whole MiB, as Azure asks for.")
  private boolean wholeMiB;

  @Option(names = "--zstd", description = "qcow2: compress clusters by zstd instead of zlib.")
  private boolean zstd;

  @Option(
      names = "--qcow2-version",
      paramLabel = "N",
      defaultValue = "3",
      description = "qcow2: 2 or 3.")
  private int version;

  @Option(names = "--extended-l2", description = "qcow2: allocate by subclusters.")
  private boolean extendedL2;

  /** The format that is asked for, by option or by the file's name. */
  DiskFormat format(Path file) throws DiskException {
    String name = format == null ? byName(file) : format.toLowerCase(Locale.ROOT);
    DiskFormat usual =
        DiskFormat.named(name)
            .orElseThrow(
                () -> DiskException.invalid(file.toString(), "no format is called '" + name + "'"));
    boolean fixed = variant.equalsIgnoreCase("fixed");
    if (!variant.isEmpty()
        && !fixed
        && !variant.equalsIgnoreCase("dynamic")
        && FIXED.contains(name)) {
      throw DiskException.invalid(file.toString(), "no variant is called '" + variant + "'");
    }
    return switch (usual) {
      case Raw raw -> raw;
      case Vdi _ -> new Vdi(fixed);
      case Vhd vhd -> new Vhd(fixed, blockSize(vhd.blockSize()), wholeMiB);
      case Vhdx vhdx -> new Vhdx(fixed, blockSize(vhdx.blockSize()), sectorSize);
      case Vmdk _ -> new Vmdk(vmdkVariant(file), adapter);
      case Qcow2 qcow2 -> {
        int size = blockSize(1 << qcow2.clusterBits());
        if (Integer.bitCount(size) != 1) {
          throw DiskException.invalid(file.toString(), "a cluster's size is a power of two");
        }
        Qcow2.Compression compression = zstd ? Qcow2.Compression.ZSTD : Qcow2.Compression.ZLIB;
        yield new Qcow2(
            version, Integer.numberOfTrailingZeros(size), compression, extendedL2, false);
      }
    };
  }

  private int blockSize(int usual) {
    return blockSize == 0 ? usual : (int) Math.min(blockSize, Integer.MAX_VALUE);
  }

  private Vmdk.Variant vmdkVariant(Path file) throws DiskException {
    if (variant.isEmpty()) {
      return Vmdk.Variant.MONOLITHIC_SPARSE;
    }
    return Arrays.stream(Vmdk.Variant.values())
        .filter(value -> value.createType().equalsIgnoreCase(variant))
        .findFirst()
        .orElseThrow(
            () -> DiskException.invalid(file.toString(), "no variant is called '" + variant + "'"));
  }

  private static String byName(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    String end = name.substring(name.lastIndexOf('.') + 1);
    return DiskFormat.named(end).map(DiskFormat::name).orElse("raw");
  }
}
