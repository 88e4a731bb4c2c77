package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Blocks;
import sharevm.disk.layer.Run;

/**
 * A sparse extent: grain directory -> grain tables -> grains, usually with a second directory and
 * second tables that say the same. Both are changed together, the second ones first, so that the
 * first ones never point at what is not written.
 */
final class SparseExtent implements VmdkExtent {
  private static final int SECTOR = SparseHeader.SECTOR;
  private static final int ZEROED = 1;
  private static final int MARKER = 12;

  private final Storage file;
  private final SparseHeader header;
  private final long length;
  private final MetaCache directories;
  private final MetaCache tables;
  private final MetaCache redundant;
  private volatile long fileEnd;
  private long expandedAt = -1;
  private byte[] expanded = new byte[0];

  SparseExtent(Storage file, SparseHeader header, long length) throws DiskException {
    this.file = file;
    this.header = header;
    this.length = length;
    this.directories = new MetaCache(file, 4096, 128, ByteOrder.LITTLE_ENDIAN);
    this.tables = new MetaCache(file, 4096, 512, ByteOrder.LITTLE_ENDIAN);
    this.redundant = new MetaCache(file, 4096, 512, ByteOrder.LITTLE_ENDIAN);
    this.fileEnd = file.size();
    if (length > header.capacity() * SECTOR) {
      throw DiskException.corrupt(
          file.name(), 12, "the extent is shorter than its descriptor says");
    }
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public long grainBytes() {
    return header.grainBytes();
  }

  /** Where a grain table starts in bytes, by the first directory or the second; 0 for none. */
  private long tableAt(long directory, long position) throws DiskException {
    long at = directory * SECTOR + position / header.tableCoverage() * 4;
    long table = (directories.getInt(at) & 0xffffffffL) * SECTOR;
    if (table != 0 && table + header.tableEntries() * 4L > fileEnd) {
      throw DiskException.corrupt(
          file.name(), at, "a grain table at " + table + " is past the end");
    }
    return table;
  }

  private long entryAt(long table, long position) {
    return table + position / header.grainBytes() % header.tableEntries() * 4;
  }

  @Override
  public Run lookup(long position, long most) throws DiskException {
    long grain = header.grainBytes();
    long in = position % grain;
    long left = Math.min(grain - in, length - position);
    long table = tableAt(header.directoryOffset(), position);
    if (table == 0) {
      long coverage = header.tableCoverage();
      return Run.absent(Math.min(coverage - position % coverage, length - position));
    }
    long at = entryAt(table, position);
    int entry = tables.getInt(at);
    if (entry == 0) {
      return Run.absent(together(position, in + most, at, 0));
    }
    if (entry == ZEROED && header.has(SparseHeader.ZEROED_GRAINS)) {
      return Run.zero(together(position, in + most, at, 0));
    }
    long offset = (entry & 0xffffffffL) * SECTOR;
    if (offset >= fileEnd) {
      throw DiskException.corrupt(file.name(), at, "a grain at " + offset + " is past the end");
    }
    if (header.has(SparseHeader.COMPRESSED)) {
      return new Run(Run.Kind.PACKED, left, file, offset, false);
    }
    long data = together(position, in + most, at, (int) header.grainSize());
    // What lies past the end of the file is an error, but of its own first grain.
    return Run.data(file, offset + in, Math.min(data, Bytes.roundUp(fileEnd - offset, grain) - in));
  }

  /** The length of the grains whose entries in a table go up in one step. */
  private long together(long position, long most, long at, int step) throws DiskException {
    long grain = header.grainBytes();
    long inTable = header.tableEntries() - position / grain % header.tableEntries();
    int wanted = (int) Math.min(Bytes.divideUp(most, grain), inTable);
    long count = wanted == 1 ? 1 : tables.countInts(at, wanted, step);
    return Math.min(count * grain - position % grain, length - position);
  }

  @Override
  public void unpack(ByteBuffer dst, long position, Run run) throws DiskException {
    byte[] grain = expand(run.offset());
    dst.put(grain, (int) (position % header.grainBytes()), dst.remaining());
  }

  private synchronized byte[] expand(long offset) throws DiskException {
    if (offset == expandedAt) {
      return expanded;
    }
    int size = (int) header.grainBytes();
    long start = offset;
    int packed = 2 * size;
    if (header.has(SparseHeader.MARKERS)) {
      ByteBuffer marker = file.read(offset, MARKER, ByteOrder.LITTLE_ENDIAN);
      packed = marker.getInt(8);
      start += MARKER;
      if (packed <= 0 || packed > 2 * size + 1024) {
        throw DiskException.corrupt(
            file.name(), offset, "a compressed grain of " + packed + " bytes");
      }
    }
    ByteBuffer in = ByteBuffer.allocate(packed);
    int got = file.readSome(in, start);
    expanded = inflate(in.array(), got, size, offset);
    expandedAt = offset;
    return expanded;
  }

  private byte[] inflate(byte[] in, int count, int size, long offset) throws DiskException {
    byte[] out = new byte[size];
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(in, 0, count);
      int total = 0;
      int step;
      do {
        step = inflater.inflate(out, total, size - total);
        total += step;
      } while (step > 0 && total < size);
      // The last grain of a disk may be compressed short.
      if (total == size || inflater.finished()) {
        return out;
      }
    } catch (DataFormatException e) {
      throw DiskException.corrupt(file.name(), offset, "a grain does not decompress").causedBy(e);
    }
    throw DiskException.corrupt(file.name(), offset, "a compressed grain is too short");
  }

