package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Run;

/**
 * The space-efficient sparse extent of ESX 6.5 and later, for reading. VMware has not published it;
 * the layout is the one that QEMU's block/vmdk.c reads (VMDKSESparseConstHeader and the comments at
 * vmdk_open_se_sparse). All numbers are little-endian, offsets and sizes in sectors.
 */
final class SeSparseExtent implements VmdkExtent {
  static final long MAGIC = 0xcafebabeL;
  static final long VOLATILE_MAGIC = 0xcafecafeL;
  private static final long VERSION = 0x0000000200000001L;
  private static final int SECTOR = SparseHeader.SECTOR;

  /** The top four bits of a directory entry that has a table. */
  private static final long TABLE = 0x1;

  private final Storage file;
  private final long length;
  private final long grainBytes;
  private final long tableBytes;
  private final long directory;
  private final long directoryBytes;
  private final long tablesStart;
  private final long grainsStart;
  private final long fileSize;
  private final MetaCache tables;

  SeSparseExtent(Storage file, long length) throws DiskException {
    this.file = file;
    this.length = length;
    this.fileSize = file.size();
    ByteBuffer header = file.read(0, SECTOR, ByteOrder.LITTLE_ENDIAN);
    String name = file.name();
    if (header.getLong(0) != MAGIC) {
      throw DiskException.corrupt(name, 0, "no seSparse header is here");
    }
    if (header.getLong(8) != VERSION) {
      throw DiskException.unsupported(
          name, "seSparse version " + Long.toHexString(header.getLong(8)));
    }
    this.grainBytes = bytes(header, 24);
    this.tableBytes = bytes(header, 32);
    this.directory = bytes(header, 128);
    this.directoryBytes = bytes(header, 136);
    this.tablesStart = bytes(header, 144);
    this.grainsStart = bytes(header, 192);
    if (bytes(header, 16) < length
        || !Bytes.isPowerOfTwo(grainBytes)
        || grainBytes > Bytes.MIB
        || !Bytes.isPowerOfTwo(tableBytes)
        || tableBytes > Bytes.MIB) {
      throw DiskException.corrupt(name, 16, "the extent's sizes are absurd");
    }
    ByteBuffer changing = file.read(bytes(header, 80), SECTOR, ByteOrder.LITTLE_ENDIAN);
    if (changing.getLong(0) != VOLATILE_MAGIC) {
      throw DiskException.corrupt(name, bytes(header, 80), "the volatile header is damaged");
    }
    if (changing.get(24) != 0) {
      throw DiskException.unsupported(
          name, "a seSparse journal that must be replayed; let ESX do so");
    }
    this.tables = new MetaCache(file, 4096, 512, ByteOrder.LITTLE_ENDIAN);
  }

  private long bytes(ByteBuffer header, int at) throws DiskException {
    long sectors = header.getLong(at);
    if (sectors < 0 || sectors > 64 * Bytes.TIB / SECTOR) {
      throw DiskException.corrupt(file.name(), at, sectors + " sectors are absurd");
    }
    return sectors * SECTOR;
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public long grainBytes() {
    return grainBytes;
  }

  @Override
  public Run lookup(long position, long most) throws DiskException {
    long in = position % grainBytes;
    long left = Math.min(grainBytes - in, length - position);
    long grain = position / grainBytes;
    long index = grain / (tableBytes / 8);
    if (index * 8 >= directoryBytes) {
      throw DiskException.corrupt(file.name(), directory, "the grain directory is too short");
    }
    long entry = tables.getLong(directory + index * 8);
    if (entry == 0) {
      return Run.absent(left);
    }
    if (entry >>> 32 != TABLE << 28) {
      throw DiskException.corrupt(
          file.name(), directory + index * 8, "a directory entry is invalid");
    }
    long at = tablesStart + (entry & 0xffffffffL) * tableBytes + grain % (tableBytes / 8) * 8;
    return grainRun(tables.getLong(inFile(at)), at, in, left);
  }

  private Run grainRun(long entry, long at, long in, long left) throws DiskException {
    return switch ((int) (entry >>> 60)) {
      case 0 -> Run.absent(left);
      case 1, 2 -> Run.zero(left);
      case 3 -> {
        long number = entry >>> 48 & 0xfff | (entry & 0xffffffffffffL) << 12;
        if (number < 0 || number > fileSize / grainBytes) {
          throw DiskException.corrupt(file.name(), at, "a grain is past the end of the file");
        }
        long offset = inFile(grainsStart + number * grainBytes);
        yield new Run(Run.Kind.DATA, left, file, offset + in, false);
      }
      default -> throw DiskException.corrupt(file.name(), at, "a grain table entry is invalid");
    };
  }

  private long inFile(long offset) throws DiskException {
    if (offset < 0 || offset >= fileSize) {
      throw DiskException.corrupt(
          file.name(), offset, "a table or grain is past the end of the file");
    }
    return offset;
  }

  @Override
  public void commit() {
    // Read-only.
  }

  @Override
  public List<Storage> files() {
    return List.of(file);
  }
}
