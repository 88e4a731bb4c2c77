package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.MetaCache.Change;
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
 * A VHDX ([MS-VHDX]): a block allocation table with a bitmap block for every chunk of payload
 * blocks. Table and bitmaps change through the log.
 */
public final class VhdxLayer extends MappedLayer implements Resizable, Rebasable {
  /** Payload block states (2.5.1.1). */
  static final int NOT_PRESENT = 0;

  static final int ZERO = 2;
  static final int FULLY_PRESENT = 6;
  static final int PARTIALLY_PRESENT = 7;

  /** The state of a sector bitmap block that exists (2.5.1.2). */
  private static final int BITMAP_PRESENT = 6;

  private static final long OFFSET_MASK = ~0xfffffL;

  private final Storage file;
  private final MetaCache meta;
  private final VhdxLog log;
  private final boolean replayedInMemory;
  private VhdxHeader header;
  private VhdxMetadata metadata;
  private volatile long size;
  private volatile long fileEnd;

  private VhdxLayer(Storage file, VhdxHeader header, boolean replayed) throws DiskException {
    super(file.name(), file.writable());
    this.file = file;
    this.header = header;
    this.metadata = VhdxMetadata.read(file);
    this.replayedInMemory = replayed;
    this.log = new VhdxLog(file, header);
    this.meta = new MetaCache(file, VhdxLog.SECTOR, 1024, ByteOrder.LITTLE_ENDIAN);
    this.size = metadata.size();
    this.fileEnd = file.size();
  }

  /** True when a file starts with the file type identifier (2.2.1). */
  public static boolean matches(ByteBuffer head) {
    return head.limit() >= 8 && Bytes.ascii(head, 0, 8).equals("vhdxfile");
  }

  /** Opens an image, with its log replayed: in the file, or in memory when that is not written. */
  public static VhdxLayer open(Storage file) throws DiskException {
    VhdxHeader header = VhdxHeader.read(file);
    VhdxLog log = new VhdxLog(file, header);
    List<VhdxLog.Replay> replays = log.replays(header);
    if (replays.isEmpty() && header.logGuid().equals(VhdxHeader.NO_LOG)) {
      return new VhdxLayer(file, header, false);
    }
    long length = log.expectedLength(header);
    if (!file.writable()) {
      return new VhdxLayer(new ReplayedStorage(file, replays, length), header, true);
    }
    for (VhdxLog.Replay replay : replays) {
      write(file, replay);
    }
    if (length > file.size()) {
      file.setSize(length);
    }
    VhdxHeader clean =
        header.next(file, UUID.randomUUID(), header.dataWriteGuid(), VhdxHeader.NO_LOG);
    return new VhdxLayer(file, clean, false);
  }

