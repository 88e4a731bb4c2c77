package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * The header of a qcow2 image (QEMU docs/interop/qcow2.txt, "Header" and "Header extensions"), with
 * the fields' names from there. All numbers are big-endian.
 */
final class Qcow2Header {
  static final int MAGIC = 0x514649fb;
  static final int V2_LENGTH = 72;
  static final int V3_LENGTH = 104;

  /** Offsets of the fields that change while an image is open. */
  static final int AT_SIZE = 24;

  static final int AT_REFCOUNT_TABLE = 48;
  static final int AT_SNAPSHOTS = 60;
  static final int AT_INCOMPATIBLE = 72;
  static final int AT_AUTOCLEAR = 88;

  /** Incompatible features. */
  static final long DIRTY = 1;

  static final long CORRUPT = 1 << 1;
  static final long EXTERNAL_DATA = 1 << 2;
  static final long COMPRESSION_TYPE = 1 << 3;
  static final long EXTENDED_L2 = 1 << 4;
  private static final long KNOWN =
      DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2;

  /** Compatible feature: reference counts may be behind. */
  static final long LAZY_REFCOUNTS = 1;

  /** Autoclear feature: the bitmaps extension is up to date. */
  static final long BITMAPS = 1;

  static final int EXTENSION_BACKING_FORMAT = 0xe2792aca;
  static final int EXTENSION_DATA_FILE = 0x44415441;
  static final int EXTENSION_BITMAPS = 0x23852875;

  /** What QEMU allows an active or snapshot L1 table (QCOW_MAX_L1_SIZE) and refcount table. */
  static final long MOST_L1_BYTES = 32 << 20;

  static final long MOST_REFCOUNT_TABLE_BYTES = 8 << 20;
  private static final int MOST_BACKING_NAME = 1023;
  private static final int MOST_SNAPSHOTS = 65536;

  int version;
  int clusterBits;
  long size;
  int l1Size;
  long l1Offset;
  long refcountTableOffset;
  int refcountTableClusters;
  int snapshotCount;
  long snapshotsOffset;
  long incompatible;
  long compatible;
  long autoclear;
  int refcountOrder;
  boolean zstd;
  String backingFile = "";
  String backingFormat = "";
  Optional<String> dataFile = Optional.empty();
  long bitmapDirectoryOffset;
  long bitmapDirectorySize;

  int clusterSize() {
    return 1 << clusterBits;
  }

  boolean has(long incompatibleFeature) {
    return (incompatible & incompatibleFeature) != 0;
  }

  /** How many disk bytes one L2 table covers. */
  long l2Coverage() {
    int entrySize = has(EXTENDED_L2) ? 16 : 8;
    return (long) clusterSize() * (clusterSize() / entrySize);
  }

  static Qcow2Header read(Storage file) throws DiskException {
    String name = file.name();
    ByteBuffer head = ByteBuffer.allocate(112).order(ByteOrder.BIG_ENDIAN);
    file.readPadded(head, 0);
    Qcow2Header header = new Qcow2Header();
    header.readFixed(head, name);
    header.validate(file);
    header.readExtensions(file, header.version == 2 ? V2_LENGTH : head.getInt(100));
    int length = head.getInt(16);
    long offset = head.getLong(8);
    if (offset != 0) {
      if (length < 0 || length > MOST_BACKING_NAME || offset > header.clusterSize() - length) {
        throw DiskException.corrupt(name, 8, "the backing file's name lies outside the header");
      }
      ByteBuffer bytes = file.read(offset, length, ByteOrder.BIG_ENDIAN);
      header.backingFile = StandardCharsets.UTF_8.decode(bytes).toString();
    }
    return header;
  }

  private void readFixed(ByteBuffer head, String name) throws DiskException {
    version = head.getInt(4);
    if (version != 2 && version != 3) {
      throw DiskException.unsupported(name, "qcow2 version " + Integer.toUnsignedString(version));
    }
    clusterBits = head.getInt(20);
    size = head.getLong(AT_SIZE);
    int crypt = head.getInt(32);
    if (crypt != 0) {
      throw new DiskException(
          Kind.ENCRYPTED,
          name,
          32,
          "it is encrypted with "
              + (crypt == 1 ? "AES-CBC" : crypt == 2 ? "LUKS" : "method " + crypt),
          "decrypt it with the program that made it");
    }
    l1Size = head.getInt(36);
    l1Offset = head.getLong(40);
    refcountTableOffset = head.getLong(AT_REFCOUNT_TABLE);
    refcountTableClusters = head.getInt(56);
    snapshotCount = head.getInt(AT_SNAPSHOTS);
    snapshotsOffset = head.getLong(64);
    refcountOrder = 4;
    if (version == 3) {
      incompatible = head.getLong(AT_INCOMPATIBLE);
      compatible = head.getLong(80);
      autoclear = head.getLong(AT_AUTOCLEAR);
      refcountOrder = head.getInt(96);
      zstd = has(COMPRESSION_TYPE) && head.get(104) == 1;
      if (has(COMPRESSION_TYPE) && (head.get(104) & 0xff) > 1) {
        throw DiskException.unsupported(name, "compression type " + (head.get(104) & 0xff));
      }
    }
  }

