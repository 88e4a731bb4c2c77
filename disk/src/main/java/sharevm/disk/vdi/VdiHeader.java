package sharevm.disk.vdi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * The header of a VDI, version 1.1 (VirtualBox, Storage/VDICore.h, VDIHEADER1PLUS), with the
 * fields' names from there. All numbers are little-endian.
 */
record VdiHeader(
    int type,
    int flags,
    long blocksOffset,
    long dataOffset,
    long diskSize,
    int blockSize,
    int blockExtra,
    int blocks,
    int blocksAllocated,
    UUID uuidCreate,
    UUID uuidModify,
    UUID uuidLinkage,
    UUID uuidParentModify) {
  static final int SIZE = 512;
  static final int SIGNATURE = 0xbeda107f;
  static final int AT_SIGNATURE = 64;
  static final int AT_DISK_SIZE = 368;
  static final int AT_BLOCKS = 384;
  static final int AT_BLOCKS_ALLOCATED = 388;
  static final int AT_UUID_MODIFY = 408;
  static final int AT_UUID_LINKAGE = 424;

  /** Image types. */
  static final int DYNAMIC = 1;

  static final int FIXED = 2;
  static final int DIFFERENCING = 4;

  private static final int VERSION = 0x00010001;
  private static final int HEADER_LENGTH = 400;

  static VdiHeader read(Storage file) throws DiskException {
    ByteBuffer in = file.read(0, SIZE, ByteOrder.LITTLE_ENDIAN);
    String name = file.name();
    if (in.getInt(AT_SIGNATURE) != SIGNATURE) {
      throw DiskException.corrupt(name, AT_SIGNATURE, "no VDI header is here");
    }
    if (in.getInt(68) >>> 16 != 1) {
      throw DiskException.unsupported(name, "VDI version " + (in.getInt(68) >>> 16));
    }
    VdiHeader header =
        new VdiHeader(
            in.getInt(76),
            in.getInt(80),
            in.getInt(340) & 0xffffffffL,
            in.getInt(344) & 0xffffffffL,
            in.getLong(368),
            in.getInt(376),
            in.getInt(380),
            in.getInt(384),
            in.getInt(AT_BLOCKS_ALLOCATED),
            Bytes.guid(in, 392),
            Bytes.guid(in, AT_UUID_MODIFY),
            Bytes.guid(in, AT_UUID_LINKAGE),
            Bytes.guid(in, 440));
    header.validate(file);
    return header;
  }

  private void validate(Storage file) throws DiskException {
    String name = file.name();
    if (type != DYNAMIC && type != FIXED && type != DIFFERENCING) {
      throw DiskException.unsupported(name, "VDI image type " + type);
    }
    if (!Bytes.isPowerOfTwo(blockSize) || blockSize < 4096 || blockSize > 64 * Bytes.MIB) {
      throw DiskException.corrupt(name, 376, "the block size is " + blockSize);
    }
    if (blockExtra < 0 || blockExtra > Bytes.MIB || blockExtra % 512 != 0) {
      throw DiskException.corrupt(name, 380, "extra data of " + blockExtra + " bytes a block");
    }
    if (diskSize < 0 || blocks < 0 || Bytes.divideUp(diskSize, blockSize) > blocks) {
      throw DiskException.corrupt(name, 368, "the block table is too small for the disk");
    }
    if (blocksOffset % 512 != 0 || blocksOffset > file.size() - blocks * 4L) {
      throw DiskException.corrupt(name, 340, "the block table is out of place");
    }
    if (dataOffset % 512 != 0 || dataOffset < blocksOffset + blocks * 4L) {
      throw DiskException.corrupt(name, 344, "the data overlaps the block table");
    }
  }

  ByteBuffer toBytes() {
    ByteBuffer out = Bytes.buffer(SIZE, ByteOrder.LITTLE_ENDIAN);
    out.put("<<< ShareVM Disk Image >>>\n".getBytes(StandardCharsets.US_ASCII));
    out.putInt(AT_SIGNATURE, SIGNATURE).putInt(68, VERSION).putInt(72, HEADER_LENGTH);
    out.putInt(76, type).putInt(80, flags);
    out.putInt(340, (int) blocksOffset).putInt(344, (int) dataOffset).putInt(360, 512);
    out.putLong(368, diskSize).putInt(376, blockSize).putInt(380, blockExtra);
    out.putInt(384, blocks).putInt(AT_BLOCKS_ALLOCATED, blocksAllocated);
    Bytes.putGuid(out, 392, uuidCreate);
    Bytes.putGuid(out, AT_UUID_MODIFY, uuidModify);
    Bytes.putGuid(out, AT_UUID_LINKAGE, uuidLinkage);
    Bytes.putGuid(out, 440, uuidParentModify);
    return out.clear();
  }
}
