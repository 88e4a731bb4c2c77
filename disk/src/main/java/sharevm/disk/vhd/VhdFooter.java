package sharevm.disk.vhd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;

/**
 * The 512 bytes at the end of every VHD, and at the start of those that are not fixed (Virtual Hard
 * Disk Image Format Specification 1.0, "Hard Disk Footer Format"). All numbers are big-endian.
 *
 * @param dataOffset of the dynamic header; -1 in a fixed disk
 * @param timeStamp of creation, in seconds since {@link #EPOCH}
 * @param creatorApplication four characters
 * @param cylinders heads and sectorsPerTrack are the geometry that the disk shows
 * @param type one of {@link #FIXED}, {@link #DYNAMIC}, {@link #DIFFERENCING}
 */
record VhdFooter(
    long dataOffset,
    int timeStamp,
    String creatorApplication,
    int creatorVersion,
    int creatorHostOs,
    long originalSize,
    long currentSize,
    int cylinders,
    int heads,
    int sectorsPerTrack,
    int type,
    UUID uniqueId,
    boolean savedState) {
  static final int SIZE = 512;
  static final long COOKIE = 0x636f6e6563746978L;
  static final int FIXED = 2;
  static final int DYNAMIC = 3;
  static final int DIFFERENCING = 4;

  /** 2000-01-01T00:00:00Z, from which time stamps count. */
  static final Instant EPOCH = Instant.parse("2000-01-01T00:00:00Z");

  /** What the format can hold: the geometry's and Hyper-V's limit. */
  static final long MOST_SIZE = 2040 * Bytes.GIB;

  private static final int CHECKSUM = 64;
  private static final long MOST_SECTORS = 65535L * 16 * 255;

  /**
   * Creators whose current size counts. Virtual PC and QEMU in its old way show the geometry's
   * size; Hyper-V, disk2vhd, XenServer, XenConverter, Azure, VirtualBox and QEMU with force_size do
   * not.
   */
  private static final Set<String> CURRENT_SIZE_COUNTS =
      Set.of("win ", "d2v ", "tap", "CTXS", "wa", "vbox", "qem2");

  static VhdFooter read(ByteBuffer in, String file, long offset) throws DiskException {
    if (in.getLong(0) != COOKIE) {
      throw DiskException.corrupt(file, offset, "no VHD footer is here");
    }
    if (!checksumIsRight(in, SIZE, CHECKSUM)) {
      throw DiskException.corrupt(file, offset + CHECKSUM, "the footer's checksum is wrong");
    }
    if (in.getInt(12) >>> 16 != 1) {
      throw DiskException.unsupported(file, "VHD version " + (in.getInt(12) >>> 16));
    }
    return new VhdFooter(
        in.getLong(16),
        in.getInt(24),
        Bytes.ascii(in, 28, 4),
        in.getInt(32),
        in.getInt(36),
        in.getLong(40),
        in.getLong(48),
        in.getShort(56) & 0xffff,
        in.get(58) & 0xff,
        in.get(59) & 0xff,
        in.getInt(60),
        Bytes.uuid(in, 68),
        in.get(84) != 0);
  }

  ByteBuffer toBytes() {
    ByteBuffer out = Bytes.buffer(SIZE, ByteOrder.BIG_ENDIAN);
    out.putLong(COOKIE).putInt(2).putInt(0x10000).putLong(dataOffset).putInt(timeStamp);
    for (int i = 0; i < 4; i++) {
      out.put((byte) (i < creatorApplication.length() ? creatorApplication.charAt(i) : 0));
    }
    out.putInt(creatorVersion).putInt(creatorHostOs).putLong(originalSize).putLong(currentSize);
    out.putShort((short) cylinders).put((byte) heads).put((byte) sectorsPerTrack).putInt(type);
    Bytes.putUuid(out, 68, uniqueId);
    out.put(84, (byte) (savedState ? 1 : 0));
    putChecksum(out, SIZE, CHECKSUM);
    return out.clear();
  }

  /** The ones' complement of the sum of all bytes but the checksum's own. */
  static int checksum(ByteBuffer in, int size, int at) {
    int sum = 0;
    for (int i = 0; i < size; i++) {
      sum += i >= at && i < at + 4 ? 0 : in.get(i) & 0xff;
    }
    return ~sum;
  }

  static boolean checksumIsRight(ByteBuffer in, int size, int at) {
    return checksum(in, size, at) == in.getInt(at);
  }

  static void putChecksum(ByteBuffer out, int size, int at) {
    out.putInt(at, checksum(out, size, at));
  }

  /** The size of the disk in bytes, by the field that the creator goes by. */
  long size() {
    return geometryCounts() ? geometrySize() : Bytes.roundDown(currentSize, SIZE);
  }

  boolean geometryCounts() {
    long sectors = geometrySize() / SIZE;
    return !CURRENT_SIZE_COUNTS.contains(creatorApplication)
        && sectors != MOST_SECTORS
        && sectors > 0;
  }

  long geometrySize() {
    return (long) cylinders * heads * sectorsPerTrack * SIZE;
  }

  /** A footer for a new disk; the creator is one whose current size counts for every reader. */
  static VhdFooter make(long size, int type) {
    int[] geometry = geometry(size);
    return new VhdFooter(
        type == FIXED ? -1 : SIZE,
        (int) (Instant.now().getEpochSecond() - EPOCH.getEpochSecond()),
        "win ",
        0x000a0000,
        0x5769326b,
        size,
        size,
        geometry[0],
        geometry[1],
        geometry[2],
        type,
        UUID.randomUUID(),
        false);
  }

  VhdFooter resized(long size) {
    int[] geometry = geometry(size);
    return new VhdFooter(
        dataOffset,
        timeStamp,
        geometryCounts() ? "win " : creatorApplication,
        creatorVersion,
        creatorHostOs,
        originalSize,
        size,
        geometry[0],
        geometry[1],
        geometry[2],
        type,
        uniqueId,
        savedState);
  }

  /** Cylinders, heads and sectors per track of a size (Appendix, "CHS Calculation"). */
  static int[] geometry(long size) {
    long total = Math.min(size / SIZE, MOST_SECTORS);
    long sectors;
    long heads = 16;
    long tracks;
    if (total >= 65535L * 16 * 63) {
      sectors = 255;
      tracks = total / sectors;
    } else {
      sectors = 17;
      tracks = total / sectors;
      heads = Math.max(4, (tracks + 1023) / 1024);
      if (tracks >= heads * 1024 || heads > 16) {
        sectors = 31;
        heads = 16;
        tracks = total / sectors;
      }
      if (tracks >= heads * 1024) {
        sectors = 63;
        heads = 16;
        tracks = total / sectors;
      }
    }
    return new int[] {(int) (tracks / heads), (int) heads, (int) sectors};
  }
}
