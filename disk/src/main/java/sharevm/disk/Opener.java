package sharevm.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.qcow2.Qcow2Layer;
import sharevm.disk.raw.RawLayer;
import sharevm.disk.vdi.VdiLayer;
import sharevm.disk.vhd.VhdCreator;
import sharevm.disk.vhdx.VhdxLayer;
import sharevm.disk.vmdk.VmdkOpener;

/** Opens an image and all that is below it. */
final class Opener {
  private static final int MOST_LAYERS = 256;
  private static final int HEAD = 4096;

  private final Storages host;

  Opener(Storages host) {
    this.host = host;
  }

  Chain open(Path path, OpenOptions options) throws DiskException {
    List<Chain.Link> links = new ArrayList<>();
    try {
      Chain.Link top = openLayer(path, options.writable(), options.format());
      links.add(top);
      Set<Object> seen = new HashSet<>(List.of(identity(path)));
      Optional<ParentLink> parent = options.alone() ? Optional.empty() : top.layer().parent();
      while (parent.isPresent()) {
        Chain.Link child = links.getLast();
        Chain.Link link = openParent(child, parent.get(), seen);
        links.add(link);
        parent.get().check().accept(link.layer());
        parent = link.layer().parent();
      }
      return new Chain(links, options.writable());
    } catch (DiskException | RuntimeException e) {
      closeAll(links, e);
      throw e;
    }
  }

  private static void closeAll(List<Chain.Link> links, Exception reason) {
    for (Chain.Link link : links) {
      try {
        link.layer().close();
      } catch (DiskException e) {
        reason.addSuppressed(e);
      }
    }
  }

  private Chain.Link openParent(Chain.Link child, ParentLink said, Set<Object> seen)
      throws DiskException {
    Path place = findParent(child, said);
    if (!seen.add(identity(place)) || seen.size() > MOST_LAYERS) {
      throw DiskException.corrupt(
          child.path().toString(),
          DiskException.NO_OFFSET,
          "its chain of parents leads back to itself, or is longer than " + MOST_LAYERS);
    }
    Optional<String> format =
        said.format().isEmpty() ? Optional.empty() : Optional.of(said.format());
    return openLayer(place, false, format);
  }

  /** Where a layer's parent is. */
  Path findParent(Chain.Link child, ParentLink said) throws DiskException {
    for (Path candidate : said.candidates()) {
      if (Files.exists(candidate)) {
        return candidate;
      }
    }
    throw new DiskException(
        Kind.MISSING_PARENT,
        child.path().toString(),
        DiskException.NO_OFFSET,
        "its parent '" + said.named() + "' is not there",
        "put it back, or name its new place with 'sharevm disk rebase --unsafe'");
  }

  private static Object identity(Path path) throws DiskException {
    try {
      Object key =
          Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class).fileKey();
      return key == null ? path.toRealPath() : key;
    } catch (java.io.IOException e) {
      throw new DiskException(Kind.IO, path.toString(), "cannot be looked at").causedBy(e);
    }
  }

  /** Opens one image without its parents. */
  Chain.Link openLayer(Path path, boolean writable, Optional<String> format) throws DiskException {
    Storage file = host.open(path, writable ? Mode.WRITE : Mode.READ);
    try {
      String found = format.isPresent() ? format.get() : detect(file);
      String name = found.equals("vpc") ? "vhd" : found;
      return new Chain.Link(path, name, open(file, name));
    } catch (ArithmeticException e) {
      file.close();
      throw DiskException.corrupt(file.name(), DiskException.NO_OFFSET, "its numbers are absurd")
          .causedBy(e);
    } catch (DiskException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private Layer open(Storage file, String format) throws DiskException {
    return switch (format) {
      case "raw" -> RawLayer.open(file);
      case "qcow2" -> Qcow2Layer.open(file, host);
      case "vhd" -> VhdCreator.open(file);
      case "vhdx" -> VhdxLayer.open(file);
      case "vdi" -> VdiLayer.open(file, host);
      case "vmdk" -> VmdkOpener.open(file, host);
      default -> throw DiskException.invalid(file.name(), "no format is called '" + format + "'");
    };
  }

  /** The format by what the file starts with (or ends with, as a fixed VHD does). */
  static String detect(Storage file) throws DiskException {
    ByteBuffer head = ByteBuffer.allocate(HEAD).order(ByteOrder.BIG_ENDIAN);
    file.readSome(head, 0);
    head.flip();
    if (Qcow2Layer.matches(head)) {
      return "qcow2";
    }
    if (VhdxLayer.matches(head)) {
      return "vhdx";
    }
    if (VdiLayer.matches(head)) {
      return "vdi";
    }
    if (VmdkOpener.matches(head)) {
      return "vmdk";
    }
    if (VhdCreator.matches(file)) {
      return "vhd";
    }
    return "raw";
  }
}
