package sharevm.disk;

import java.nio.file.Path;
import java.util.Optional;
import sharevm.disk.DiskFormat.Qcow2;
import sharevm.disk.DiskFormat.Raw;
import sharevm.disk.DiskFormat.Vdi;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.io.Storages;
import sharevm.disk.qcow2.Qcow2Creator;
import sharevm.disk.raw.RawLayer;
import sharevm.disk.vdi.VdiLayer;
import sharevm.disk.vhd.VhdCreator;
import sharevm.disk.vhdx.VhdxCreator;
import sharevm.disk.vmdk.VmdkCreator;

/** Makes images. */
final class Creator {
  private Creator() {}

  /** Makes an image of a size, or of its parent's size when that is negative. */
  static void create(
      Storages host, Path path, DiskFormat format, long size, Optional<Path> parentPath)
      throws DiskException {
    if (parentPath.isEmpty()) {
      createBase(host, path, format, size);
      return;
    }
    Path inPlace = path.toAbsolutePath().getParent();
    Path absolute = parentPath.get().toAbsolutePath();
    try (Chain parent = new Opener(host).open(absolute, OpenOptions.forReading())) {
      Chain.Link link = parent.links().getFirst();
      long length = size < 0 ? parent.size() : size;
      String relative = relative(inPlace, absolute);
      switch (format) {
        case Qcow2 qcow2 ->
            Qcow2Creator.create(host, path, qcow2, length, relative, qemuName(link.format()));
        case Vhd vhd -> VhdCreator.createOn(host, path, vhd, length, link.layer());
        case Vhdx vhdx -> VhdxCreator.createOn(host, path, vhdx, length, link.layer());
        case Vmdk vmdk -> VmdkCreator.createOn(host, path, vmdk, length, link.layer(), relative);
        case Vdi vdi -> VdiLayer.create(host, path, vdi.fixed(), length, Optional.of(link.layer()));
        case Raw _ ->
            throw DiskException.invalid(path.toString(), "a raw image cannot have a parent");
      }
    }
  }

  private static void createBase(Storages host, Path path, DiskFormat format, long size)
      throws DiskException {
    if (size < 0) {
      throw DiskException.invalid(path.toString(), "a disk needs a size");
    }
    switch (format) {
      case Raw _ -> RawLayer.create(host, path, size);
      case Qcow2 qcow2 -> Qcow2Creator.create(host, path, qcow2, size, "", "");
      case Vhd vhd -> VhdCreator.create(host, path, vhd, size);
      case Vhdx vhdx -> VhdxCreator.create(host, path, vhdx, size);
      case Vmdk vmdk -> VmdkCreator.create(host, path, vmdk, size);
      case Vdi vdi -> VdiLayer.create(host, path, vdi.fixed(), size, Optional.empty());
    }
  }

  /** The parent's path as seen from the child's directory. */
  static String relative(Path directory, Path parent) {
    try {
      return directory.normalize().relativize(parent.normalize()).toString();
    } catch (IllegalArgumentException _) {
      return parent.toString();
    }
  }

  /** The name of a format that QEMU knows. */
  static String qemuName(String format) {
    return format.equals("vhd") ? "vpc" : format;
  }
}
