package sharevm.disk.vhd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat.Vhd;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Layer;

/** Opens and makes VHDs. */
public final class VhdCreator {
  private static final int SECTOR = 512;
  private static final long MOST_READ = 64 * Bytes.TIB;

  private VhdCreator() {}

  /** True when a file ends, or starts, as a VHD does. */
  public static boolean matches(Storage file) throws DiskException {
    long length = file.size();
    for (long at : new long[] {0, length - VhdFooter.SIZE, length - VhdFooter.SIZE + 1}) {
      if (at >= 0 && at + 8 <= length) {
        ByteBuffer start = ByteBuffer.allocate(8);
        file.readPadded(start, at);
        if (start.getLong(0) == VhdFooter.COOKIE) {
          return true;
        }
      }
    }
    return false;
  }

  /** Opens a VHD by its footer, or by the footer's copy at the start. */
  public static Layer open(Storage file) throws DiskException {
    long length = file.size();
    DiskException first = DiskException.corrupt(file.name(), 0, "no VHD footer is here");
    // Virtual PC before 2004 left the footer's last byte out.
    for (int size : new int[] {SECTOR, SECTOR - 1, 0}) {
      long at = size == 0 ? 0 : length - size;
      if (at < 0) {
        continue;
      }
      ByteBuffer bytes = Bytes.buffer(SECTOR, java.nio.ByteOrder.BIG_ENDIAN);
      file.readPadded(bytes, at);
      try {
        VhdFooter footer = VhdFooter.read(bytes, file.name(), at);
        if (footer.size() < 0 || footer.size() > MOST_READ) {
          throw DiskException.corrupt(file.name(), at + 48, "the disk's size is absurd");
        }
        return layer(file, footer, size);
      } catch (DiskException e) {
        if (e.kind() != DiskException.Kind.CORRUPT) {
          throw e;
        }
        first = size == SECTOR || bytes.getLong(0) == VhdFooter.COOKIE ? e : first;
      }
    }
    throw first;
  }

  private static Layer layer(Storage file, VhdFooter footer, int footerLength)
      throws DiskException {
    return switch (footer.type()) {
      case VhdFooter.FIXED -> new VhdFixedLayer(file, footer, footerLength);
      case VhdFooter.DYNAMIC, VhdFooter.DIFFERENCING -> new VhdDynamicLayer(file, footer);
      default -> throw DiskException.unsupported(file.name(), "VHD disk type " + footer.type());
    };
  }

  static void requireSize(String name, long size) throws DiskException {
    if (size < 0 || size % SECTOR != 0 || size > VhdFooter.MOST_SIZE) {
      throw DiskException.invalid(
          name, "a VHD's size is a multiple of 512 up to 2040 GiB, not " + size);
    }
  }

  /** Makes an image without a parent. */
  public static void create(Storages host, Path path, Vhd format, long asked) throws DiskException {
    long size = format.wholeMiB() ? Bytes.roundUp(asked, Bytes.MIB) : asked;
    requireSize(path.toString(), size);
    if (format.fixed()) {
      try (Storage file = host.open(path, Mode.CREATE)) {
        file.write(VhdFooter.make(size, VhdFooter.FIXED).toBytes(), size);
        file.force();
      }
      return;
    }
    createDynamic(host, path, format, VhdFooter.make(size, VhdFooter.DYNAMIC), null);
  }

  /** Makes an empty layer on a parent, which must be a VHD too. */
  public static void createOn(Storages host, Path path, Vhd format, long size, Layer parent)
      throws DiskException {
    requireSize(path.toString(), size);
    if (!(parent instanceof VhdLayer vhd) || format.fixed()) {
      throw DiskException.invalid(
          path.toString(), "only a VHD can be the parent of a VHD; use qcow2 for mixed chains");
    }
    createDynamic(host, path, format, VhdFooter.make(size, VhdFooter.DIFFERENCING), vhd);
  }

  private static void createDynamic(
      Storages host, Path path, Vhd format, VhdFooter footer, VhdLayer parent)
      throws DiskException {
    int blockSize = format.blockSize();
    if (!Bytes.isPowerOfTwo(blockSize) || blockSize < 4096 || blockSize > 256 << 20) {
      throw DiskException.invalid(
          path.toString(), "a block is a power of two from 4 KiB to 256 MiB");
    }
    int entries = (int) Bytes.divideUp(footer.size(), blockSize);
    long tableOffset = VhdFooter.SIZE + VhdHeader.SIZE;
    byte[] relative = new byte[0];
    byte[] absolute = new byte[0];
    List<VhdHeader.Locator> locators = List.of();
    UUID parentId = new UUID(0, 0);
    int parentTime = 0;
    String parentName = "";
    int space = 0;
    if (parent != null) {
      Path parentPath = parent.files().getFirst().path();
      relative = relativeName(path, parentPath);
      absolute = absoluteName(parentPath);
      space = (int) Bytes.roundUp(Math.max(relative.length, absolute.length), SECTOR);
      locators = locators(tableOffset, space, relative.length, absolute.length);
      parentId = parent.footer().uniqueId();
      parentTime = modified(parentPath);
      parentName = parentPath.getFileName().toString();
    }
    long firstLocator = tableOffset;
    tableOffset += 2L * space;
    VhdHeader header =
        new VhdHeader(tableOffset, entries, blockSize, parentId, parentTime, parentName, locators);
    try (Storage file = host.open(path, Mode.CREATE)) {
      long end = tableOffset + Bytes.roundUp(entries * 4L, SECTOR);
      file.write(footer.toBytes(), end);
      for (long at = tableOffset; at < end; ) {
        byte[] unused = new byte[(int) Math.min(end - at, 65536)];
        java.util.Arrays.fill(unused, (byte) 0xff);
        file.write(ByteBuffer.wrap(unused), at);
        at += unused.length;
      }
      file.write(ByteBuffer.wrap(relative), firstLocator);
      file.write(ByteBuffer.wrap(absolute), firstLocator + space);
      file.write(header.toBytes(), VhdFooter.SIZE);
      file.write(footer.toBytes(), 0);
      file.force();
    }
  }

  static List<VhdHeader.Locator> locators(long at, int space, int relative, int absolute) {
    return List.of(
        new VhdHeader.Locator(VhdHeader.W2RU, space, relative, at),
        new VhdHeader.Locator(VhdHeader.W2KU, space, absolute, at + space));
  }

  /** The way from the child's directory to the parent, in Windows' notation. */
  static byte[] relativeName(Path child, Path parent) {
    Path from = child.toAbsolutePath().normalize().getParent();
    Path to = parent.toAbsolutePath().normalize();
    String way;
    try {
      way = from.relativize(to).toString();
    } catch (IllegalArgumentException _) {
      way = to.toString();
    }
    String windows = way.replace('/', '\\');
    return (windows.startsWith("..") ? windows : ".\\" + windows)
        .getBytes(StandardCharsets.UTF_16LE);
  }

  static byte[] absoluteName(Path parent) {
    String path = parent.toAbsolutePath().normalize().toString();
    return path.replace('/', '\\').getBytes(StandardCharsets.UTF_16LE);
  }

  /** A file's modification as the header's "Parent Time Stamp". */
  static int modified(Path path) {
    try {
      long seconds = Files.getLastModifiedTime(path).toInstant().getEpochSecond();
      return (int) (seconds - VhdFooter.EPOCH.getEpochSecond());
    } catch (IOException _) {
      return 0;
    }
  }
}
