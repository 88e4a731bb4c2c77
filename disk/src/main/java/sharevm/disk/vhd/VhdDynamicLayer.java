package sharevm.disk.vhd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.Blocks;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.MappedLayer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.layer.ParentPaths;
import sharevm.disk.layer.Rebasable;
import sharevm.disk.layer.Run;

/**
 * A dynamic or differencing VHD: a table of blocks, each with a bitmap of its sectors before it.
 *
 * <p>A new block takes the footer's place when a new footer stands behind it; bitmaps and table
 * follow on {@link #commit}, the data first.
 */
final class VhdDynamicLayer extends MappedLayer implements VhdLayer, Resizable, Rebasable {
  private static final int SECTOR = 512;

  /**
   * Written in whole bytes of the bitmap, filled from the parent: libvhdi 20210425 reads the unset
   * sectors of a byte with set ones as zeroes.
   */
  private static final int BITMAP_BYTE = 8 * SECTOR;

  private static final int UNUSED = -1;

  private final Storage file;
  private final MetaCache table;
  private final MetaCache bitmaps;
  private final int blockSize;
  private final int bitmapSize;
  private VhdHeader header;
  private VhdFooter footer;
  private volatile long size;
  private volatile long dataEnd;
  private boolean footed;
  private final List<String> oddities = new ArrayList<>();

  VhdDynamicLayer(Storage file, VhdFooter footer) throws DiskException {
    super(file.name(), file.writable());
    this.file = file;
    this.footer = footer;
    this.header = VhdHeader.read(file, footer.dataOffset());
    this.blockSize = header.blockSize();
    this.bitmapSize = (int) Bytes.roundUp(Math.max(1, blockSize / SECTOR / 8), SECTOR);
    this.table = new MetaCache(file, 4096, 256, ByteOrder.BIG_ENDIAN);
    this.bitmaps = new MetaCache(file, SECTOR, 4096, ByteOrder.BIG_ENDIAN);
    if (Bytes.divideUp(footer.size(), blockSize) > header.maxTableEntries()) {
      throw DiskException.corrupt(
          file.name(), footer.dataOffset() + 28, "the allocation table is too small for the disk");
    }
    if (file.writable()) {
      findEnd();
    }
  }

  private long blocks() {
    return Bytes.divideUp(footer.size(), blockSize);
  }

  /** Where the next block goes: on the footer, which is behind everything else. */
  private void findEnd() throws DiskException {
    long length = file.size();
    long end = Math.max(header.tableOffset() + header.maxTableEntries() * 4L, 1536);
    for (VhdHeader.Locator locator : header.locators()) {
      long from = locator.offset();
      if (from > 0 && from < length) {
        end = Math.max(end, from + Math.max(locator.length(), 0));
      }
    }
    for (long block = 0; block < blocks(); block++) {
      int sector = table.getInt(header.tableOffset() + block * 4);
      if (sector != UNUSED) {
        end = Math.max(end, (sector & 0xffffffffL) * SECTOR + bitmapSize + blockSize);
      }
    }
    long tail = length - VhdFooter.SIZE;
    footed = tail % SECTOR == 0 && tail >= end && isFooter(tail);
    dataEnd = footed ? tail : Bytes.roundUp(Math.max(end, length), SECTOR);
  }

  /**
   * A cut of power may have left none at the end, where most readers look, or another one at the
   * start than at the end.
   */
  @Override
  protected void beforeFirstWrite() throws DiskException {
    if (!footed) {
      file.write(footer.toBytes(), dataEnd);
      file.force();
    }
    ByteBuffer copy = file.read(0, VhdFooter.SIZE, ByteOrder.BIG_ENDIAN);
    if (!copy.equals(footer.toBytes())) {
      file.write(footer.toBytes(), 0);
      file.force();
    }
  }

  private boolean isFooter(long offset) throws DiskException {
    return file.read(offset, 8, ByteOrder.BIG_ENDIAN).getLong(0) == VhdFooter.COOKIE;
  }

  @Override
  public VhdFooter footer() {
    return footer;
  }

  @Override
  public long size() {
    return footer.size();
  }

  @Override
  public long blockSize() {
    return blockSize;
  }

  /** Where a block's bitmap starts, or -1. */
  private long blockAt(long position) throws DiskException {
    long at = header.tableOffset() + position / blockSize * 4;
    int sector = table.getInt(at);
    if (sector == UNUSED) {
      return -1;
    }
    long offset = (sector & 0xffffffffL) * SECTOR;
    if (offset < 1536 || offset + bitmapSize > Math.max(dataEnd, knownSize())) {
      throw DiskException.corrupt(name(), at, "a block at " + offset + " is outside the file");
    }
    return offset;
  }

  private long knownSize() throws DiskException {
    if (size == 0) {
      size = file.size();
    }
    return size;
  }

