package sharevm.disk;

/** A format with all that is to be chosen when an image is made in it. */
public sealed interface DiskFormat {
  /** The name that commands and reports use. */
  String name();

  /** The disk's bytes and nothing else. */
  record Raw() implements DiskFormat {
    @Override
    public String name() {
      return "raw";
    }
  }

  /**
   * QEMU's copy-on-write format.
   *
   * @param version 2 or 3
   * @param clusterBits the cluster size as a power of two, 9 to 21
   * @param compression of compressed clusters
   * @param extendedL2 keep track of 32 subclusters a cluster; needs 14 cluster bits
   * @param lazyRefcounts mark the image so that QEMU defers its reference counts
   */
  record Qcow2(
      int version,
      int clusterBits,
      Compression compression,
      boolean extendedL2,
      boolean lazyRefcounts)
      implements DiskFormat {
    /** How clusters are compressed. */
    public enum Compression {
      /** Raw deflate. */
      ZLIB,
      /** Zstandard. */
      ZSTD
    }

    /** What QEMU itself makes: version 3, 64 KiB clusters. */
    public static Qcow2 usual() {
      return new Qcow2(3, 16, Compression.ZLIB, false, false);
    }

    @Override
    public String name() {
      return "qcow2";
    }
  }

  /**
   * Microsoft's virtual hard disk, the older one.
   *
   * @param fixed all space allocated, or as needed
   * @param blockSize of a dynamic disk in bytes, a power of two; 2 MiB is usual
   * @param wholeMiB round the size up to a whole MiB, as Azure asks for
   */
  record Vhd(boolean fixed, int blockSize, boolean wholeMiB) implements DiskFormat {
    /** Dynamic with 2 MiB blocks. */
    public static Vhd dynamic() {
      return new Vhd(false, 2 << 20, false);
    }

    @Override
    public String name() {
      return "vhd";
    }
  }

  /**
   * Microsoft's virtual hard disk, the newer one.
   *
   * @param fixed all space allocated, or as needed
   * @param blockSize in bytes, a power of two from 1 to 256 MiB
   * @param sectorSize logical, 512 or 4096
   */
  record Vhdx(boolean fixed, int blockSize, int sectorSize) implements DiskFormat {
    /** Dynamic with blocks of 8 MiB and sectors of 512 bytes. */
    public static Vhdx dynamic() {
      return new Vhdx(false, 8 << 20, 512);
    }

    @Override
    public String name() {
      return "vhdx";
    }
  }

  /**
   * VMware's virtual disk.
   *
   * @param variant how it is laid out in files
   * @param adapter the controller that the guest shall see: ide, lsilogic, buslogic, pvscsi...
   */
  record Vmdk(Variant variant, String adapter) implements DiskFormat {
    /** The values of createType (Virtual Disk Format 5.0, "The Header"). */
    public enum Variant {
      MONOLITHIC_SPARSE("monolithicSparse"),
      MONOLITHIC_FLAT("monolithicFlat"),
      TWO_GB_SPARSE("twoGbMaxExtentSparse"),
      TWO_GB_FLAT("twoGbMaxExtentFlat"),
      STREAM_OPTIMIZED("streamOptimized"),
      VMFS("vmfs");

      private final String createType;

      Variant(String createType) {
        this.createType = createType;
      }

      /** As it stands in a descriptor. */
      public String createType() {
        return createType;
      }
    }

    /** One sparse file. */
    public static Vmdk sparse() {
      return new Vmdk(Variant.MONOLITHIC_SPARSE, "ide");
    }

    @Override
    public String name() {
      return "vmdk";
    }
  }

  /**
   * VirtualBox's disk image.
   *
   * @param fixed all space allocated, or as needed
   */
  record Vdi(boolean fixed) implements DiskFormat {
    @Override
    public String name() {
      return "vdi";
    }
  }

  /** The usual choice of a format by name, or of none. */
  static java.util.Optional<DiskFormat> named(String name) {
    return java.util.Optional.ofNullable(
        switch (name) {
          case "raw", "img" -> new Raw();
          case "qcow2" -> Qcow2.usual();
          case "vhd", "vpc" -> Vhd.dynamic();
          case "vhdx" -> Vhdx.dynamic();
          case "vmdk" -> Vmdk.sparse();
          case "vdi" -> new Vdi(false);
          default -> null;
        });
  }
}
