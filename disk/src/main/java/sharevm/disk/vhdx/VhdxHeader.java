package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;

/**
 * The header ([MS-VHDX] 2.2.2), of which there are two: the valid one with the higher sequence
 * number is current, the other one is overwritten next.
 */
record VhdxHeader(
    long sequenceNumber,
    UUID fileWriteGuid,
    UUID dataWriteGuid,
    UUID logGuid,
    int logLength,
    long logOffset) {
  static final long FIRST = 64 * Bytes.KIB;
  static final long SECOND = 128 * Bytes.KIB;
  static final int SIZE = 4096;

  /** "head" as stored. */
  static final int SIGNATURE = 0x64616568;

  /** The LogGuid of a file whose log holds nothing. */
  static final UUID NO_LOG = new UUID(0, 0);

  private static final int MOST_LOG = 128 << 20;

  /** The current header. */
  static VhdxHeader read(Storage file) throws DiskException {
    VhdxHeader best = null;
    for (long at : new long[] {FIRST, SECOND}) {
      ByteBuffer in = Bytes.buffer(SIZE, ByteOrder.LITTLE_ENDIAN);
      file.readPadded(in, at);
      if (in.getInt(0) == SIGNATURE && Crc32c.isRight(in)) {
        VhdxHeader header = parse(in, file);
        if (best == null || header.sequenceNumber > best.sequenceNumber) {
          best = header;
        }
      }
    }
    if (best == null) {
      throw DiskException.corrupt(file.name(), FIRST, "neither header is valid");
    }
    return best;
  }

  private static VhdxHeader parse(ByteBuffer in, Storage file) throws DiskException {
    int version = in.getShort(66);
    int logVersion = in.getShort(64);
    if (version != 1 || logVersion != 0) {
      throw DiskException.unsupported(
          file.name(), "VHDX version " + version + " with log version " + logVersion);
    }
    VhdxHeader header =
        new VhdxHeader(
            in.getLong(8),
            Bytes.guid(in, 16),
            Bytes.guid(in, 32),
            Bytes.guid(in, 48),
            in.getInt(68),
            in.getLong(72));
    if (header.logLength < 0
        || header.logLength > MOST_LOG
        || header.logLength % Bytes.MIB != 0
        || header.logOffset % Bytes.MIB != 0
        || header.logOffset < Bytes.MIB && header.logLength > 0) {
      throw DiskException.corrupt(file.name(), FIRST + 68, "the log is out of place");
    }
    return header;
  }

  ByteBuffer toBytes() {
    ByteBuffer out = Bytes.buffer(SIZE, ByteOrder.LITTLE_ENDIAN);
    out.putInt(0, SIGNATURE).putLong(8, sequenceNumber);
    Bytes.putGuid(out, 16, fileWriteGuid);
    Bytes.putGuid(out, 32, dataWriteGuid);
    Bytes.putGuid(out, 48, logGuid);
    out.putShort(64, (short) 0).putShort(66, (short) 1);
    out.putInt(68, logLength).putLong(72, logOffset);
    Crc32c.put(out);
    return out;
  }

  /** Writes the next header over the one that is not current; it is then on stable storage. */
  VhdxHeader next(Storage file, UUID fileWrite, UUID dataWrite, UUID log) throws DiskException {
    VhdxHeader next =
        new VhdxHeader(sequenceNumber + 1, fileWrite, dataWrite, log, logLength, logOffset);
    file.force();
    file.write(next.toBytes(), isFirst(file) ? SECOND : FIRST);
    file.force();
    return next;
  }

  private boolean isFirst(Storage file) throws DiskException {
    ByteBuffer in = Bytes.buffer(SIZE, ByteOrder.LITTLE_ENDIAN);
    file.readPadded(in, FIRST);
    return in.getLong(8) == sequenceNumber && Crc32c.isRight(in);
  }
}
