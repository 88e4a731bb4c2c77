package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * The header of a sparse extent, hosted (Virtual Disk Format 5.0, "Hosted Sparse Extents",
 * SparseExtentHeader) or of ESX ("ESX Server Sparse Extents", COWDisk_Header), little-endian.
 * Offsets and sizes are in sectors of 512 bytes.
 *
 * @param capacity of the extent
 * @param grainSize the unit of allocation
 * @param tableEntries in one grain table
 * @param redundantOffset of the redundant grain directory; 0 for none
 * @param directoryOffset of the grain directory
 */
record SparseHeader(
    int version,
    int flags,
    long capacity,
    long grainSize,
    long descriptorOffset,
    long descriptorSize,
    int tableEntries,
    long redundantOffset,
    long directoryOffset,
    long overHead,
    boolean unclean,
    int compression) {
  static final int SECTOR = 512;

  /** "KDMV" and "COWD" as stored. */
  static final int MAGIC = 0x564d444b;

  static final int COWD_MAGIC = 0x44574f43;

  static final int VALID_NEWLINES = 1;
  static final int REDUNDANT = 1 << 1;
  static final int ZEROED_GRAINS = 1 << 2;
  static final int COMPRESSED = 1 << 16;
  static final int MARKERS = 1 << 17;

  static final int AT_CAPACITY = 12;
  static final int AT_REDUNDANT = 48;
  static final int AT_DIRECTORY = 56;

  /** gdOffset of a stream whose directory is told by the footer at its end. */
  static final long AT_END = -1;

  private static final long MOST_CAPACITY = 64 * Bytes.TIB / SECTOR;
  private static final long MOST_GRAIN = 32 * Bytes.MIB / SECTOR;
  private static final int COWD_TABLE_ENTRIES = 4096;

  static SparseHeader read(Storage file) throws DiskException {
    ByteBuffer in = Bytes.buffer(SECTOR, ByteOrder.LITTLE_ENDIAN);
    file.read(in, 0);
    if (in.getInt(0) == COWD_MAGIC) {
      return readCowd(in, file);
    }
    SparseHeader header = parse(in, file, 0);
    if (header.directoryOffset == AT_END) {
      long at = file.size() - 2 * SECTOR;
      ByteBuffer footer = Bytes.buffer(SECTOR, ByteOrder.LITTLE_ENDIAN);
      file.read(footer, at);
      header = parse(footer, file, at);
      if (header.directoryOffset == AT_END) {
        throw DiskException.corrupt(file.name(), at, "the footer does not tell the directory");
      }
    }
    header.validate(file);
    return header;
  }

  private static SparseHeader parse(ByteBuffer in, Storage file, long at) throws DiskException {
    if (in.getInt(0) != MAGIC) {
      throw DiskException.corrupt(file.name(), at, "no sparse extent header is here");
    }
    int version = in.getInt(4);
    if (version < 1 || version > 3) {
      throw DiskException.unsupported(file.name(), "sparse VMDK version " + version);
    }
    return new SparseHeader(
        version,
        in.getInt(8),
        in.getLong(12),
        in.getLong(20),
        in.getLong(28),
        in.getLong(36),
        in.getInt(44),
        in.getLong(48),
        in.getLong(56),
        in.getLong(64),
        in.get(72) != 0,
        in.getShort(77) & 0xffff);
  }

  private static SparseHeader readCowd(ByteBuffer in, Storage file) throws DiskException {
    SparseHeader header =
        new SparseHeader(
            in.getInt(4),
            0,
            in.getInt(12) & 0xffffffffL,
            in.getInt(16) & 0xffffffffL,
            0,
            0,
            COWD_TABLE_ENTRIES,
            0,
            in.getInt(20) & 0xffffffffL,
            4,
            false,
            0);
    header.validate(file);
    return header;
  }

  private void validate(Storage file) throws DiskException {
    String name = file.name();
    if (capacity < 0 || capacity > MOST_CAPACITY) {
      throw DiskException.corrupt(name, 12, "a capacity of " + capacity + " sectors is absurd");
    }
    if (!Bytes.isPowerOfTwo(grainSize) || grainSize > MOST_GRAIN) {
      throw DiskException.corrupt(name, 20, "a grain of " + grainSize + " sectors is absurd");
    }
    if (!Bytes.isPowerOfTwo(tableEntries) || tableEntries > COWD_TABLE_ENTRIES) {
      throw DiskException.corrupt(name, 44, tableEntries + " entries in a grain table");
    }
    if (compression > 1) {
      throw DiskException.unsupported(name, "compression algorithm " + compression);
    }
    long length = directoryEntries() * 4;
    for (long at :
        new long[] {directoryOffset, hasRedundant() ? redundantOffset : directoryOffset}) {
      if (at < 1 || at > (file.size() - length) / SECTOR) {
        throw DiskException.corrupt(name, 56, "the grain directory is outside the file");
      }
    }
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  boolean hasRedundant() {
    return has(REDUNDANT) && redundantOffset != 0;
  }

  long grainBytes() {
    return grainSize * SECTOR;
  }

  /** Bytes of disk that one grain table covers. */
  long tableCoverage() {
    return grainBytes() * tableEntries;
  }

  long directoryEntries() {
    return Bytes.divideUp(capacity * SECTOR, tableCoverage());
  }

  ByteBuffer toBytes() {
    ByteBuffer out = Bytes.buffer(SECTOR, ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putInt(version).putInt(flags).putLong(capacity).putLong(grainSize);
    out.putLong(descriptorOffset).putLong(descriptorSize).putInt(tableEntries);
    out.putLong(redundantOffset).putLong(directoryOffset).putLong(overHead);
    out.put((byte) (unclean ? 1 : 0)).put(new byte[] {'\n', ' ', '\r', '\n'});
    out.putShort((short) compression);
    return out.clear();
  }

  /** The same extent with another capacity and its directories in another place, in sectors. */
  SparseHeader grown(long newCapacity, long redundant, long directory) {
    return new SparseHeader(
        version,
        flags,
        newCapacity,
        grainSize,
        descriptorOffset,
        descriptorSize,
        tableEntries,
        redundant,
        directory,
        overHead,
        unclean,
        compression);
  }

  SparseHeader withDirectory(long offset) {
    return new SparseHeader(
        version,
        flags,
        capacity,
        grainSize,
        descriptorOffset,
        descriptorSize,
        tableEntries,
        redundantOffset,
        offset,
        overHead,
        unclean,
        compression);
  }
}
