package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Snapshot;
import sharevm.disk.io.Bytes;

/**
 * Internal snapshots (qcow2.txt, "Snapshots"): a snapshot is a copy of the L1 table whose clusters
 * are counted once more. Each operation first raises counts, then points the header at the new
 * tables, then lowers counts; a cut of power in between loses space only. Counts and the flags that
 * repeat them cannot change at once, so the image is marked as dirty meanwhile: whoever opens it
 * for writing after a cut makes them agree first.
 */
final class Qcow2SnapshotTable {
  private static final int FIXED = 40;
  private static final int EXTRA = 16;
  private static final int MOST_EXTRA = 1024;
  private static final long MOST_TABLE = 16 << 20;

  private final Qcow2Layer layer;
  private final Qcow2Header header;

  Qcow2SnapshotTable(Qcow2Layer layer) {
    this.layer = layer;
    this.header = layer.header;
  }

  /** One entry: what the table says, and the bytes that this library gives no meaning to. */
  record Entry(long l1Offset, int l1Size, Snapshot snapshot, long vmClock, byte[] moreExtra) {}

  List<Snapshot> list() throws DiskException {
    return read().stream().map(Entry::snapshot).toList();
  }

  List<Entry> read() throws DiskException {
    List<Entry> entries = new ArrayList<>();
    long at = header.snapshotsOffset;
    for (int i = 0; i < header.snapshotCount; i++) {
      ByteBuffer fixed = layer.file.read(at, FIXED, ByteOrder.BIG_ENDIAN);
      int extra = fixed.getInt(36);
      int idLength = fixed.getShort(12) & 0xffff;
      int nameLength = fixed.getShort(14) & 0xffff;
      if (extra < 0 || extra > MOST_EXTRA || at - header.snapshotsOffset > MOST_TABLE) {
        throw DiskException.corrupt(layer.file.name(), at, "a snapshot's entry is absurdly large");
      }
      ByteBuffer rest =
          layer.file.read(at + FIXED, extra + idLength + nameLength, ByteOrder.BIG_ENDIAN);
      entries.add(entry(fixed, rest, extra, idLength, at));
      at = Bytes.roundUp(at + FIXED + extra + idLength + nameLength, 8);
    }
    return entries;
  }

  private Entry entry(ByteBuffer fixed, ByteBuffer rest, int extra, int idLength, long at)
      throws DiskException {
    long l1Offset = fixed.getLong(0);
    int l1Size = fixed.getInt(8);
    if (l1Size < 0 || l1Size * 8L > Qcow2Header.MOST_L1_BYTES) {
      throw DiskException.corrupt(layer.file.name(), at, "a snapshot's L1 table is absurdly large");
    }
    layer.requireCluster(l1Offset, at, "a snapshot's L1 table");
    long state = extra >= 8 ? rest.getLong(0) : fixed.getInt(32) & 0xffffffffL;
    long diskSize = extra >= 16 ? rest.getLong(8) : header.size;
    byte[] all = new byte[rest.remaining()];
    rest.get(0, all);
    String id = new String(all, extra, idLength, StandardCharsets.UTF_8);
    String name =
        new String(all, extra + idLength, all.length - extra - idLength, StandardCharsets.UTF_8);
    byte[] more = extra > EXTRA ? java.util.Arrays.copyOfRange(all, EXTRA, extra) : new byte[0];
    Instant taken =
        Instant.ofEpochSecond(fixed.getInt(16) & 0xffffffffL, fixed.getInt(20) & 0xffffffffL);
    return new Entry(
        l1Offset, l1Size, new Snapshot(id, name, taken, diskSize, state), fixed.getLong(24), more);
  }

  Snapshot take(String name) throws DiskException {
    layer.commit();
    setDirty(true);
    Snapshot made = add(name);
    layer.commit();
    setDirty(false);
    return made;
  }

  private Snapshot add(String name) throws DiskException {
    List<Entry> entries = read();
    long id = 1;
    for (Entry entry : entries) {
      if (entry.snapshot().id().matches("\\d{1,9}")) {
        id = Math.max(id, Long.parseLong(entry.snapshot().id()) + 1);
      }
    }
    countTree(header.l1Offset, header.l1Size, 1);
    updateFlags();
    long clusters = Math.max(1, Bytes.divideUp(header.l1Size * 8L, header.clusterSize()));
    long copy = layer.newClusters(clusters);
    layer.l1.fill(copy, clusters * header.clusterSize(), 0);
    for (int i = 0; i < header.l1Size; i++) {
      long entry = layer.l1.getLong(header.l1Offset + i * 8L);
      layer.l1.putLong(copy + i * 8L, entry & ~Qcow2Layer.COPIED);
    }
    layer.commit();
    Instant now = Instant.now();
    Snapshot made = new Snapshot(Long.toString(id), name, now, header.size, 0);
    entries.add(new Entry(copy, header.l1Size, made, 0, new byte[0]));
    write(entries);
    return made;
  }

