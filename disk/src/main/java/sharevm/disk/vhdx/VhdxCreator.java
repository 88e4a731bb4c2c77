package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat.Vhdx;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Layer;

/**
 * Makes VHDXs: identifier, headers and region tables in the first MiB, then the log, the metadata
 * and the block allocation table, a MiB each (the table more when it must).
 */
public final class VhdxCreator {
  /** What the parent locator may grow to. */
  static final int LOCATOR_ROOM = 16 << 10;

  private static final long LOG = Bytes.MIB;
  private static final long METADATA = 2 * Bytes.MIB;
  private static final long BAT = 3 * Bytes.MIB;
  private static final int PHYSICAL_SECTOR = 4096;

  /** Metadata entry flags (2.6.1.2). */
  private static final int IS_VIRTUAL_DISK = 2;

  private static final int IS_REQUIRED = 4;

  private VhdxCreator() {}

  /** Makes an image without a parent. */
  public static void create(Storages host, Path path, Vhdx format, long size) throws DiskException {
    create(host, path, format, size, null);
  }

  /** Makes an empty layer on a parent, which must be a VHDX too. */
  public static void createOn(Storages host, Path path, Vhdx format, long size, Layer parent)
      throws DiskException {
    if (!(parent instanceof VhdxLayer vhdx) || format.fixed()) {
      throw DiskException.invalid(
          path.toString(), "only a VHDX can be the parent of a VHDX; use qcow2 for mixed chains");
    }
    Vhdx same = new Vhdx(false, format.blockSize(), vhdx.sectorSize());
    create(host, path, same, size, vhdx);
  }

  /** What a layer notes of its parent (2.6.2.6). */
  static Map<String, String> locator(Path child, Path parent, VhdxLayer layer) {
    Path to = parent.toAbsolutePath().normalize();
    String way;
    try {
      way = child.toAbsolutePath().normalize().getParent().relativize(to).toString();
    } catch (IllegalArgumentException _) {
      way = to.toString();
    }
    String windows = way.replace('/', '\\');
    Map<String, String> locator = new LinkedHashMap<>();
    locator.put("parent_linkage", "{" + layer.dataWriteGuid() + "}");
    locator.put("relative_path", windows.startsWith("..") ? windows : ".\\" + windows);
    locator.put("absolute_win32_path", to.toString().replace('/', '\\'));
    return locator;
  }

  private static void create(Storages host, Path path, Vhdx format, long size, VhdxLayer parent)
      throws DiskException {
    requireSane(path, format, size);
    boolean hasParent = parent != null;
    VhdxMetadata plan =
        new VhdxMetadata(
            BAT,
            0,
            format.blockSize(),
            format.fixed(),
            hasParent,
            size,
            0,
            format.sectorSize(),
            PHYSICAL_SECTOR,
            UUID.randomUUID(),
            hasParent ? locator(path, parent.files().getFirst().path(), parent) : Map.of(),
            0);
    long batLength = Math.max(Bytes.MIB, Bytes.roundUp(plan.entries(size) * 8, Bytes.MIB));
    try (Storage file = host.open(path, Mode.CREATE)) {
      file.setSize(BAT + batLength);
      if (format.fixed()) {
        writeFixedTable(file, plan, BAT + batLength);
      }
      writeMetadata(file, plan);
      ByteBuffer regions = VhdxMetadata.regionTable(BAT, batLength, METADATA);
      file.write(regions.duplicate(), VhdxMetadata.REGIONS);
      file.write(regions.duplicate(), VhdxMetadata.REGIONS_COPY);
      VhdxHeader header =
          new VhdxHeader(
              1, UUID.randomUUID(), UUID.randomUUID(), VhdxHeader.NO_LOG, (int) Bytes.MIB, LOG);
      file.write(header.toBytes(), VhdxHeader.FIRST);
      VhdxHeader second =
          new VhdxHeader(
              2,
              header.fileWriteGuid(),
              header.dataWriteGuid(),
              VhdxHeader.NO_LOG,
              (int) Bytes.MIB,
              LOG);
      file.write(second.toBytes(), VhdxHeader.SECOND);
      ByteBuffer identifier = Bytes.buffer(520, ByteOrder.LITTLE_ENDIAN);
      identifier.put("vhdxfile".getBytes(StandardCharsets.US_ASCII));
      identifier.put("ShareVM".getBytes(StandardCharsets.UTF_16LE)).clear();
      file.write(identifier, 0);
      file.force();
    }
  }