  @Override
  protected Run lookup(long position, long most) throws DiskException {
    long in = position % blockSize;
    long left = Math.min(Math.min(blockSize - in, size() - position), most);
    long block = blockAt(position);
    if (block < 0) {
      return Run.absent(Math.min(blockSize - in, size() - position));
    }
    long sector = in / SECTOR;
    boolean present = isPresent(block, sector);
    long next = sector;
    long end = Bytes.divideUp(in + left, SECTOR);
    int full = present ? 0xff : 0;
    while (next < end) {
      if (next % 8 == 0 && bitmaps.getByte(block + next / 8) == full) {
        long bytes = Bytes.divideUp(end - next, 8);
        next += 8L * bitmaps.countBytes(block + next / 8, (int) bytes, full);
      } else if (isPresent(block, next) == present) {
        next++;
      } else {
        break;
      }
    }
    long length = Math.min(left, next * SECTOR - in);
    return present ? Run.data(file, block + bitmapSize + in, length) : Run.absent(length);
  }

  /** The first sector is the most significant bit ("Data Blocks"). */
  private boolean isPresent(long block, long sector) throws DiskException {
    return (bitmaps.getByte(block + sector / 8) >> 7 - sector % 8 & 1) != 0;
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) throws DiskException {
    int in = (int) (position % blockSize);
    ByteBuffer part = Bytes.take(src, Math.min(src.remaining(), blockSize - in));
    int unit = Math.min(blockSize, BITMAP_BYTE);
    ByteBuffer sectors = whole(part, position, unit, below);
    int first = in / unit * unit / SECTOR;
    int count = sectors.remaining() / SECTOR;
    long block = blockAt(position);
    if (block < 0) {
      block = allocate(position);
    }
    file.write(sectors, block + bitmapSize + (long) first * SECTOR);
    for (int sector = first; sector < first + count; ) {
      if (sector % 8 == 0 && sector + 8 <= first + count) {
        bitmaps.putByte(block + sector / 8, 0xff);
        sector += 8;
      } else {
        int bits = bitmaps.getByte(block + sector / 8);
        bitmaps.putByte(block + sector / 8, bits | 0x80 >> sector % 8);
        sector++;
      }
    }
    commitIfFull();
  }

  @Override
  protected long makeRoom(long position, long length) throws DiskException {
    if (blockAt(position) >= 0) {
      return 0;
    }
    allocate(position);
    commitIfFull();
    return blockSize - position % blockSize;
  }

  private void commitIfFull() throws DiskException {
    if (table.isFull() || bitmaps.isFull()) {
      commit();
    }
  }

  private long allocate(long position) throws DiskException {
    long block = dataEnd;
    long end = block + bitmapSize + blockSize;
    if (block / SECTOR > 0xfffffffeL) {
      throw new DiskException(Kind.NO_SPACE, name(), "the format cannot address more");
    }
    file.write(footer.toBytes(), end);
    bitmaps.fill(block, bitmapSize, 0);
    if (parent().isEmpty()) {
      // Readers that do not look at the bitmap of a dynamic disk must agree with those that do.
      bitmaps.fill(block, Math.max(1, blockSize / SECTOR / 8), 0xff);
    }
    clearOldFooter(block);
    table.putInt(header.tableOffset() + position / blockSize * 4, (int) (block / SECTOR));
    dataEnd = end;
    size = end;
    return block;
  }

  /** The bitmap takes the footer's first sector; a bitmap of one sector covers it. */
  private void clearOldFooter(long block) throws DiskException {
    if (bitmapSize < VhdFooter.SIZE) {
      file.write(Bytes.zeroes(VhdFooter.SIZE - bitmapSize), block + bitmapSize);
    }
  }

  @Override
  protected long clear(long position, long length, Below below) {
    return 0;
  }

  @Override
  protected void commit() throws DiskException {
    file.force();
    if (bitmaps.isDirty()) {
      bitmaps.writeBack();
      file.force();
    }
    if (table.isDirty()) {
      table.writeBack();
      file.force();
    }
  }

  @Override
  public void resize(long newSize) throws DiskException {
    VhdCreator.requireSize(name(), newSize);
    if (newSize < size()) {
      throw notSmaller();
    }
    touch();
    alone().lock();
    try {
      commit();
      long entries = Bytes.divideUp(newSize, blockSize);
      if (entries > header.maxTableEntries()) {
        moveTable((int) entries);
      }
      footer = footer.resized(newSize);
      writeFooters();
    } finally {
      alone().unlock();
    }
  }

  private void writeFooters() throws DiskException {
    file.write(footer.toBytes(), 0);
    file.force();
    file.write(footer.toBytes(), dataEnd);
    file.force();
  }