  void apply(String idOrName) throws DiskException {
    layer.commit();
    Entry chosen = find(read(), idOrName);
    setDirty(true);
    goBackTo(chosen);
    layer.commit();
    setDirty(false);
  }

  private void goBackTo(Entry chosen) throws DiskException {
    countTree(chosen.l1Offset(), chosen.l1Size(), 1);
    long entriesNeeded =
        Math.max(
            chosen.l1Size(), Bytes.divideUp(chosen.snapshot().diskSize(), header.l2Coverage()));
    long clusters = Math.max(1, Bytes.divideUp(entriesNeeded * 8, header.clusterSize()));
    long copy = layer.newClusters(clusters);
    layer.l1.fill(copy, clusters * header.clusterSize(), 0);
    for (int i = 0; i < chosen.l1Size(); i++) {
      long entry = layer.l1.getLong(chosen.l1Offset() + i * 8L);
      layer.l1.putLong(copy + i * 8L, entry & ~Qcow2Layer.COPIED);
    }
    layer.commit();
    long oldL1 = header.l1Offset;
    int oldSize = header.l1Size;
    header.l1Offset = copy;
    header.l1Size = (int) entriesNeeded;
    header.size = chosen.snapshot().diskSize();
    Qcow2Resizer.putSizeAndTable(layer);
    dropTree(oldL1, oldSize);
  }

  void delete(String idOrName) throws DiskException {
    layer.commit();
    List<Entry> entries = read();
    Entry chosen = find(entries, idOrName);
    setDirty(true);
    entries.remove(chosen);
    write(entries);
    dropTree(chosen.l1Offset(), chosen.l1Size());
    setDirty(false);
  }

  /** Version 2 has no such mark. */
  private void setDirty(boolean dirty) throws DiskException {
    if (header.version >= 3) {
      long others = header.incompatible & ~Qcow2Header.DIRTY;
      layer.putIncompatible(dirty ? others | Qcow2Header.DIRTY : others);
    }
  }

  private void dropTree(long l1Offset, int l1Size) throws DiskException {
    countTree(l1Offset, l1Size, -1);
    long clusters = Bytes.divideUp(l1Size * 8L, header.clusterSize());
    for (long i = 0; i < clusters; i++) {
      layer.freeLater(l1Offset + i * header.clusterSize());
    }
    layer.forgetExpanded();
    layer.commit();
    updateFlags();
    layer.commit();
  }

  private Entry find(List<Entry> entries, String idOrName) throws DiskException {
    for (boolean byName : new boolean[] {false, true}) {
      for (Entry entry : entries) {
        String key = byName ? entry.snapshot().name() : entry.snapshot().id();
        if (key.equals(idOrName)) {
          return entry;
        }
      }
    }
    throw new DiskException(
        Kind.NOT_FOUND,
        layer.file.name(),
        DiskException.NO_OFFSET,
        "no snapshot '" + idOrName + "'",
        "'sharevm disk info' lists them");
  }

  /** Counts all that an L1 table reaches once more, or once less when nothing points at it. */
  private void countTree(long l1Offset, int l1Size, int delta) throws DiskException {
    for (int i = 0; i < l1Size; i++) {
      long at = l1Offset + i * 8L;
      long table = layer.l1.getLong(at) & Qcow2Layer.OFFSET_MASK;
      if (table == 0) {
        continue;
      }
      layer.requireCluster(table, at, "an L2 table");
      for (long index = 0; index < layer.l2Entries(); index++) {
        countEntry(layer.l2.getLong(table + index * layer.entrySize()), delta);
      }
      count(table, delta);
    }
  }

  private void countEntry(long entry, int delta) throws DiskException {
    if (delta < 0) {
      layer.freeEntryLater(entry);
    } else if ((entry & Qcow2Layer.COMPRESSED) != 0) {
      long from = layer.packed(entry).offset() >>> header.clusterBits;
      long to = layer.packed(entry).last() >>> header.clusterBits;
      for (long cluster = from; cluster <= to; cluster++) {
        count(cluster << header.clusterBits, 1);
      }
    } else if ((entry & Qcow2Layer.OFFSET_MASK) != 0) {
      count(entry & Qcow2Layer.OFFSET_MASK, 1);
    }
  }

