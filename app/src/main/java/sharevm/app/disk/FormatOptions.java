package sharevm.app.disk;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import sharevm.app.Arguments;
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

  private final OptionSpec format =
      OptionSpec.builder("-f", "--format")
          .paramLabel("FORMAT")
          .type(String.class)
          .description("raw, qcow2, vhd, vhdx, vmdk or vdi; by the file's name if not given.")
          .build();
  private final OptionSpec variant =
      OptionSpec.builder("--variant")
          .paramLabel("V")
          .type(String.class)
          .initialValue("")
          .description(
              "vmdk: monolithicSparse, monolithicFlat, twoGbMaxExtentSparse, twoGbMaxExtentFlat,"
                  + " streamOptimized, vmfs; vhd, vhdx, vdi: dynamic, fixed.")
          .build();
  private final OptionSpec adapter =
      OptionSpec.builder("--adapter")
          .paramLabel("A")
          .type(String.class)
          .defaultValue("lsilogic")
          .description("vmdk: ide, buslogic, lsilogic, pvscsi... (${DEFAULT-VALUE})")
          .build();
  private final OptionSpec blockSize =
      OptionSpec.builder("--block-size")
          .paramLabel("SIZE")
          .type(long.class)
          .converters(new Sizes())
          .initialValue(0L)
          .description("qcow2: the cluster's; vhd, vhdx: the block's.")
          .build();
  private final OptionSpec sectorSize =
      OptionSpec.builder("--sector-size")
          .paramLabel("N")
          .type(int.class)
          .defaultValue("512")
          .description("vhdx: 512 or 4096 (${DEFAULT-VALUE}).")
          .build();
  private final OptionSpec wholeMiB =
      Arguments.flag("vhd: round up to a whole MiB, as Azure asks for.", "--whole-mib");
  private final OptionSpec zstd =
      Arguments.flag("qcow2: compress clusters by zstd instead of zlib.", "--zstd");
  private final OptionSpec version =
      OptionSpec.builder("--qcow2-version")
          .paramLabel("N")
          .type(int.class)
          .defaultValue("3")
          .description("qcow2: 2 or 3.")
          .build();
  private final OptionSpec extendedL2 =
      Arguments.flag("qcow2: allocate by subclusters.", "--extended-l2");

  /** Lets a command take them. */
  CommandSpec addTo(CommandSpec spec) {
    return spec.addOption(format)
        .addOption(variant)
        .addOption(adapter)
        .addOption(blockSize)
        .addOption(sectorSize)
        .addOption(wholeMiB)
        .addOption(zstd)
        .addOption(version)
        .addOption(extendedL2);
  }

  /** The format that is asked for, by option or by the file's name. */
  DiskFormat format(Path file) throws DiskException {
    String format = this.format.getValue();
    String variant = this.variant.getValue();
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
      case Vhd vhd -> new Vhd(fixed, blockSize(vhd.blockSize()), Arguments.given(wholeMiB));
      case Vhdx vhdx -> new Vhdx(fixed, blockSize(vhdx.blockSize()), sectorSize.getValue());
      case Vmdk _ -> new Vmdk(vmdkVariant(file), adapter.getValue());
      case Qcow2 qcow2 -> {
        int size = blockSize(1 << qcow2.clusterBits());
        if (Integer.bitCount(size) != 1) {
          throw DiskException.invalid(file.toString(), "a cluster's size is a power of two");
        }
        Qcow2.Compression compression =
            Arguments.given(zstd) ? Qcow2.Compression.ZSTD : Qcow2.Compression.ZLIB;
        yield new Qcow2(
            version.getValue(),
            Integer.numberOfTrailingZeros(size),
            compression,
            Arguments.given(extendedL2),
            false);
      }
    };
  }

  private int blockSize(int usual) {
    long blockSize = this.blockSize.getValue();
    return blockSize == 0 ? usual : (int) Math.min(blockSize, Integer.MAX_VALUE);
  }

  private Vmdk.Variant vmdkVariant(Path file) throws DiskException {
    String variant = this.variant.getValue();
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