  @Override
  public void store(ByteBuffer grain, long position) throws DiskException {
    long table = ownTable(header.directoryOffset(), position, tables);
    long second =
        header.hasRedundant() ? ownTable(header.redundantOffset(), position, redundant) : 0;
    long offset = newGrain();
    int stored = grain.remaining();
    file.write(grain, offset);
    if (stored < header.grainBytes()) {
      file.write(Bytes.zeroes(header.grainBytes() - stored), offset + stored);
      file.setSize(Math.max(file.size(), offset + header.grainBytes()));
    }
    fileEnd = offset + header.grainBytes();
    point(table, second, position, (int) (offset / SECTOR));
  }

  @Override
  public long reserve(long position, long length) throws DiskException {
    long grain = header.grainBytes();
    long table = ownTable(header.directoryOffset(), position, tables);
    long second =
        header.hasRedundant() ? ownTable(header.redundantOffset(), position, redundant) : 0;
    long coverage = header.tableCoverage();
    long tableEnd = Math.min(Bytes.roundDown(position, coverage) + coverage, this.length);
    long end = Math.min(position + length, tableEnd);
    long at = Bytes.roundDown(position, grain);
    for (; at < end; at += grain) {
      long offset = newGrain();
      fileEnd = offset + grain;
      point(table, second, at, (int) (offset / SECTOR));
    }
    return Math.min(at, tableEnd) - position;
  }

  private long newGrain() throws DiskException {
    long offset = Bytes.roundUp(fileEnd, header.grainBytes());
    if (offset / SECTOR > 0xffffffffL) {
      throw new DiskException(Kind.NO_SPACE, file.name(), "the format cannot address more");
    }
    return offset;
  }

  private void point(long table, long second, long position, int entry) throws DiskException {
    tables.putInt(entryAt(table, position), entry);
    if (second != 0) {
      redundant.putInt(entryAt(second, position), entry);
    }
  }

  /** The table of a position, made at the file's end if it is not there yet. */
  private long ownTable(long directory, long position, MetaCache cache) throws DiskException {
    long table = tableAt(directory, position);
    if (table != 0) {
      return table;
    }
    long made = Bytes.roundUp(fileEnd, SECTOR);
    long size = Bytes.roundUp(header.tableEntries() * 4L, SECTOR);
    cache.fill(made, size, 0);
    fileEnd = made + size;
    file.setSize(fileEnd);
    directories.putInt(
        directory * SECTOR + position / header.tableCoverage() * 4, (int) (made / SECTOR));
    return made;
  }

  @Override
  public boolean clear(long position, boolean hasParent) throws DiskException {
    Run.Kind kind = lookup(position, 1).kind();
    if (kind == Run.Kind.ZERO || kind == Run.Kind.ABSENT && !hasParent) {
      return true;
    }
    if (kind != Run.Kind.ABSENT || !header.has(SparseHeader.ZEROED_GRAINS)) {
      return false;
    }
    long table = ownTable(header.directoryOffset(), position, tables);
    long second =
        header.hasRedundant() ? ownTable(header.redundantOffset(), position, redundant) : 0;
    point(table, second, position, ZEROED);
    return true;
  }