  private void count(long offset, int delta) throws DiskException {
    if (delta < 0) {
      layer.freeLater(offset);
    } else {
      layer.refcounts.add(offset >>> header.clusterBits, 1);
    }
    layer.commitIfFull();
  }

  /** Sets the copied flag of the active tables where, and only where, a count is one. */
  void updateFlags() throws DiskException {
    for (int i = 0; i < header.l1Size; i++) {
      long at = header.l1Offset + i * 8L;
      long entry = layer.l1.getLong(at);
      long table = entry & Qcow2Layer.OFFSET_MASK;
      if (table == 0) {
        continue;
      }
      long right = flagged(entry, table);
      if (right != entry) {
        layer.l1.putLong(at, right);
      }
      for (long index = 0; index < layer.l2Entries(); index++) {
        long entryAt = table + index * layer.entrySize();
        long cluster = layer.l2.getLong(entryAt);
        long offset = cluster & Qcow2Layer.OFFSET_MASK;
        if ((cluster & Qcow2Layer.COMPRESSED) == 0 && offset != 0) {
          long wanted = flagged(cluster, offset);
          if (wanted != cluster) {
            layer.l2.putLong(entryAt, wanted);
          }
        }
      }
      layer.commitIfFull();
    }
  }

  private long flagged(long entry, long offset) throws DiskException {
    boolean single = layer.refcounts.get(offset >>> header.clusterBits) == 1;
    return single ? entry | Qcow2Layer.COPIED : entry & ~Qcow2Layer.COPIED;
  }

  private void write(List<Entry> entries) throws DiskException {
    long oldOffset = header.snapshotsOffset;
    long oldLength = tableLength();
    long newOffset = 0;
    if (!entries.isEmpty()) {
      ByteBuffer table = encode(entries);
      newOffset = layer.newClusters(Bytes.divideUp(table.remaining(), header.clusterSize()));
      layer.commit();
      layer.file.write(table, newOffset);
      layer.file.force();
    }
    ByteBuffer fields = Bytes.buffer(12, ByteOrder.BIG_ENDIAN);
    fields.putInt(entries.size()).putLong(newOffset);
    layer.file.write(fields.flip(), Qcow2Header.AT_SNAPSHOTS);
    layer.file.force();
    header.snapshotCount = entries.size();
    header.snapshotsOffset = newOffset;
    for (long at = 0; at < oldLength; at += header.clusterSize()) {
      layer.freeLater(oldOffset + at);
    }
    layer.commit();
  }

  /** How many bytes the present table takes. */
  long tableLength() throws DiskException {
    long at = header.snapshotsOffset;
    for (int i = 0; i < header.snapshotCount; i++) {
      ByteBuffer fixed = layer.file.read(at, FIXED, ByteOrder.BIG_ENDIAN);
      long length =
          FIXED
              + (fixed.getInt(36) & 0xffffffffL)
              + (fixed.getShort(12) & 0xffff)
              + (fixed.getShort(14) & 0xffff);
      at = Bytes.roundUp(at + length, 8);
    }
    return at - header.snapshotsOffset;
  }

  private ByteBuffer encode(List<Entry> entries) {
    int most = 0;
    for (Entry entry : entries) {
      most +=
          FIXED
              + EXTRA
              + entry.moreExtra().length
              + 8
              + 4 * (entry.snapshot().name().length() + entry.snapshot().id().length());
    }
    ByteBuffer out = Bytes.buffer(most, ByteOrder.BIG_ENDIAN);
    for (Entry entry : entries) {
      Snapshot snapshot = entry.snapshot();
      byte[] id = snapshot.id().getBytes(StandardCharsets.UTF_8);
      byte[] name = snapshot.name().getBytes(StandardCharsets.UTF_8);
      out.putLong(entry.l1Offset()).putInt(entry.l1Size());
      out.putShort((short) id.length).putShort((short) name.length);
      Instant taken = snapshot.taken();
      out.putInt((int) taken.getEpochSecond()).putInt(taken.getNano());
      out.putLong(entry.vmClock()).putInt((int) Math.min(snapshot.stateSize(), 0xffffffffL));
      out.putInt(EXTRA + entry.moreExtra().length);
      out.putLong(snapshot.stateSize()).putLong(snapshot.diskSize()).put(entry.moreExtra());
      out.put(id).put(name);
      out.position((int) Bytes.roundUp(out.position(), 8));
    }
    return out.flip();
  }
}