  private static void requireSane(Path path, Vhdx format, long size) throws DiskException {
    String name = path.toString();
    if (format.sectorSize() != 512 && format.sectorSize() != 4096) {
      throw DiskException.invalid(name, "a VHDX has sectors of 512 or 4096 bytes");
    }
    if (size < 0 || size % format.sectorSize() != 0 || size > 64 * Bytes.TIB) {
      throw DiskException.invalid(name, "a VHDX is whole sectors up to 64 TiB, not " + size);
    }
    int block = format.blockSize();
    if (!Bytes.isPowerOfTwo(block) || block < Bytes.MIB || block > 256 * Bytes.MIB) {
      throw DiskException.invalid(name, "a block is a power of two from 1 to 256 MiB");
    }
  }

  private static void writeFixedTable(Storage file, VhdxMetadata plan, long start)
      throws DiskException {
    long blocks = Bytes.divideUp(plan.size(), plan.blockSize());
    file.setSize(start + blocks * plan.blockSize());
    ByteBuffer part = Bytes.buffer(64 << 10, ByteOrder.LITTLE_ENDIAN);
    long at = BAT;
    for (long block = 0; block < blocks; block++) {
      if (block > 0 && block % plan.chunkRatio() == 0) {
        part.putLong(0);
      }
      if (part.remaining() < 16) {
        int length = part.position();
        file.write(part.flip(), at);
        at += length;
        part.clear();
      }
      part.putLong(start + block * plan.blockSize() | VhdxLayer.FULLY_PRESENT);
    }
    file.write(part.flip(), at);
  }

  private static void writeMetadata(Storage file, VhdxMetadata plan) throws DiskException {
    ByteBuffer table = Bytes.buffer(VhdxMetadata.TABLE_SIZE, ByteOrder.LITTLE_ENDIAN);
    ByteBuffer items = Bytes.buffer(128 << 10, ByteOrder.LITTLE_ENDIAN);
    int flags = (plan.leaveAllocated() ? 1 : 0) | (plan.hasParent() ? 2 : 0);
    items.putInt(plan.blockSize()).putInt(flags);
    entry(table, VhdxMetadata.FILE_PARAMETERS, 0, 8, IS_REQUIRED);
    items.putLong(plan.size());
    entry(table, VhdxMetadata.DISK_SIZE, 8, 8, IS_VIRTUAL_DISK | IS_REQUIRED);
    Bytes.putGuid(items, 16, plan.diskId());
    entry(table, VhdxMetadata.DISK_ID, 16, 16, IS_VIRTUAL_DISK | IS_REQUIRED);
    items.putInt(32, plan.logicalSectorSize()).putInt(36, plan.physicalSectorSize());
    entry(table, VhdxMetadata.LOGICAL_SECTOR, 32, 4, IS_VIRTUAL_DISK | IS_REQUIRED);
    entry(table, VhdxMetadata.PHYSICAL_SECTOR, 36, 4, IS_VIRTUAL_DISK | IS_REQUIRED);
    if (plan.hasParent()) {
      ByteBuffer locator = VhdxMetadata.encode(plan.locator());
      if (locator.remaining() > LOCATOR_ROOM) {
        throw DiskException.invalid(file.name(), "the parent's path is too long");
      }
      items.position(4096).put(locator);
      entry(table, VhdxMetadata.PARENT_LOCATOR, 4096, LOCATOR_ROOM, IS_REQUIRED);
    }
    table.putLong(0, VhdxMetadata.METADATA_SIGNATURE);
    file.write(table.clear(), METADATA);
    file.write(items.clear(), METADATA + VhdxMetadata.TABLE_SIZE);
  }

  private static void entry(ByteBuffer table, UUID id, int offset, int length, int flags) {
    int count = table.getShort(10);
    int at = 32 + count * 32;
    Bytes.putGuid(table, at, id);
    table.putInt(at + 16, VhdxMetadata.TABLE_SIZE + offset).putInt(at + 20, length);
    table.putInt(at + 24, flags);
    table.putShort(10, (short) (count + 1));
  }
}