  @Override
  public VmdkExtent grown(long newLength) throws DiskException {
    clearTail();
    long capacity = newLength / SECTOR;
    SparseHeader larger =
        header.grown(capacity, header.redundantOffset(), header.directoryOffset());
    if (larger.directoryEntries() > header.directoryEntries()) {
      long redundantAt =
          header.hasRedundant()
              ? moveDirectory(header.redundantOffset(), larger)
              : header.redundantOffset();
      larger = larger.grown(capacity, redundantAt, moveDirectory(header.directoryOffset(), larger));
      commit();
    }
    // One sector, so that capacity and directories change together.
    ByteBuffer sector = file.read(0, SECTOR, ByteOrder.LITTLE_ENDIAN);
    sector.putLong(SparseHeader.AT_CAPACITY, capacity);
    sector.putLong(SparseHeader.AT_REDUNDANT, larger.redundantOffset());
    sector.putLong(SparseHeader.AT_DIRECTORY, larger.directoryOffset());
    file.write(sector, 0);
    file.force();
    return new SparseExtent(file, larger, newLength);
  }

  /** What lies behind the old end in its last grain becomes part of the disk. */
  private void clearTail() throws DiskException {
    long in = length % header.grainBytes();
    if (in == 0) {
      return;
    }
    Run run = lookup(length - 1, 1);
    if (run.kind() == Run.Kind.DATA) {
      Bytes.writeZeroes(file, run.offset() + 1, header.grainBytes() - in);
    }
  }

  /** Copies a directory behind everything, with room for more; returns its first sector. */
  private long moveDirectory(long directory, SparseHeader larger) throws DiskException {
    long to = Bytes.roundUp(fileEnd, SECTOR);
    long size = Bytes.roundUp(larger.directoryEntries() * 4, SECTOR);
    directories.fill(to, size, 0);
    for (long i = 0; i < header.directoryEntries(); i++) {
      directories.putInt(to + i * 4, directories.getInt(directory * SECTOR + i * 4));
    }
    fileEnd = to + size;
    return to / SECTOR;
  }

  @Override
  public boolean isFull() {
    return tables.isFull() || directories.isFull();
  }

  @Override
  public void commit() throws DiskException {
    if (file.writable()) {
      file.extend(fileEnd);
    }
    file.force();
    if (redundant.isDirty()) {
      redundant.writeBack();
      file.force();
    }
    if (tables.isDirty()) {
      tables.writeBack();
      file.force();
    }
    if (directories.isDirty()) {
      directories.writeBack();
      file.force();
    }
  }

  @Override
  public List<Storage> files() {
    return List.of(file);
  }

  @Override
  public void check(boolean repair, CheckReport.Builder report) throws DiskException {
    boolean packed = header.has(SparseHeader.COMPRESSED);
    Blocks grains =
        new Blocks(packed ? SECTOR : header.grainBytes(), Math.max(fileEnd, file.size()));
    for (long at = 0; at < length; at += header.tableCoverage()) {
      long table;
      try {
        table = tableAt(header.directoryOffset(), at);
      } catch (DiskException e) {
        report.error(e.offset(), false, "a grain table is past the end of the file");
        continue;
      }
      if (table != 0) {
        checkTable(table, at, grains, report);
      }
      if (header.hasRedundant()) {
        compareTables(table, at, repair, report);
      }
    }
    grains.report(report);
  }

  private void checkTable(long table, long start, Blocks grains, CheckReport.Builder report)
      throws DiskException {
    long end = Math.min(length, start + header.tableCoverage());
    for (long at = start; at < end; at += header.grainBytes()) {
      int entry = tables.getInt(entryAt(table, at));
      if (entry != 0 && !(entry == ZEROED && header.has(SparseHeader.ZEROED_GRAINS))) {
        grains.add((entry & 0xffffffffL) * SECTOR, entryAt(table, at), SECTOR, report);
      }
    }
  }

  /** The second tables are a copy of the first, which are the ones that are read. */
  private void compareTables(long table, long start, boolean repair, CheckReport.Builder report)
      throws DiskException {
    long second;
    try {
      second = tableAt(header.redundantOffset(), start);
    } catch (DiskException e) {
      report.error(e.offset(), false, "a redundant grain table is past the end of the file");
      return;
    }
    if (table == 0 || second == 0) {
      if (table != second) {
        report.error(header.redundantOffset() * SECTOR, false, "the grain directories differ");
      }
      return;
    }
    for (long i = 0; i < header.tableEntries(); i++) {
      int right = tables.getInt(table + i * 4);
      if (redundant.getInt(second + i * 4) == right) {
        continue;
      }
      if (right == 0) {
        // It is written first, so a cut of power may leave it ahead, with a grain that nobody has.
        report.leak(second + i * 4, repair, "the redundant grain table is ahead");
      } else {
        report.error(second + i * 4, repair, "the redundant grain table differs");
      }
      if (repair) {
        redundant.putInt(second + i * 4, right);
      }
    }
  }
}