  private static void write(Storage file, VhdxLog.Replay replay) throws DiskException {
    if (replay.bytes() != null) {
      file.write(ByteBuffer.wrap(replay.bytes()), replay.offset());
      return;
    }
    long end = Math.min(replay.offset() + replay.length(), file.size());
    Bytes.writeZeroes(file, replay.offset(), Math.max(0, end - replay.offset()));
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int sectorSize() {
    return metadata.logicalSectorSize();
  }

  @Override
  public long blockSize() {
    return metadata.blockSize();
  }

  UUID dataWriteGuid() {
    return header.dataWriteGuid();
  }

  /** Where the table entry of a position's payload block is. */
  private long entryAt(long position) {
    long block = position / metadata.blockSize();
    return metadata.batOffset() + (block + block / metadata.chunkRatio()) * 8;
  }

  /** Where the table entry of its sector bitmap block is. */
  private long bitmapEntryAt(long position) {
    long chunk = position / metadata.blockSize() / metadata.chunkRatio();
    return metadata.batOffset() + (chunk * (metadata.chunkRatio() + 1) + metadata.chunkRatio()) * 8;
  }

  private long requireInFile(long entry, long at, long length) throws DiskException {
    long offset = entry & OFFSET_MASK;
    if (offset < Bytes.MIB || offset > fileEnd - length) {
      throw DiskException.corrupt(name(), at, "a block at " + offset + " is outside the file");
    }
    return offset;
  }

  @Override
  protected Run lookup(long position, long most) throws DiskException {
    long in = position % metadata.blockSize();
    long left = Math.min(metadata.blockSize() - in, size - position);
    long at = entryAt(position);
    long entry = meta.getLong(at);
    return switch ((int) (entry & 7)) {
      case NOT_PRESENT -> Run.absent(left);
      case 1, ZERO, 3 -> Run.zero(left);
      case FULLY_PRESENT ->
          Run.data(file, requireInFile(entry, at, metadata.blockSize()) + in, left);
      case PARTIALLY_PRESENT -> partly(entry, at, position, Math.min(left, most));
      default -> throw DiskException.corrupt(name(), at, "block state " + (entry & 7));
    };
  }

  private Run partly(long entry, long at, long position, long left) throws DiskException {
    if (!metadata.hasParent()) {
      throw DiskException.corrupt(name(), at, "a partial block in a disk without a parent");
    }
    long in = position % metadata.blockSize();
    long bitmap = bitmapOf(position);
    int sectorSize = metadata.logicalSectorSize();
    long sector = position / sectorSize % (1L << 23);
    boolean present = isPresent(bitmap, sector);
    long last = sector + (position % sectorSize + left - 1) / sectorSize;
    int full = present ? 0xff : 0;
    long next = sector;
    while (next <= last) {
      if (next % 8 == 0 && meta.getByte(bitmap + next / 8) == full) {
        int bytes = (int) ((last - next) / 8 + 1);
        next += 8L * meta.countBytes(bitmap + next / 8, bytes, full);
      } else if (isPresent(bitmap, next) == present) {
        next++;
      } else {
        break;
      }
    }
    long length = Math.min(left, (next - sector) * sectorSize - position % sectorSize);
    return present
        ? Run.data(file, requireInFile(entry, at, metadata.blockSize()) + in, length)
        : Run.absent(length);
  }

  private boolean isPresent(long bitmap, long sector) throws DiskException {
    return (meta.getByte(bitmap + sector / 8) >> sector % 8 & 1) != 0;
  }

  private long bitmapOf(long position) throws DiskException {
    long at = bitmapEntryAt(position);
    long entry = meta.getLong(at);
    if ((entry & 7) != BITMAP_PRESENT) {
      throw DiskException.corrupt(name(), at, "a partial block's sector bitmap is missing");
    }
    return requireInFile(entry, at, Bytes.MIB);
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) throws DiskException {
    int blockSize = metadata.blockSize();
    int sectorSize = metadata.logicalSectorSize();
    int in = (int) (position % blockSize);
    ByteBuffer part = Bytes.take(src, Math.min(src.remaining(), blockSize - in));
    long at = entryAt(position);
    long entry = meta.getLong(at);
    int state = (int) (entry & 7);
    boolean bitmapped =
        metadata.hasParent() && (state == NOT_PRESENT || state == PARTIALLY_PRESENT);
    ByteBuffer bytes = bitmapped ? whole(part, position, sectorSize, below) : part;
    int from = bitmapped ? in / sectorSize * sectorSize : in;
    long block = state == PARTIALLY_PRESENT ? entry & OFFSET_MASK : extend(blockSize);
    int length = bytes.remaining();
    file.write(bytes, block + from);
    if (!bitmapped || length == blockSize) {
      meta.putLong(at, block | FULLY_PRESENT);
    } else {
      markPresent(position, from / sectorSize, length / sectorSize, state == NOT_PRESENT);
      meta.putLong(at, block | PARTIALLY_PRESENT);
    }
    if (meta.isFull()) {
      commit();
    }
  }

  @Override
  protected long makeRoom(long position, long length) throws DiskException {
    int blockSize = metadata.blockSize();
    long block = Bytes.roundUp(fileEnd, Bytes.MIB);
    fileEnd = block + blockSize;
    meta.putLong(entryAt(position), block | FULLY_PRESENT);
    if (meta.isFull()) {
      commit();
    }
    return blockSize - position % blockSize;
  }

  /** Makes room at the end of the file; it reads as zeroes. */
  private long extend(long length) throws DiskException {
    long offset = Bytes.roundUp(fileEnd, Bytes.MIB);
    file.setSize(offset + length);
    fileEnd = offset + length;
    return offset;
  }

  private void markPresent(long position, int first, int count, boolean fresh)
      throws DiskException {
    long at = bitmapEntryAt(position);
    if ((meta.getLong(at) & 7) != BITMAP_PRESENT) {
      meta.putLong(at, extend(Bytes.MIB) | BITMAP_PRESENT);
    }
    long bitmap = bitmapOf(position);
    int sectorSize = metadata.logicalSectorSize();
    long blockStart = position / metadata.blockSize() * metadata.blockSize();
    long base = blockStart / sectorSize % (1L << 23);
    if (fresh) {
      meta.fill(bitmap + base / 8, metadata.blockSize() / sectorSize / 8, 0);
    }
    for (long sector = base + first; sector < base + first + count; ) {
      if (sector % 8 == 0 && sector + 8 <= base + first + count) {
        meta.putByte(bitmap + sector / 8, 0xff);
        sector += 8;
      } else {
        int bits = meta.getByte(bitmap + sector / 8);
        meta.putByte(bitmap + sector / 8, bits | 1 << sector % 8);
        sector++;
      }
    }
  }

  @Override
  protected long clear(long position, long length, Below below) throws DiskException {
    int blockSize = metadata.blockSize();
    long covered = Math.min(blockSize, size - position);
    long at = entryAt(position);
    if (position % blockSize != 0
        || length < covered
        || (meta.getLong(at) & 7) != NOT_PRESENT
        || (meta.getLong(at) & OFFSET_MASK) != 0) {
      return 0;
    }
    meta.putLong(at, ZERO);
    if (meta.isFull()) {
      commit();
    }
    return covered;
  }

  @Override
  protected void beforeFirstWrite() throws DiskException {
    header = header.next(file, UUID.randomUUID(), UUID.randomUUID(), header.logGuid());
  }

  @Override
  protected void commit() throws DiskException {
    file.extend(fileEnd);
    file.force();
    List<Change> pages = meta.changedPages();
    for (int from = 0; from < pages.size(); from += log.mostPages()) {
      List<Change> part = pages.subList(from, Math.min(pages.size(), from + log.mostPages()));
      boolean first = header.logGuid().equals(VhdxHeader.NO_LOG);
      UUID guid = first ? UUID.randomUUID() : header.logGuid();
      log.append(part, guid);
      if (first) {
        // Only now does the log hold a valid entry, as it must when the header names it.
        header = header.next(file, header.fileWriteGuid(), header.dataWriteGuid(), guid);
      }
      for (Change page : part) {
        file.write(page.bytes().duplicate(), page.offset());
      }
      file.force();
    }
    if (!pages.isEmpty()) {
      meta.writeBack();
    }
  }

  @Override
  public void resize(long newSize) throws DiskException {
    if (newSize % metadata.logicalSectorSize() != 0 || newSize > 64 * Bytes.TIB) {
      throw DiskException.invalid(name(), "a VHDX is whole sectors up to 64 TiB");
    }
    if (newSize < size) {
      throw notSmaller();
    }
    touch();
    alone().lock();
    try {
      commit();
      long needed = Bytes.roundUp(metadata.entries(newSize) * 8, Bytes.MIB);
      if (needed > metadata.batLength()) {
        moveTable(needed);
      }
      clearEntries(metadata.entries(size), metadata.entries(newSize));
      clearTail();
      meta.putLong(metadata.sizeOffset(), newSize);
      commit();
      size = newSize;
    } finally {
      alone().unlock();
    }
  }

  private void clearEntries(long from, long to) throws DiskException {
    if (to > from && !metadata.hasParent()) {
      meta.fill(metadata.batOffset() + from * 8, (to - from) * 8, 0);
    }
  }

  /** What lies behind the old end in its last block becomes part of the disk. */
  private void clearTail() throws DiskException {
    long in = size % metadata.blockSize();
    if (in != 0 && (meta.getLong(entryAt(size - 1)) & 7) >= FULLY_PRESENT) {
      long block = meta.getLong(entryAt(size - 1)) & OFFSET_MASK;
      Bytes.writeZeroes(file, block + in, metadata.blockSize() - in);
    }
  }

  /** Copies the table to a larger place; both region tables name it, one after the other. */
  private void moveTable(long length) throws DiskException {
    long to = extend(length);
    ByteBuffer part = Bytes.buffer(1 << 20, ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < metadata.batLength(); at += part.capacity()) {
      file.readPadded(part.clear(), metadata.batOffset() + at);
      file.write(part.flip(), to + at);
    }
    file.force();
    long metadataOffset = Bytes.roundDown(metadata.sizeOffset(), Bytes.MIB);
    for (long at : new long[] {VhdxMetadata.REGIONS, VhdxMetadata.REGIONS_COPY}) {
      file.write(VhdxMetadata.regionTable(to, length, metadataOffset), at);
      file.force();
    }
    meta.forget(metadata.batOffset(), metadata.batLength());
    metadata = VhdxMetadata.read(file);
  }

  @Override
  public Optional<ParentLink> parent() {
    if (!metadata.hasParent()) {
      return Optional.empty();
    }
    List<String> names =
        Stream.of("relative_path", "volume_path", "absolute_win32_path")
            .map(metadata.locator()::get)
            .filter(Objects::nonNull)
            .toList();
    Set<Path> candidates = new LinkedHashSet<>();
    ParentPaths.addCandidates(candidates, file.path(), names);
    String named = names.isEmpty() ? "" : names.getFirst();
    return Optional.of(new ParentLink(named, List.copyOf(candidates), "", this::checkParent));
  }

  private void checkParent(Layer parent) throws DiskException {
    boolean right = false;
    if (parent instanceof VhdxLayer vhdx) {
      String linkage = "{" + vhdx.dataWriteGuid() + "}";
      right =
          linkage.equalsIgnoreCase(metadata.locator().get("parent_linkage"))
              || linkage.equalsIgnoreCase(metadata.locator().get("parent_linkage2"));
    }
    if (!right) {
      throw new DiskException(
          Kind.PARENT_CHANGED,
          name(),
          metadata.locatorOffset(),
          "its parent "
              + parent.files().getFirst().name()
              + " was written to after this layer was made, or is another disk",
          "restore the parent, or accept it as it is with 'sharevm disk rebase --unsafe'");
    }
  }

  @Override
  public void changeParent(String named, String format, Layer parent) throws DiskException {
    if (!(parent instanceof VhdxLayer vhdx) || !metadata.hasParent()) {
      throw DiskException.invalid(name(), "the parent of a VHDX must be a VHDX");
    }
    alone().lock();
    try {
      commit();
      Path path = parent.files().getFirst().path();
      ByteBuffer locator = VhdxMetadata.encode(VhdxCreator.locator(file.path(), path, vhdx));
      if (locator.limit() > VhdxCreator.LOCATOR_ROOM) {
        throw DiskException.invalid(name(), "the parent's path is too long");
      }
      ByteBuffer padded = Bytes.buffer(VhdxCreator.LOCATOR_ROOM, ByteOrder.LITTLE_ENDIAN);
      padded.put(locator).clear();
      long room = Bytes.roundDown(metadata.locatorOffset(), Bytes.MIB) + Bytes.MIB;
      padded.limit((int) Math.min(padded.capacity(), room - metadata.locatorOffset()));
      meta.put(metadata.locatorOffset(), padded);
      commit();
      metadata = VhdxMetadata.read(file);
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("physical sector size", Integer.toString(metadata.physicalSectorSize()));
    facts.put("disk id", metadata.diskId().toString());
    facts.put("data write id", header.dataWriteGuid().toString());
    String variant =
        metadata.hasParent() ? "differencing" : metadata.leaveAllocated() ? "fixed" : "dynamic";
    List<String> odd =
        replayedInMemory
            ? List.of("It was not closed properly; its log is replayed when it is written.")
            : List.of();
    return new LayerInfo(variant, facts, odd);
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
      Blocks blocks = new Blocks(metadata.blockSize(), fileEnd);
      Blocks bitmaps = new Blocks(Bytes.MIB, fileEnd);
      for (long at = 0; at < size; at += metadata.blockSize()) {
        long pointer = entryAt(at);
        long entry = meta.getLong(pointer);
        int state = (int) (entry & 7);
        if (state >= FULLY_PRESENT) {
          blocks.add(entry & OFFSET_MASK, pointer, Bytes.MIB, report);
        } else if (state > 3) {
          report.error(pointer, false, "a block's state is " + state);
        }
        boolean chunkStart = at / metadata.blockSize() % metadata.chunkRatio() == 0;
        if (metadata.hasParent() && chunkStart) {
          long bitmap = meta.getLong(bitmapEntryAt(at));
          if ((bitmap & 7) == BITMAP_PRESENT) {
            bitmaps.add(bitmap & OFFSET_MASK, bitmapEntryAt(at), Bytes.MIB, report);
          }
        }
      }
      blocks.report(report);
      bitmaps.report(report);
    } finally {
      alone().unlock();
    }
    return report.build();
  }

  @Override
  protected void release() throws DiskException {
    try {
      if (file.writable() && !header.logGuid().equals(VhdxHeader.NO_LOG)) {
        header.next(file, header.fileWriteGuid(), header.dataWriteGuid(), VhdxHeader.NO_LOG);
      }
    } finally {
      file.close();
    }
  }
}
