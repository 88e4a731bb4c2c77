package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * What the region table ([MS-VHDX] 2.2.3) and the metadata region (2.6) say of a disk.
 *
 * @param batOffset where the block allocation table is, in bytes
 * @param batLength of its region, in bytes
 * @param sizeOffset where in the file the virtual disk size is stored
 * @param locator the parent locator's keys and values; empty without a parent
 * @param locatorOffset where the locator is; 0 without a parent
 */
record VhdxMetadata(
    long batOffset,
    long batLength,
    int blockSize,
    boolean leaveAllocated,
    boolean hasParent,
    long size,
    long sizeOffset,
    int logicalSectorSize,
    int physicalSectorSize,
    UUID diskId,
    Map<String, String> locator,
    long locatorOffset) {
  static final long REGIONS = 192 * Bytes.KIB;
  static final long REGIONS_COPY = 256 * Bytes.KIB;
  static final int TABLE_SIZE = 64 << 10;

  /** "regi" as stored. */
  static final int REGION_SIGNATURE = 0x69676572;

  /** "metadata" as stored. */
  static final long METADATA_SIGNATURE = 0x617461646174656dL;

  static final UUID BAT = UUID.fromString("2DC27766-F623-4200-9D64-115E9BFD4A08");
  static final UUID METADATA = UUID.fromString("8B7CA206-4790-4B9A-B8FE-575F050F886E");
  static final UUID FILE_PARAMETERS = UUID.fromString("CAA16737-FA36-4D43-B3B6-33F0AA44E76B");
  static final UUID DISK_SIZE = UUID.fromString("2FA54224-CD1B-4876-B211-5DBED83BF4B8");
  static final UUID DISK_ID = UUID.fromString("BECA12AB-B2E6-4523-93EF-C309E000C746");
  static final UUID LOGICAL_SECTOR = UUID.fromString("8141BF1D-A96F-4709-BA47-F233A8FAAB5F");
  static final UUID PHYSICAL_SECTOR = UUID.fromString("CDA348C7-445D-4471-9CC9-E9885251C556");
  static final UUID PARENT_LOCATOR = UUID.fromString("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C");
  static final UUID LOCATOR_TYPE = UUID.fromString("B04AEFB7-D19E-4A81-B789-25B8E9445913");
  private static final int MOST_LOCATOR = 64 << 10;

  private record Item(long offset, int length) {}

  static VhdxMetadata read(Storage file) throws DiskException {
    Map<UUID, Item> regions = regions(file);
    Item bat = require(regions, BAT, file, "block allocation table");
    Item metadata = require(regions, METADATA, file, "metadata region");
    Map<UUID, Item> items = items(file, metadata);
    Item parameters = require(items, FILE_PARAMETERS, file, "file parameters");
    Item size = require(items, DISK_SIZE, file, "virtual disk size");
    Item id = require(items, DISK_ID, file, "virtual disk id");
    Item logical = require(items, LOGICAL_SECTOR, file, "logical sector size");
    Item physical = require(items, PHYSICAL_SECTOR, file, "physical sector size");
    ByteBuffer parameterBytes = file.read(parameters.offset, 8, ByteOrder.LITTLE_ENDIAN);
    int flags = parameterBytes.getInt(4);
    boolean hasParent = (flags & 2) != 0;
    Item locator = items.get(PARENT_LOCATOR);
    if (hasParent && locator == null) {
      throw DiskException.corrupt(file.name(), metadata.offset, "a parent but no parent locator");
    }
    VhdxMetadata read =
        new VhdxMetadata(
            bat.offset,
            bat.length & 0xffffffffL,
            parameterBytes.getInt(0),
            (flags & 1) != 0,
            hasParent,
            file.read(size.offset, 8, ByteOrder.LITTLE_ENDIAN).getLong(0),
            size.offset,
            file.read(logical.offset, 4, ByteOrder.LITTLE_ENDIAN).getInt(0),
            file.read(physical.offset, 4, ByteOrder.LITTLE_ENDIAN).getInt(0),
            Bytes.guid(file.read(id.offset, 16, ByteOrder.LITTLE_ENDIAN), 0),
            hasParent ? locator(file, locator) : Map.of(),
            hasParent ? locator.offset : 0);
    read.validate(file, size.offset);
    return read;
  }

  private void validate(Storage file, long at) throws DiskException {
    String name = file.name();
    if (!Bytes.isPowerOfTwo(blockSize) || blockSize < Bytes.MIB || blockSize > 256 * Bytes.MIB) {
      throw DiskException.corrupt(name, at, "the block size is " + blockSize);
    }
    if (logicalSectorSize != 512 && logicalSectorSize != 4096) {
      throw DiskException.corrupt(name, at, "the logical sector size is " + logicalSectorSize);
    }
    if (size < 0 || size > 64 * Bytes.TIB || size % logicalSectorSize != 0) {
      throw DiskException.corrupt(name, at, "a virtual disk size of " + size + " is absurd");
    }
    if (entries(size) * 8 > batLength) {
      throw DiskException.corrupt(name, batOffset, "the block allocation table is too small");
    }
  }

  /** Payload blocks per sector bitmap block ("Chunk Ratio"). */
  long chunkRatio() {
    return (1L << 23) * logicalSectorSize / blockSize;
  }

  /** How many table entries a disk of some size needs, bitmap entries included (2.5). */
  long entries(long diskSize) {
    long payload = Bytes.divideUp(diskSize, blockSize);
    if (hasParent) {
      return Bytes.divideUp(payload, chunkRatio()) * (chunkRatio() + 1);
    }
    return payload == 0 ? 0 : payload + (payload - 1) / chunkRatio();
  }

  private static Item require(Map<UUID, Item> items, UUID id, Storage file, String what)
      throws DiskException {
    Item item = items.get(id);
    if (item == null) {
      throw DiskException.corrupt(file.name(), REGIONS, "there is no " + what);
    }
    return item;
  }

  private static Map<UUID, Item> regions(Storage file) throws DiskException {
    for (long at : new long[] {REGIONS, REGIONS_COPY}) {
      ByteBuffer in = Bytes.buffer(TABLE_SIZE, ByteOrder.LITTLE_ENDIAN);
      file.readPadded(in, at);
      int count = in.getInt(8);
      if (in.getInt(0) != REGION_SIGNATURE || !Crc32c.isRight(in) || count < 0 || count > 2047) {
        continue;
      }
      Map<UUID, Item> regions = new LinkedHashMap<>();
      for (int entry = 16; entry < 16 + count * 32; entry += 32) {
        UUID id = Bytes.guid(in, entry);
        long offset = in.getLong(entry + 16);
        int length = in.getInt(entry + 24);
        boolean required = (in.getInt(entry + 28) & 1) != 0;
        if (!id.equals(BAT) && !id.equals(METADATA)) {
          if (required) {
            throw DiskException.unsupported(file.name(), "the required region " + id);
          }
          continue;
        }
        if (offset < Bytes.MIB || offset % Bytes.MIB != 0 || offset > file.size() || length < 0) {
          throw DiskException.corrupt(file.name(), at + entry, "a region is out of place");
        }
        regions.put(id, new Item(offset, length));
      }
      return regions;
    }
    throw DiskException.corrupt(file.name(), REGIONS, "neither region table is valid");
  }

  private static Map<UUID, Item> items(Storage file, Item region) throws DiskException {
    ByteBuffer in = file.read(region.offset, TABLE_SIZE, ByteOrder.LITTLE_ENDIAN);
    int count = in.getShort(10) & 0xffff;
    if (in.getLong(0) != METADATA_SIGNATURE || count > 2047) {
      throw DiskException.corrupt(file.name(), region.offset, "the metadata table is damaged");
    }
    Map<UUID, Item> items = new LinkedHashMap<>();
    for (int entry = 32; entry < 32 + count * 32; entry += 32) {
      UUID id = Bytes.guid(in, entry);
      long offset = in.getInt(entry + 16) & 0xffffffffL;
      int length = in.getInt(entry + 20);
      int flags = in.getInt(entry + 24);
      boolean known =
          id.equals(FILE_PARAMETERS)
              || id.equals(DISK_SIZE)
              || id.equals(DISK_ID)
              || id.equals(LOGICAL_SECTOR)
              || id.equals(PHYSICAL_SECTOR)
              || id.equals(PARENT_LOCATOR);
      if (!known && (flags & 4) != 0) {
        throw DiskException.unsupported(file.name(), "the required metadata item " + id);
      }
      if (offset < TABLE_SIZE || length < 0 || offset + length > (region.length & 0xffffffffL)) {
        throw DiskException.corrupt(
            file.name(), region.offset + entry, "a metadata item is out of place");
      }
      items.put(id, new Item(region.offset + offset, length));
    }
    return items;
  }

  private static Map<String, String> locator(Storage file, Item item) throws DiskException {
    if (item.length < 20 || item.length > MOST_LOCATOR) {
      throw DiskException.corrupt(file.name(), item.offset, "the parent locator is out of shape");
    }
    ByteBuffer in = file.read(item.offset, item.length, ByteOrder.LITTLE_ENDIAN);
    if (!Bytes.guid(in, 0).equals(LOCATOR_TYPE)) {
      throw DiskException.unsupported(file.name(), "a parent locator of type " + Bytes.guid(in, 0));
    }
    Map<String, String> entries = new LinkedHashMap<>();
    int count = in.getShort(18) & 0xffff;
    for (int at = 20; at < 20 + count * 12; at += 12) {
      if (at + 12 > item.length) {
        throw DiskException.corrupt(file.name(), item.offset + at, "the parent locator is cut off");
      }
      String key = text(in, in.getInt(at), in.getShort(at + 8) & 0xffff, file, item.offset);
      entries.put(
          key, text(in, in.getInt(at + 4), in.getShort(at + 10) & 0xffff, file, item.offset));
    }
    return entries;
  }

  private static String text(ByteBuffer in, int at, int length, Storage file, long offset)
      throws DiskException {
    if (at < 0 || at > in.capacity() - length) {
      throw DiskException.corrupt(
          file.name(), offset, "the parent locator's texts are out of place");
    }
    byte[] text = new byte[length];
    in.get(at, text);
    return new String(text, StandardCharsets.UTF_16LE);
  }

  /** Stores a locator's keys and values. */
  static ByteBuffer encode(Map<String, String> locator) {
    ByteBuffer out = Bytes.buffer(MOST_LOCATOR, ByteOrder.LITTLE_ENDIAN);
    Bytes.putGuid(out, 0, LOCATOR_TYPE);
    out.putShort(18, (short) locator.size());
    int entry = 20;
    int text = 20 + locator.size() * 12;
    for (Map.Entry<String, String> pair : locator.entrySet()) {
      byte[] key = pair.getKey().getBytes(StandardCharsets.UTF_16LE);
      byte[] value = pair.getValue().getBytes(StandardCharsets.UTF_16LE);
      out.putInt(entry, text).putInt(entry + 4, text + key.length);
      out.putShort(entry + 8, (short) key.length).putShort(entry + 10, (short) value.length);
      out.put(text, key).put(text + key.length, value);
      text += key.length + value.length;
      entry += 12;
    }
    return out.limit(text);
  }

  /** A region table of the two regions. */
  static ByteBuffer regionTable(long batOffset, long batLength, long metadataOffset) {
    ByteBuffer out = Bytes.buffer(TABLE_SIZE, ByteOrder.LITTLE_ENDIAN);
    out.putInt(0, REGION_SIGNATURE).putInt(8, 2);
    Bytes.putGuid(out, 16, BAT);
    out.putLong(32, batOffset).putInt(40, (int) batLength).putInt(44, 1);
    Bytes.putGuid(out, 48, METADATA);
    out.putLong(64, metadataOffset).putInt(72, (int) Bytes.MIB).putInt(76, 1);
    Crc32c.put(out);
    return out;
  }
}