  /** Puts a longer table behind everything, then points the header's first sector at it. */
  private void moveTable(int entries) throws DiskException {
    long to = dataEnd;
    long length = Bytes.roundUp(entries * 4L, SECTOR);
    file.write(footer.toBytes(), to + length);
    table.fill(to, length, 0xff);
    for (long i = 0; i < header.maxTableEntries(); i++) {
      table.putInt(to + i * 4, table.getInt(header.tableOffset() + i * 4));
      if (table.isFull()) {
        table.writeBack();
      }
    }
    table.writeBack();
    file.force();
    header = header.withTable(to, entries);
    file.write(header.toBytes(), footer.dataOffset());
    dataEnd = to + length;
    size = dataEnd;
    file.force();
  }

  @Override
  public Optional<ParentLink> parent() {
    if (footer.type() != VhdFooter.DIFFERENCING) {
      return Optional.empty();
    }
    Set<Path> candidates = new LinkedHashSet<>();
    List<String> names = new ArrayList<>();
    for (int platform : new int[] {VhdHeader.W2RU, VhdHeader.MACX, VhdHeader.W2KU}) {
      for (VhdHeader.Locator locator : header.locators()) {
        if (locator.platform() == platform) {
          try {
            names.add(VhdHeader.path(file, locator));
          } catch (DiskException _) {
            // Another locator, or the name in the header, may still lead to the parent.
          }
        }
      }
    }
    names.add(header.parentName());
    names.removeIf(String::isEmpty);
    ParentPaths.addCandidates(candidates, file.path(), names);
    String named = names.isEmpty() ? "" : names.getFirst();
    return Optional.of(new ParentLink(named, List.copyOf(candidates), "", this::checkParent));
  }

  private void checkParent(Layer parent) throws DiskException {
    if (!(parent instanceof VhdLayer vhd)
        || !vhd.footer().uniqueId().equals(header.parentUniqueId())) {
      throw new DiskException(
          Kind.PARENT_CHANGED,
          name(),
          footer.dataOffset() + 40,
          "its parent " + parent.files().getFirst().name() + " is not the disk it was made from",
          "find the right one, or accept this one with 'sharevm disk rebase --unsafe'");
    }
    int changed = VhdCreator.modified(parent.files().getFirst().path());
    if (changed != header.parentTimeStamp()) {
      oddities.add("Its parent's file has another modification time than when this was made.");
    }
  }

  @Override
  public void changeParent(String named, String format, Layer parent) throws DiskException {
    if (!(parent instanceof VhdLayer vhd)) {
      throw DiskException.invalid(name(), "the parent of a VHD must be a VHD");
    }
    alone().lock();
    try {
      commit();
      Path path = parent.files().getFirst().path();
      byte[] relative = VhdCreator.relativeName(file.path(), path);
      byte[] absolute = VhdCreator.absoluteName(path);
      long space = Bytes.roundUp(Math.max(relative.length, absolute.length), SECTOR);
      long at = dataEnd;
      file.write(footer.toBytes(), at + 2 * space);
      file.write(ByteBuffer.wrap(absolute), at + space);
      file.write(Bytes.zeroes(space), at);
      file.write(ByteBuffer.wrap(relative), at);
      file.force();
      dataEnd = at + 2 * space;
      size = dataEnd;
      header =
          new VhdHeader(
              header.tableOffset(),
              header.maxTableEntries(),
              blockSize,
              vhd.footer().uniqueId(),
              VhdCreator.modified(path),
              path.getFileName().toString(),
              VhdCreator.locators(at, (int) space, relative.length, absolute.length));
      file.write(header.toBytes(), footer.dataOffset());
      file.force();
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() {
    String variant = footer.type() == VhdFooter.DIFFERENCING ? "differencing" : "dynamic";
    return VhdInfo.of(footer, variant, oddities);
  }

  @Override
  public List<Storage> files() {
    return List.of(file);
  }

  @Override
  public CheckReport check(boolean repair) throws DiskException {
    CheckReport.Builder report = new CheckReport.Builder();
    alone().lock();
    try {
      Blocks blocks = new Blocks((long) bitmapSize + blockSize, file.size());
      for (long block = 0; block < blocks(); block++) {
        long at = header.tableOffset() + block * 4;
        int sector = table.getInt(at);
        if (sector != UNUSED) {
          blocks.add((sector & 0xffffffffL) * SECTOR, at, 1536, report);
        }
      }
      blocks.report(report);
      checkFooters(repair, report);
    } finally {
      alone().unlock();
    }
    return report.build();
  }

  private void checkFooters(boolean repair, CheckReport.Builder report) throws DiskException {
    long tail = file.size() - VhdFooter.SIZE;
    for (long at : new long[] {0, tail}) {
      ByteBuffer bytes = file.read(at, VhdFooter.SIZE, ByteOrder.BIG_ENDIAN);
      if (!bytes.equals(footer.toBytes())) {
        report.error(at, repair, "the footer here is damaged or missing");
        if (repair) {
          file.write(footer.toBytes(), at == 0 ? 0 : dataEnd);
        }
      }
    }
  }

  @Override
  protected void release() throws DiskException {
    file.close();
  }
}