  private void validate(Storage file) throws DiskException {
    String name = file.name();
    if (clusterBits < 9 || clusterBits > 21) {
      throw DiskException.corrupt(name, 20, "cluster_bits is " + clusterBits + ", not 9 to 21");
    }
    if ((incompatible & ~KNOWN) != 0) {
      throw DiskException.unsupported(
          name, "incompatible features 0x" + Long.toHexString(incompatible & ~KNOWN));
    }
    if (refcountOrder < 0 || refcountOrder > 6) {
      throw DiskException.corrupt(name, 96, "refcount_order is " + refcountOrder + ", not 0 to 6");
    }
    if (has(EXTENDED_L2) && clusterBits < 14) {
      throw DiskException.corrupt(name, 20, "extended L2 entries with clusters under 16 KiB");
    }
    if (size < 0 || l1Size < 0 || l1Size * 8L > MOST_L1_BYTES) {
      throw DiskException.corrupt(name, AT_SIZE, "size or l1_size is absurd");
    }
    if (Bytes.divideUp(size, l2Coverage()) > l1Size) {
      throw DiskException.corrupt(name, 36, "the L1 table is too small for the disk");
    }
    if (refcountTableClusters < 0
        || (long) refcountTableClusters << clusterBits > MOST_REFCOUNT_TABLE_BYTES) {
      throw DiskException.corrupt(name, 56, "refcount_table_clusters is absurd");
    }
    if (snapshotCount < 0 || snapshotCount > MOST_SNAPSHOTS) {
      throw DiskException.corrupt(name, AT_SNAPSHOTS, "nb_snapshots is absurd");
    }
    requireTable(file, l1Offset, l1Size * 8L, 40, "L1 table");
    long tableBytes = (long) refcountTableClusters << clusterBits;
    requireTable(file, refcountTableOffset, tableBytes, AT_REFCOUNT_TABLE, "refcount table");
  }

  private void requireTable(Storage file, long offset, long length, int field, String what)
      throws DiskException {
    if (offset < 0 || offset % clusterSize() != 0 || offset > file.size() - length) {
      throw DiskException.corrupt(
          file.name(), field, "the " + what + " at " + offset + " is misaligned or past the end");
    }
  }

  private void readExtensions(Storage file, int headerLength) throws DiskException {
    if (headerLength < V2_LENGTH || headerLength > clusterSize()) {
      throw DiskException.corrupt(file.name(), 100, "header_length is " + headerLength);
    }
    ByteBuffer area = Bytes.buffer(clusterSize(), ByteOrder.BIG_ENDIAN);
    file.readPadded(area, 0);
    int at = headerLength;
    while (at + 8 <= clusterSize() && area.getInt(at) != 0) {
      int type = area.getInt(at);
      int length = area.getInt(at + 4);
      at += 8;
      if (length < 0 || length > clusterSize() - at) {
        if (version == 2) {
          return;
        }
        throw DiskException.corrupt(file.name(), at - 8, "a header extension leaves its cluster");
      }
      switch (type) {
        case EXTENSION_BACKING_FORMAT -> backingFormat = Bytes.ascii(area, at, length);
        case EXTENSION_DATA_FILE -> dataFile = Optional.of(Bytes.ascii(area, at, length));
        case EXTENSION_BITMAPS -> {
          if (length >= 24) {
            bitmapDirectorySize = area.getLong(at + 8);
            bitmapDirectoryOffset = area.getLong(at + 16);
          }
        }
        default -> {
          // An unknown extension may be ignored ("Header extensions").
        }
      }
      at += (int) Bytes.roundUp(length, 8);
    }
  }

  /** The header's cluster, with the backing file's name. */
  ByteBuffer toCluster() throws DiskException {
    ByteBuffer out = Bytes.buffer(clusterSize(), ByteOrder.BIG_ENDIAN);
    byte[] backing = backingFile.getBytes(StandardCharsets.UTF_8);
    byte[] format = backingFormat.getBytes(StandardCharsets.US_ASCII);
    int headerLength = version == 2 ? V2_LENGTH : V3_LENGTH + 8;
    int nameAt =
        (int) (headerLength + (format.length > 0 ? 8 + Bytes.roundUp(format.length, 8) : 0) + 8);
    if (backing.length > MOST_BACKING_NAME || nameAt + backing.length > clusterSize()) {
      throw DiskException.invalid(backingFile, "too long a name for a backing file");
    }
    out.putInt(MAGIC).putInt(version);
    out.putLong(backing.length > 0 ? nameAt : 0).putInt(backing.length).putInt(clusterBits);
    out.putLong(size).putInt(0).putInt(l1Size).putLong(l1Offset);
    out.putLong(refcountTableOffset).putInt(refcountTableClusters);
    out.putInt(snapshotCount).putLong(snapshotsOffset);
    if (version == 3) {
      out.putLong(incompatible).putLong(compatible).putLong(autoclear);
      out.putInt(refcountOrder).putInt(headerLength).put((byte) (zstd ? 1 : 0));
      out.position(headerLength);
    }
    if (format.length > 0) {
      out.putInt(EXTENSION_BACKING_FORMAT).putInt(format.length).put(format);
    }
    out.position(nameAt).put(backing);
    return out.clear();
  }
}
