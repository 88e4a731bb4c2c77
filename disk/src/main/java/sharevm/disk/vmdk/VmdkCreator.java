package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Layer;

/** Makes VMDKs. */
public final class VmdkCreator {
  private static final int SECTOR = SparseHeader.SECTOR;

  /** What VMware cuts split disks into: 2047 MiB. */
  private static final long SPLIT = 2047 * Bytes.MIB;

  static final int GRAIN = 128;
  static final int TABLE_ENTRIES = 512;
  static final int DESCRIPTOR_SECTORS = 20;
  private static final long MOST_SPARSE = 62 * Bytes.TIB;

  private VmdkCreator() {}

  /** Makes an image without a parent. */
  public static void create(Storages host, Path path, Vmdk format, long size) throws DiskException {
    create(host, path, format, size, VmdkDescriptor.NO_PARENT, "");
  }

  /** Makes an empty layer on a parent, which must be a VMDK too. */
  public static void createOn(
      Storages host, Path path, Vmdk format, long size, Layer parent, String hint)
      throws DiskException {
    if (!(parent instanceof VmdkLayer vmdk)) {
      throw DiskException.invalid(
          path.toString(), "only a VMDK can be the parent of a VMDK; use qcow2 for mixed chains");
    }
    if (format.variant() != Vmdk.Variant.MONOLITHIC_SPARSE
        && format.variant() != Vmdk.Variant.TWO_GB_SPARSE) {
      throw DiskException.invalid(path.toString(), "a VMDK with a parent must be sparse");
    }
    String adapter = vmdk.adapterType().isEmpty() ? format.adapter() : vmdk.adapterType();
    create(host, path, new Vmdk(format.variant(), adapter), size, vmdk.cid(), hint);
  }

  private static void create(
      Storages host, Path path, Vmdk format, long size, long parentCid, String hint)
      throws DiskException {
    requireSize(path, size);
    switch (format.variant()) {
      case MONOLITHIC_SPARSE -> {
        String line = "RW " + size / SECTOR + " SPARSE \"" + path.getFileName() + "\"";
        createSparse(host, path, size, descriptor(format, size, List.of(line), parentCid, hint));
      }
      case MONOLITHIC_FLAT, VMFS, TWO_GB_FLAT, TWO_GB_SPARSE ->
          createSplit(host, path, format, size, parentCid, hint);
      case STREAM_OPTIMIZED ->
          new VmdkStreamWriter(host.open(path, Mode.CREATE), format, size).finish();
    }
  }

  static void requireSize(Path path, long size) throws DiskException {
    if (size < 0 || size % SECTOR != 0 || size > MOST_SPARSE) {
      throw DiskException.invalid(
          path.toString(), "a VMDK's size is a multiple of 512 up to 62 TiB, not " + size);
    }
  }

  static byte[] descriptor(
      Vmdk format, long size, List<String> extents, long parentCid, String hint) {
    String type = format.variant().createType();
    return VmdkDescriptor.make(type, format.adapter(), size, extents, parentCid, hint).toBytes();
  }

  private static void createSplit(
      Storages host, Path path, Vmdk format, long size, long parentCid, String hint)
      throws DiskException {
    boolean split =
        format.variant() == Vmdk.Variant.TWO_GB_FLAT
            || format.variant() == Vmdk.Variant.TWO_GB_SPARSE;
    boolean sparse = format.variant() == Vmdk.Variant.TWO_GB_SPARSE;
    String base = path.getFileName().toString().replaceFirst("(?i)\\.vmdk$", "");
    List<String> lines = new ArrayList<>();
    long at = 0;
    do {
      long length = split ? Math.min(SPLIT, size - at) : size;
      String suffix =
          split ? String.format("-%s%03d", sparse ? "s" : "f", lines.size() + 1) : "-flat";
      String name = base + suffix + ".vmdk";
      Path file = path.resolveSibling(name);
      String type = sparse ? "SPARSE" : format.variant() == Vmdk.Variant.VMFS ? "VMFS" : "FLAT";
      String offset = type.equals("FLAT") ? " 0" : "";
      lines.add("RW " + length / SECTOR + " " + type + " \"" + name + "\"" + offset);
      if (sparse) {
        createSparse(host, file, length, new byte[0]);
      } else {
        try (Storage extent = host.open(file, Mode.CREATE)) {
          extent.setSize(length);
          extent.force();
        }
      }
      at += length;
    } while (at < size);
    try (Storage text = host.open(path, Mode.CREATE)) {
      text.write(ByteBuffer.wrap(descriptor(format, size, lines, parentCid, hint)), 0);
      text.force();
    }
  }

  private static void createSparse(Storages host, Path path, long size, byte[] descriptor)
      throws DiskException {
    long capacity = size / SECTOR;
    long tables = Bytes.divideUp(capacity, (long) GRAIN * TABLE_ENTRIES);
    long directorySectors = Bytes.divideUp(tables * 4, SECTOR);
    long tableSectors = TABLE_ENTRIES * 4 / SECTOR;
    boolean embedded = descriptor.length > 0;
    long second = 1 + (embedded ? DESCRIPTOR_SECTORS : 0);
    long first = second + directorySectors + tables * tableSectors;
    long end = first + directorySectors + tables * tableSectors;
    if (descriptor.length > DESCRIPTOR_SECTORS * SECTOR) {
      throw DiskException.invalid(path.toString(), "its name or its parent's is too long");
    }
    SparseHeader header =
        new SparseHeader(
            1,
            SparseHeader.VALID_NEWLINES | SparseHeader.REDUNDANT,
            capacity,
            GRAIN,
            embedded ? 1 : 0,
            embedded ? DESCRIPTOR_SECTORS : 0,
            TABLE_ENTRIES,
            second,
            first,
            Bytes.roundUp(end, GRAIN),
            false,
            0);
    try (Storage file = host.open(path, Mode.CREATE)) {
      file.setSize(header.overHead() * SECTOR);
      for (long directory : new long[] {second, first}) {
        writeDirectory(file, directory, directory + directorySectors, tables, tableSectors);
      }
      file.write(ByteBuffer.wrap(descriptor), SECTOR);
      file.write(header.toBytes(), 0);
      file.force();
    }
  }

  private static void writeDirectory(
      Storage file, long directory, long table, long tables, long tableSectors)
      throws DiskException {
    long next = table;
    for (long done = 0; done < tables; ) {
      int part = (int) Math.min(tables - done, 8192);
      ByteBuffer entries = Bytes.buffer(part * 4, ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < part; i++, next += tableSectors) {
        entries.putInt((int) next);
      }
      file.write(entries.flip(), directory * SECTOR + done * 4);
      done += part;
    }
  }
}
