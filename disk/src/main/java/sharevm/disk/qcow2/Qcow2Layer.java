package sharevm.disk.qcow2;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.Resizable;
import sharevm.disk.Snapshot;
import sharevm.disk.Snapshots;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.CompressedTarget;
import sharevm.disk.layer.Deflation;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.MappedLayer;
import sharevm.disk.layer.Packer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.layer.Rebasable;
import sharevm.disk.layer.Run;

/**
 * A qcow2 image (QEMU docs/interop/qcow2.txt): L1 table -> L2 tables -> clusters, each counted.
 *
 * <p>What keeps it whole through a cut of power is the order in {@link #commit}: data and counts,
 * then L2 tables, then the L1 table, then the counts of what nothing points at any more.
 */
public final class Qcow2Layer extends MappedLayer
    implements Resizable, Snapshots, CompressedTarget, Rebasable {
  static final long OFFSET_MASK = 0x00fffffffffffe00L;
  static final long COPIED = 1L << 63;
  static final long COMPRESSED = 1L << 62;
  static final long ZERO = 1;
  private static final int MOST_PENDING = 1 << 15;

  final Storage file;
  final Qcow2Header header;
  final Refcounts refcounts;
  final MetaCache l1;
  final MetaCache l2;
  private final Optional<Storage> dataFile;
  private final List<Long> pendingFree = new ArrayList<>();
  private final ExpandedClusters expanded;
  private final Qcow2SnapshotTable snapshotTable;
  private final Qcow2Packer packer;
  private volatile long knownFileSize;
  private long reservedEnd;

  private Qcow2Layer(Storage file, Qcow2Header header, Optional<Storage> dataFile)
      throws DiskException {
    super(file.name(), file.writable());
    this.file = file;
    this.header = header;
    this.dataFile = dataFile;
    this.refcounts = new Refcounts(file, header);
    int page = Math.min(header.clusterSize(), 16384);
    this.l1 = new MetaCache(file, page, (1 << 20) / page, ByteOrder.BIG_ENDIAN);
    this.l2 = new MetaCache(file, page, (8 << 20) / page, ByteOrder.BIG_ENDIAN);
    this.snapshotTable = new Qcow2SnapshotTable(this);
    this.packer = new Qcow2Packer(this);
    this.expanded = new ExpandedClusters(file, header);
    this.knownFileSize = file.size();
  }

  /** True when a file starts as a qcow2 image does. */
  public static boolean matches(ByteBuffer head) {
    return head.limit() >= 8 && head.getInt(0) == Qcow2Header.MAGIC;
  }

  /** Opens an image; one that QEMU left with deferred counts gets them before it is written. */
  public static Qcow2Layer open(Storage file, Storages host) throws DiskException {
    Qcow2Header header = Qcow2Header.read(file);
    Optional<Storage> data = Optional.empty();
    if (header.has(Qcow2Header.EXTERNAL_DATA)) {
      data = Optional.of(openData(file, header, host));
    }
    try {
      Qcow2Layer layer = new Qcow2Layer(file, header, data);
      if (file.writable()) {
        layer.prepareToWrite();
      }
      return layer;
    } catch (DiskException | RuntimeException e) {
      if (data.isPresent()) {
        data.get().close();
      }
      throw e;
    }
  }

  private static Storage openData(Storage file, Qcow2Header header, Storages host)
      throws DiskException {
    if (file.writable()) {
      throw DiskException.unsupported(file.name(), "writing with an external data file");
    }
    String named =
        header.dataFile.orElseThrow(
            () -> DiskException.corrupt(file.name(), 72, "the external data file has no name"));
    Path path = file.path().resolveSibling(named);
    return host.open(path, Mode.READ);
  }

  private void prepareToWrite() throws DiskException {
    if (header.has(Qcow2Header.DIRTY) && !header.has(Qcow2Header.CORRUPT)) {
      new Qcow2Check(this).run(true);
    }
  }

  /** Changes the incompatible feature bits, in memory and at once in the file. */
  void putIncompatible(long bits) throws DiskException {
    header.incompatible = bits;
    putHeaderLong(Qcow2Header.AT_INCOMPATIBLE, bits);
    file.force();
  }

  void putHeaderLong(int at, long value) throws DiskException {
    file.write(Bytes.buffer(8, ByteOrder.BIG_ENDIAN).putLong(0, value), at);
  }

  @Override
  protected void beforeFirstWrite() throws DiskException {
    if (header.has(Qcow2Header.CORRUPT)) {
      throw DiskException.corrupt(
          file.name(),
          Qcow2Header.AT_INCOMPATIBLE,
          "it is marked as corrupt, so it is not written");
    }
    if (header.autoclear != 0) {
      header.autoclear = 0;
      putHeaderLong(Qcow2Header.AT_AUTOCLEAR, 0);
    }
  }

  @Override
  public long size() {
    return header.size;
  }

  @Override
  public long blockSize() {
    return header.clusterSize();
  }

  int entrySize() {
    return header.has(Qcow2Header.EXTENDED_L2) ? 16 : 8;
  }

  private boolean extended() {
    return header.has(Qcow2Header.EXTENDED_L2);
  }

  long l2Entries() {
    return header.clusterSize() / entrySize();
  }

  /** The L2 table of a position, or 0. */
  private long l2Table(long position) throws DiskException {
    long at = header.l1Offset + position / header.l2Coverage() * 8;
    long table = l1.getLong(at) & OFFSET_MASK;
    requireCluster(table, at, "an L2 table");
    return table;
  }

  private long entryAt(long table, long position) {
    return table + (position >>> header.clusterBits) % l2Entries() * entrySize();
  }

  void requireCluster(long offset, long pointer, String what) throws DiskException {
    if (offset % header.clusterSize() != 0) {
      throw DiskException.corrupt(name(), pointer, what + " at " + offset + " is misaligned");
    }
    if (offset >= knownFileSize && isBeyondFile(offset)) {
      throw DiskException.corrupt(
          name(), pointer, what + " at " + offset + " lies past the end of the file");
    }
  }

  /** What lies past the end of the file is an error, but of its own first cluster. */
  private long withinFile(long offset, int in, long length) throws DiskException {
    long last = Bytes.roundDown(offset + in + length - 1, header.clusterSize());
    if (last < knownFileSize || !isBeyondFile(last)) {
      return length;
    }
    return Bytes.roundUp(knownFileSize, header.clusterSize()) - offset - in;
  }

  /** New tables exist in memory before the file grows to them. */
  private boolean isBeyondFile(long offset) throws DiskException {
    knownFileSize = Math.max(file.size(), knownFileSize);
    return offset >= knownFileSize;
  }

  private void grownTo(long offset) {
    knownFileSize = Math.max(knownFileSize, offset);
  }

  @Override
  protected Run lookup(long position, long most) throws DiskException {
    int in = (int) (position & header.clusterSize() - 1);
    long left = Math.min(header.clusterSize() - in, header.size - position);
    long table = l2Table(position);
    if (table == 0) {
      long coverage = header.l2Coverage();
      return Run.absent(Math.min(coverage - position % coverage, header.size - position));
    }
    long at = entryAt(table, position);
    long entry = l2.getLong(at);
    if ((entry & COMPRESSED) != 0) {
      return new Run(Run.Kind.PACKED, left, file, packed(entry).offset(), false);
    }
    long offset = entry & OFFSET_MASK;
    if (extended()) {
      return subclusterRun(new Subclusters(l2.getLong(at + 8)), entry, in, left);
    }
    boolean zero = (entry & ZERO) != 0 && header.version >= 3;
    boolean absent = offset == 0 && (dataFile.isEmpty() || (entry & COPIED) == 0);
    long alike = neighbours(position, in + most, at, zero || absent ? 0 : header.clusterSize());
    left = Math.min((alike << header.clusterBits) - in, header.size - position);
    if (zero) {
      return Run.zero(left);
    }
    return absent ? Run.absent(left) : dataRun(entry, at, in, left);
  }

  /** How many clusters have entries in one table, each by {@code step} more than the one before. */
  private long neighbours(long position, long length, long at, long step) throws DiskException {
    long wanted = Bytes.divideUp(length, header.clusterSize());
    long index = (position >>> header.clusterBits) % l2Entries();
    int most = (int) Math.min(wanted, l2Entries() - index);
    return most == 1 ? 1 : l2.countLongs(at, most, step);
  }

  private Run dataRun(long entry, long at, int in, long length) throws DiskException {
    long offset = entry & OFFSET_MASK;
    if (dataFile.isPresent()) {
      return new Run(Run.Kind.DATA, length, dataFile.get(), offset + in, false);
    }
    requireCluster(offset, at, "a cluster");
    boolean ours = (entry & COPIED) != 0 && writable();
    return new Run(Run.Kind.DATA, withinFile(offset, in, length), file, offset + in, ours);
  }

  private Run subclusterRun(Subclusters parts, long entry, int in, long left) throws DiskException {
    int size = header.clusterSize() / Subclusters.COUNT;
    int first = in / size;
    long length = Math.min(left, (long) parts.endOfRun(first) * size - in);
    return switch (parts.state(first)) {
      case ABSENT -> Run.absent(length);
      case STORED -> {
        if ((entry & OFFSET_MASK) == 0 && dataFile.isEmpty()) {
          throw DiskException.corrupt(name(), 0, "a subcluster is allocated in no cluster");
        }
        yield dataRun(entry, 0, in, length);
      }
      case ZERO -> Run.zero(length);
    };
  }

  PackedCluster packed(long entry) {
    return PackedCluster.of(entry, header.clusterBits);
  }

  @Override
  protected void unpack(ByteBuffer dst, long position, Run run) throws DiskException {
    long entry = l2.getLong(entryAt(l2Table(position), position));
    byte[] cluster = expanded.get(entry, packed(entry));
    int in = (int) (position & header.clusterSize() - 1);
    dst.put(cluster, in, dst.remaining());
  }

  // ---- writing

  /** Allocates a cluster that nothing points at yet. */
  long newCluster() throws DiskException {
    return newClusters(1);
  }

  /** Allocates neighbouring clusters. */
  long newClusters(long count) throws DiskException {
    long offset = refcounts.allocateAll(count) << header.clusterBits;
    grownTo(offset + (count << header.clusterBits));
    return offset;
  }

  /** Gives a cluster back when the tables on stable storage point at it no more. */
  void freeLater(long offset) {
    pendingFree.add(offset);
  }

  void freeEntryLater(long entry) {
    if ((entry & COMPRESSED) != 0) {
      synchronized (expanded) {
        expanded.clear();
      }
      packer.forget();
      long first = packed(entry).offset() >>> header.clusterBits;
      long last = packed(entry).last() >>> header.clusterBits;
      for (long cluster = first; cluster <= last; cluster++) {
        freeLater(cluster << header.clusterBits);
      }
    } else if ((entry & OFFSET_MASK) != 0) {
      freeLater(entry & OFFSET_MASK);
    }
  }

  /** The L2 table of a position, made or copied so that it may be changed. */
  long ownL2Table(long position) throws DiskException {
    long at = header.l1Offset + position / header.l2Coverage() * 8;
    long entry = l1.getLong(at);
    long table = l2Table(position);
    if (table != 0 && (entry & COPIED) != 0) {
      return table;
    }
    long own = newCluster();
    l2.fill(own, header.clusterSize(), 0);
    if (table != 0) {
      ByteBuffer copy = Bytes.buffer(header.clusterSize(), ByteOrder.BIG_ENDIAN);
      l2.get(table, copy);
      l2.put(own, copy.flip());
      freeLater(table);
    }
    l1.putLong(at, own | COPIED);
    return own;
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) throws DiskException {
    int in = (int) (position & header.clusterSize() - 1);
    long whole = in == 0 ? src.remaining() >>> header.clusterBits : 0;
    if (whole > 1) {
      whole = unallocated(position, whole);
    }
    if (whole > 1) {
      storeClusters(src, position, whole);
    } else {
      int part = Math.min(src.remaining(), header.clusterSize() - in);
      storeWithin(Bytes.take(src, part), position, below);
    }
    commitIfFull();
  }

  void commitIfFull() throws DiskException {
    if (l2.isFull() || l1.isFull() || refcounts.isFull() || pendingFree.size() > MOST_PENDING) {
      commit();
    }
  }

  /** How many clusters from a position on have nothing allocated, within one L2 table. */
  private long unallocated(long position, long most) throws DiskException {
    long table = l2Table(position);
    long index = (position >>> header.clusterBits) % l2Entries();
    long limit = Math.min(most, l2Entries() - index);
    long count = 0;
    while (count < limit
        && (table == 0
            || (l2.getLong(table + (index + count) * entrySize()) & (OFFSET_MASK | COMPRESSED))
                == 0)) {
      count++;
    }
    return count;
  }

  private void storeClusters(ByteBuffer src, long position, long count) throws DiskException {
    long at = entryAt(ownL2Table(position), position);
    Refcounts.Clusters got = refcounts.allocate(count);
    long offset = got.first() << header.clusterBits;
    long length = got.count() << header.clusterBits;
    grownTo(offset + length);
    file.write(Bytes.take(src, (int) length), offset);
    for (long i = 0; i < got.count(); i++) {
      putEntry(
          at + i * entrySize(),
          offset + (i << header.clusterBits) | COPIED,
          Subclusters.ALL_STORED);
    }
  }

  @Override
  protected long makeRoom(long position, long length) throws DiskException {
    long first = position >>> header.clusterBits;
    long wanted = Bytes.divideUp(position + length, header.clusterSize()) - first;
    long count = unallocated(position, wanted);
    if (count == 0) {
      return 0;
    }
    long at = entryAt(ownL2Table(position), position);
    Refcounts.Clusters got = refcounts.allocate(count);
    long offset = got.first() << header.clusterBits;
    long end = offset + (got.count() << header.clusterBits);
    // Clusters that were free before may hold anything.
    Bytes.writeZeroes(file, offset, Math.max(0, Math.min(end, knownFileSize) - offset));
    grownTo(end);
    reservedEnd = Math.max(reservedEnd, end);
    for (long i = 0; i < got.count(); i++) {
      putEntry(
          at + i * entrySize(),
          offset + (i << header.clusterBits) | COPIED,
          Subclusters.ALL_STORED);
    }
    commitIfFull();
    return (first + got.count() << header.clusterBits) - position;
  }

  void putEntry(long at, long entry, Subclusters parts) throws DiskException {
    l2.putLong(at, entry);
    if (extended()) {
      l2.putLong(at + 8, parts.bitmap());
    }
  }

  private void storeWithin(ByteBuffer src, long position, Below below) throws DiskException {
    long at = entryAt(ownL2Table(position), position);
    long entry = l2.getLong(at);
    int in = (int) (position & header.clusterSize() - 1);
    boolean packed = (entry & COMPRESSED) != 0;
    boolean ours = !packed && (entry & OFFSET_MASK) != 0 && (entry & COPIED) != 0;
    boolean nothing = !packed && (entry & OFFSET_MASK) == 0;
    boolean inParts = extended() && (ours || nothing);
    int unit = header.clusterSize() / (inParts ? Subclusters.COUNT : 1);
    int from = in / unit * unit;
    int to = (int) Bytes.roundUp(in + src.remaining(), unit);
    ByteBuffer block = whole(src, position, unit, below);
    long offset = ours ? entry & OFFSET_MASK : newCluster();
    requireCluster(offset, at, "a cluster");
    file.write(block, offset + from);
    Subclusters parts = Subclusters.ALL_STORED;
    if (inParts) {
      parts = new Subclusters(l2.getLong(at + 8)).withStored(from / unit, to / unit);
    }
    if (!ours) {
      freeEntryLater(entry);
    }
    putEntry(at, offset | COPIED, parts);
  }

  @Override
  protected long clear(long position, long length, Below below) throws DiskException {
    int size = header.clusterSize();
    long covered = Math.min(size, header.size - position);
    boolean mark = parent().isPresent();
    if ((position & size - 1) != 0 || length < covered || mark && header.version < 3) {
      return 0;
    }
    long at = entryAt(ownL2Table(position), position);
    freeEntryLater(l2.getLong(at));
    if (extended()) {
      putEntry(at, 0, mark ? Subclusters.ALL_ZERO : Subclusters.NONE);
    } else {
      putEntry(at, mark ? ZERO : 0, Subclusters.NONE);
    }
    commitIfFull();
    return covered;
  }

  @Override
  public void commit() throws DiskException {
    if (reservedEnd > 0) {
      file.extend(reservedEnd);
      reservedEnd = 0;
    }
    boolean counts = refcounts.isDirty();
    refcounts.writeBack();
    file.force();
    if (l2.isDirty()) {
      l2.writeBack();
      file.force();
    }
    if (l1.isDirty()) {
      l1.writeBack();
      file.force();
    }
    if (!pendingFree.isEmpty()) {
      for (long offset : pendingFree) {
        free(offset >>> header.clusterBits);
      }
      pendingFree.clear();
      refcounts.writeBack();
      counts = true;
    }
    knownFileSize = Math.max(knownFileSize, counts ? file.size() : 0);
  }

  private void free(long cluster) throws DiskException {
    refcounts.add(cluster, -1);
    if (refcounts.get(cluster) == 0) {
      l2.forget(cluster << header.clusterBits, header.clusterSize());
      l1.forget(cluster << header.clusterBits, header.clusterSize());
    }
  }

  // ---- what else it can do

  @Override
  public int packedUnit() {
    return header.clusterSize();
  }

  @Override
  public Packer packer() {
    return header.zstd
        ? new ZstdPacker(header.clusterSize())
        : Deflation.orNothing(header.clusterSize());
  }

  @Override
  public void storePacked(long position, byte[] packed) throws DiskException {
    touch();
    alone().lock();
    try {
      packer.store(position, packed);
    } finally {
      alone().unlock();
    }
  }

  @Override
  public void resize(long newSize) throws DiskException {
    if (newSize % 512 != 0 || newSize < 0) {
      throw DiskException.invalid(name(), "the size must be a multiple of 512");
    }
    touch();
    alone().lock();
    try {
      new Qcow2Resizer(this).resize(newSize);
    } finally {
      alone().unlock();
    }
  }

  /** For the resizer: clears a cluster that is about to leave the disk or comes back to it. */
  void clearTail(long position) throws DiskException {
    int in = (int) (position & header.clusterSize() - 1);
    if (in != 0 && l2Table(position) != 0) {
      Run run = lookup(position - 1, 1);
      if (run.kind() != Run.Kind.ZERO && run.kind() != Run.Kind.ABSENT) {
        long end = position - in + header.clusterSize();
        for (long at = position; at < end; ) {
          ByteBuffer zeroes = Bytes.zeroes(end - at);
          at += zeroes.remaining();
          writeZeroPart(zeroes, at - zeroes.remaining());
        }
      }
    }
  }

  private void writeZeroPart(ByteBuffer zeroes, long position) throws DiskException {
    Run run = lookup(position, 1);
    if (run.kind() == Run.Kind.DATA && run.writable()) {
      file.write(zeroes, run.offset());
    } else if (run.kind() == Run.Kind.PACKED || run.kind() == Run.Kind.DATA) {
      storeWithin(zeroes, position, Below.nothing());
    }
  }

  long clearWhole(long position) throws DiskException {
    return clear(position, header.clusterSize(), Below.nothing());
  }

  @Override
  public List<Snapshot> snapshots() throws DiskException {
    shared().lock();
    try {
      return snapshotTable.list();
    } finally {
      shared().unlock();
    }
  }

  @Override
  public Snapshot takeSnapshot(String snapshotName) throws DiskException {
    touch();
    alone().lock();
    try {
      return snapshotTable.take(snapshotName);
    } finally {
      alone().unlock();
    }
  }

  @Override
  public void applySnapshot(String idOrName) throws DiskException {
    touch();
    alone().lock();
    try {
      snapshotTable.apply(idOrName);
    } finally {
      alone().unlock();
    }
  }

  @Override
  public void deleteSnapshot(String idOrName) throws DiskException {
    touch();
    alone().lock();
    try {
      snapshotTable.delete(idOrName);
    } finally {
      alone().unlock();
    }
  }

  void forgetExpanded() {
    expanded.clear();
  }

  Qcow2SnapshotTable snapshotTable() {
    return snapshotTable;
  }

  @Override
  public Optional<ParentLink> parent() {
    if (header.backingFile.isEmpty()) {
      return Optional.empty();
    }
    String plain = header.backingFile.replaceFirst("^file:(//)?", "");
    List<Path> candidates =
        new ArrayList<>(new LinkedHashSet<>(List.of(file.path().resolveSibling(plain))));
    return Optional.of(
        new ParentLink(header.backingFile, candidates, header.backingFormat, _ -> {}));
  }

  @Override
  public void changeParent(String named, String format, sharevm.disk.layer.Layer parent)
      throws DiskException {
    alone().lock();
    try {
      commit();
      header.backingFile = named;
      header.backingFormat = format;
      ByteBuffer cluster = header.toCluster();
      if (header.dataFile.isPresent() || header.bitmapDirectorySize > 0 && header.autoclear != 0) {
        throw DiskException.unsupported(name(), "rebasing an image with bitmaps");
      }
      file.write(cluster, 0);
      file.force();
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("version", Integer.toString(header.version));
    facts.put("compression", header.zstd ? "zstd" : "zlib");
    facts.put("refcount bits", Integer.toString(1 << header.refcountOrder));
    facts.put("lazy refcounts", Boolean.toString((header.compatible & 1) != 0));
    facts.put("extended L2", Boolean.toString(extended()));
    header.dataFile.ifPresent(named -> facts.put("data file", named));
    List<String> odd = new ArrayList<>();
    if (header.has(Qcow2Header.DIRTY)) {
      odd.add("It was not closed properly; its reference counts are repaired when it is written.");
    }
    if (header.has(Qcow2Header.CORRUPT)) {
      odd.add("It is marked as corrupt; 'sharevm disk check' says more.");
    }
    if (!header.backingFile.isEmpty() && header.backingFormat.isEmpty()) {
      odd.add("It does not say its parent's format, so the parent's content decides.");
    }
    return new LayerInfo("version " + header.version, facts, odd);
  }

  @Override
  public List<Storage> files() {
    List<Storage> all = new ArrayList<>(List.of(file));
    dataFile.ifPresent(all::add);
    return all;
  }

  @Override
  public CheckReport check(boolean repair) throws DiskException {
    alone().lock();
    try {
      return new Qcow2Check(this).run(repair);
    } finally {
      alone().unlock();
    }
  }

  @Override
  protected void release() throws DiskException {
    file.close();
    if (dataFile.isPresent()) {
      dataFile.get().close();
    }
  }
}
