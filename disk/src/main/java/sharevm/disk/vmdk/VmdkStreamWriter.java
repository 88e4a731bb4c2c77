package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import sharevm.disk.DiskException;
import sharevm.disk.DiskFormat.Vmdk;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Deflation;
import sharevm.disk.layer.Packer;
import sharevm.disk.layer.SequentialTarget;

/**
 * Writes a streamOptimized VMDK (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse
 * Extents"): compressed grains with markers, a grain table after the grains that it lists, then the
 * directory, a footer and the end-of-stream marker. What was written is never changed.
 */
public final class VmdkStreamWriter implements SequentialTarget {
  private static final int SECTOR = SparseHeader.SECTOR;
  private static final int GRAIN_BYTES = VmdkCreator.GRAIN * SECTOR;
  private static final int ENTRIES = VmdkCreator.TABLE_ENTRIES;
  private static final int GRAIN_MARKER = 12;
  private static final int MARKER_END = 0;
  private static final int MARKER_TABLE = 1;
  private static final int MARKER_DIRECTORY = 2;
  private static final int MARKER_FOOTER = 3;

  private final Storage file;
  private final SparseHeader header;
  private final int[] directory;
  private final int[] table = new int[ENTRIES];
  private long current;
  private long end;

  /** Starts a file with header and descriptor. */
  public VmdkStreamWriter(Storage file, Vmdk format, long size) throws DiskException {
    this.file = file;
    VmdkCreator.requireSize(file.path(), size);
    long capacity = size / SECTOR;
    String line = "RDONLY " + capacity + " SPARSE \"" + file.path().getFileName() + "\"";
    byte[] text = VmdkCreator.descriptor(format, size, List.of(line), VmdkDescriptor.NO_PARENT, "");
    this.header =
        new SparseHeader(
            3,
            SparseHeader.VALID_NEWLINES | SparseHeader.COMPRESSED | SparseHeader.MARKERS,
            capacity,
            VmdkCreator.GRAIN,
            1,
            VmdkCreator.DESCRIPTOR_SECTORS,
            ENTRIES,
            0,
            SparseHeader.AT_END,
            VmdkCreator.GRAIN,
            false,
            1);
    this.directory = new int[(int) header.directoryEntries()];
    file.write(header.toBytes(), 0);
    file.write(ByteBuffer.wrap(text), SECTOR);
    this.end = header.overHead() * SECTOR;
  }

  @Override
  public int packedUnit() {
    return GRAIN_BYTES;
  }

  @Override
  public Packer packer() {
    return Deflation.always(GRAIN_BYTES);
  }

  @Override
  public void append(long position, byte[] packed) throws DiskException {
    long grain = position / GRAIN_BYTES;
    if (grain / ENTRIES != current) {
      endTable();
      current = grain / ENTRIES;
    }
    table[(int) (grain % ENTRIES)] = (int) (end / SECTOR);
    int length = (int) Bytes.roundUp(GRAIN_MARKER + packed.length, SECTOR);
    ByteBuffer out = Bytes.buffer(length, ByteOrder.LITTLE_ENDIAN);
    out.putLong(position / SECTOR).putInt(packed.length).put(packed).clear();
    put(out);
  }

  private void put(ByteBuffer bytes) throws DiskException {
    int length = bytes.remaining();
    if ((end + length) / SECTOR > 0xffffffffL) {
      throw new DiskException(
          DiskException.Kind.NO_SPACE, file.name(), "the format cannot address more");
    }
    file.write(bytes, end);
    end += length;
  }

  private void putMarker(int type, long sectors) throws DiskException {
    ByteBuffer marker = Bytes.buffer(SECTOR, ByteOrder.LITTLE_ENDIAN);
    marker.putLong(sectors).putInt(0).putInt(type).clear();
    put(marker);
  }

  private void endTable() throws DiskException {
    if (Arrays.stream(table).allMatch(entry -> entry == 0)) {
      return;
    }
    putMarker(MARKER_TABLE, ENTRIES * 4 / SECTOR);
    directory[(int) current] = (int) (end / SECTOR);
    putEntries(table);
    Arrays.fill(table, 0);
  }

  private void putEntries(int[] entries) throws DiskException {
    ByteBuffer out =
        Bytes.buffer((int) Bytes.roundUp(entries.length * 4L, SECTOR), ByteOrder.LITTLE_ENDIAN);
    for (int entry : entries) {
      out.putInt(entry);
    }
    put(out.clear());
  }

  @Override
  public void finish() throws DiskException {
    endTable();
    putMarker(MARKER_DIRECTORY, Bytes.divideUp(directory.length * 4L, SECTOR));
    long directoryAt = end / SECTOR;
    putEntries(directory);
    putMarker(MARKER_FOOTER, 1);
    put(header.withDirectory(directoryAt).toBytes());
    putMarker(MARKER_END, 0);
    file.force();
    file.close();
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }
}
