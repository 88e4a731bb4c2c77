package sharevm.disk.vhd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * The dynamic disk header (VHD specification, "Dynamic Disk Header Format").
 *
 * @param tableOffset of the block allocation table
 * @param maxTableEntries how many blocks it has
 * @param blockSize in bytes, without the bitmap
 * @param parentTimeStamp the parent's modification, in seconds since {@link VhdFooter#EPOCH}
 */
record VhdHeader(
    long tableOffset,
    int maxTableEntries,
    int blockSize,
    UUID parentUniqueId,
    int parentTimeStamp,
    String parentName,
    List<Locator> locators) {
  static final int SIZE = 1024;
  static final long COOKIE = 0x6378737061727365L;
  private static final int CHECKSUM = 36;
  private static final int LOCATORS = 576;
  private static final int MOST_LOCATOR = 64 << 10;
  private static final int MOST_BLOCK = 256 << 20;

  /** Platform codes: paths in UTF-16LE, relative and absolute. */
  static final int W2RU = 0x57327275;

  static final int W2KU = 0x57326b75;
  static final int MACX = 0x4d616358;

  /** One way to the parent: in whose notation, and where the text is. */
  record Locator(int platform, int space, int length, long offset) {}

  static VhdHeader read(Storage file, long offset) throws DiskException {
    ByteBuffer in = file.read(offset, SIZE, ByteOrder.BIG_ENDIAN);
    if (in.getLong(0) != COOKIE) {
      throw DiskException.corrupt(file.name(), offset, "no dynamic disk header is here");
    }
    if (!VhdFooter.checksumIsRight(in, SIZE, CHECKSUM)) {
      throw DiskException.corrupt(file.name(), offset + CHECKSUM, "the header's checksum is wrong");
    }
    int blockSize = in.getInt(32);
    int entries = in.getInt(28);
    long table = in.getLong(16);
    if (!Bytes.isPowerOfTwo(blockSize) || blockSize < 512 || blockSize > MOST_BLOCK) {
      throw DiskException.corrupt(file.name(), offset + 32, "the block size is " + blockSize);
    }
    if (entries < 0 || table < 0 || table % 512 != 0 || table > file.size() - entries * 4L) {
      throw DiskException.corrupt(file.name(), offset + 16, "the allocation table is out of place");
    }
    List<Locator> locators = new ArrayList<>();
    for (int at = LOCATORS; at < LOCATORS + 8 * 24; at += 24) {
      if (in.getInt(at) != 0) {
        locators.add(
            new Locator(in.getInt(at), in.getInt(at + 4), in.getInt(at + 8), in.getLong(at + 16)));
      }
    }
    byte[] name = new byte[512];
    in.get(64, name);
    return new VhdHeader(
        table,
        entries,
        blockSize,
        Bytes.uuid(in, 40),
        in.getInt(56),
        cut(new String(name, StandardCharsets.UTF_16BE)),
        locators);
  }

  private static String cut(String text) {
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }

  ByteBuffer toBytes() {
    ByteBuffer out = Bytes.buffer(SIZE, ByteOrder.BIG_ENDIAN);
    out.putLong(COOKIE).putLong(-1).putLong(tableOffset).putInt(0x10000);
    out.putInt(maxTableEntries).putInt(blockSize);
    Bytes.putUuid(out, 40, parentUniqueId);
    out.putInt(56, parentTimeStamp);
    byte[] name = parentName.getBytes(StandardCharsets.UTF_16BE);
    out.put(64, name, 0, Math.min(name.length, 510));
    int at = LOCATORS;
    for (Locator locator : locators) {
      out.putInt(at, locator.platform()).putInt(at + 4, locator.space());
      out.putInt(at + 8, locator.length()).putLong(at + 16, locator.offset());
      at += 24;
    }
    VhdFooter.putChecksum(out, SIZE, CHECKSUM);
    return out.clear();
  }

  /** The path that a locator holds; empty when it is none that this library reads. */
  static String path(Storage file, Locator locator) throws DiskException {
    int length = locator.length();
    if (length <= 0 || length > MOST_LOCATOR) {
      return "";
    }
    byte[] bytes = file.read(locator.offset(), length, ByteOrder.BIG_ENDIAN).array();
    return switch (locator.platform()) {
      case W2RU, W2KU -> cut(new String(bytes, StandardCharsets.UTF_16LE));
      case MACX ->
          cut(new String(bytes, StandardCharsets.UTF_8)).replaceFirst("^file://(localhost)?", "");
      default -> "";
    };
  }

  VhdHeader withTable(long offset, int entries) {
    return new VhdHeader(
        offset, entries, blockSize, parentUniqueId, parentTimeStamp, parentName, locators);
  }
}
