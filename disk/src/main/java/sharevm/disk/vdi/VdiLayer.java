package sharevm.disk.vdi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.FileStorage.Mode;
import sharevm.disk.io.MetaCache;
import sharevm.disk.io.Storage;
import sharevm.disk.io.Storages;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.Blocks;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.MappedLayer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.layer.Rebasable;
import sharevm.disk.layer.Run;

/**
 * A VDI: a table of block numbers, and blocks in the order in which they were first written.
 *
 * <p>The number of allocated blocks in the header, by which VirtualBox and QEMU choose the next
 * one, is written before the table, so that it is never too small.
 */
public final class VdiLayer extends MappedLayer implements Rebasable, Resizable {
  private static final int FREE = -1;
  private static final int ZERO = -2;
  private static final int MOST_CANDIDATES = 2000;

  private final Storage file;
  private final Storages host;
  private final MetaCache table;
  private volatile VdiHeader header;
  private UUID modified;
  private long next;
  private long noted;
  private volatile long fileEnd;

  private VdiLayer(Storage file, Storages host) throws DiskException {
    super(file.name(), file.writable());
    this.file = file;
    this.host = host;
    this.header = VdiHeader.read(file);
    this.modified = header.uuidModify();
    this.table = new MetaCache(file, 4096, 256, ByteOrder.LITTLE_ENDIAN);
    this.fileEnd = file.size();
    this.noted = header.blocksAllocated() & 0xffffffffL;
    if (file.writable()) {
      next = noted;
      for (long block = 0; block < header.blocks(); block++) {
        int entry = table.getInt(header.blocksOffset() + block * 4);
        next = entry == FREE || entry == ZERO ? next : Math.max(next, (entry & 0xffffffffL) + 1);
      }
      if (next > header.blocks()) {
        throw DiskException.corrupt(
            file.name(), VdiHeader.AT_BLOCKS_ALLOCATED, "more blocks are allocated than there are");
      }
    }
  }

  /** True when a file has a VDI's signature. */
  public static boolean matches(ByteBuffer head) {
    return head.limit() >= 68
        && Integer.reverseBytes(head.getInt(VdiHeader.AT_SIGNATURE)) == VdiHeader.SIGNATURE;
  }

  /** Opens an image; {@code host} is asked for its possible parents. */
  public static VdiLayer open(Storage file, Storages host) throws DiskException {
    return new VdiLayer(file, host);
  }

  /** Makes an image; with a parent, an empty layer on that, which must be a VDI too. */
  public static void create(
      Storages host, Path path, boolean fixed, long size, Optional<Layer> parent)
      throws DiskException {
    int blockSize = 1 << 20;
    if (size < 0 || size % 512 != 0 || size / blockSize >= 0xfffffff0L / 4) {
      throw DiskException.invalid(path.toString(), "a VDI is a multiple of 512 up to 1 PiB");
    }
    UUID linkage = new UUID(0, 0);
    UUID parentModify = new UUID(0, 0);
    if (parent.isPresent()) {
      if (!(parent.get() instanceof VdiLayer vdi) || fixed) {
        throw DiskException.invalid(
            path.toString(), "only a VDI can be the parent of a VDI; use qcow2 for mixed chains");
      }
      linkage = vdi.header.uuidCreate();
      parentModify = vdi.modified;
    }
    int blocks = (int) Bytes.divideUp(size, blockSize);
    long data = Bytes.roundUp(Bytes.MIB + blocks * 4L, Bytes.MIB);
    int type =
        parent.isPresent() ? VdiHeader.DIFFERENCING : fixed ? VdiHeader.FIXED : VdiHeader.DYNAMIC;
    VdiHeader header =
        new VdiHeader(
            type,
            0,
            Bytes.MIB,
            data,
            size,
            blockSize,
            0,
            blocks,
            fixed ? blocks : 0,
            UUID.randomUUID(),
            UUID.randomUUID(),
            linkage,
            parentModify);
    try (Storage file = host.open(path, Mode.CREATE)) {
      file.setSize(fixed ? data + (long) blocks * blockSize : data);
      for (int done = 0; done < blocks; ) {
        int part = Math.min(blocks - done, 1 << 14);
        ByteBuffer entries = Bytes.buffer(part * 4, ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < part; i++) {
          entries.putInt(fixed ? done + i : FREE);
        }
        file.write(entries.flip(), Bytes.MIB + done * 4L);
        done += part;
      }
      file.write(header.toBytes(), 0);
      file.force();
    }
  }

  @Override
  public long size() {
    return Bytes.roundDown(header.diskSize(), 512);
  }

  @Override
  public long blockSize() {
    return header.blockSize();
  }

  private long entryAt(long position) {
    return header.blocksOffset() + position / header.blockSize() * 4;
  }

  private long blockOffset(long number) {
    long stride = (long) header.blockSize() + header.blockExtra();
    return header.dataOffset() + number * stride + header.blockExtra();
  }

  @Override
  protected Run lookup(long position, long most) throws DiskException {
    long in = position % header.blockSize();
    long left = Math.min(header.blockSize() - in, size() - position);
    int entry = table.getInt(entryAt(position));
    if (entry == FREE) {
      return Run.absent(left);
    }
    if (entry == ZERO) {
      return Run.zero(left);
    }
    long offset = blockOffset(entry & 0xffffffffL);
    if (offset >= fileEnd) {
      throw DiskException.corrupt(
          name(), entryAt(position), "a block at " + offset + " is past the end of the file");
    }
    return Run.data(file, offset + in, left);
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) throws DiskException {
    int blockSize = header.blockSize();
    int in = (int) (position % blockSize);
    ByteBuffer part = Bytes.take(src, Math.min(src.remaining(), blockSize - in));
    ByteBuffer block = parent().isPresent() ? whole(part, position, blockSize, below) : part;
    long offset = blockOffset(next);
    file.write(block, offset + (parent().isPresent() ? 0 : in));
    if (fileEnd < offset + blockSize) {
      file.setSize(offset + blockSize);
      fileEnd = offset + blockSize;
    }
    table.putInt(entryAt(position), (int) next);
    next++;
    if (table.isFull()) {
      commit();
    }
  }

  @Override
  protected long makeRoom(long position, long length) throws DiskException {
    int blockSize = header.blockSize();
    fileEnd = Math.max(fileEnd, blockOffset(next) + blockSize);
    table.putInt(entryAt(position), (int) next);
    next++;
    if (table.isFull()) {
      commit();
    }
    return blockSize - position % blockSize;
  }

  @Override
  protected long clear(long position, long length, Below below) throws DiskException {
    long covered = Math.min(header.blockSize(), size() - position);
    if (position % header.blockSize() != 0
        || length < covered
        || table.getInt(entryAt(position)) != FREE) {
      return 0;
    }
    table.putInt(entryAt(position), ZERO);
    if (table.isFull()) {
      commit();
    }
    return covered;
  }

  /** A layer on top of this one must see that it has changed. */
  @Override
  protected void beforeFirstWrite() throws DiskException {
    modified = UUID.randomUUID();
    ByteBuffer bytes = Bytes.buffer(16, ByteOrder.LITTLE_ENDIAN);
    Bytes.putGuid(bytes, 0, modified);
    file.write(bytes, VdiHeader.AT_UUID_MODIFY);
    file.force();
  }

  @Override
  protected void commit() throws DiskException {
    if (next > noted) {
      ByteBuffer count = Bytes.buffer(4, ByteOrder.LITTLE_ENDIAN);
      file.write(count.putInt(0, (int) next), VdiHeader.AT_BLOCKS_ALLOCATED);
      noted = next;
    }
    file.extend(fileEnd);
    file.force();
    if (table.isDirty()) {
      table.writeBack();
      file.force();
    }
  }

  /** The blocks follow the table at once, so it can grow into the room that is left only. */
  @Override
  public void resize(long newSize) throws DiskException {
    if (newSize % 512 != 0) {
      throw DiskException.invalid(name(), "a VDI's size is a multiple of 512 bytes");
    }
    if (newSize < size()) {
      throw notSmaller();
    }
    long room = (header.dataOffset() - header.blocksOffset()) / 4;
    long blocks = Bytes.divideUp(newSize, header.blockSize());
    if (blocks > room) {
      throw notResized(
          "it grows up to "
              + room * header.blockSize()
              + " bytes, for which its block table has room");
    }
    touch();
    alone().lock();
    try {
      commit();
      clearTail();
      grow(newSize, (int) blocks);
    } finally {
      alone().unlock();
    }
  }

  /** What lies behind the old end in its last block becomes part of the disk. */
  private void clearTail() throws DiskException {
    long in = size() % header.blockSize();
    if (in == 0) {
      return;
    }
    Run run = lookup(size() - 1, 1);
    if (run.kind() == Run.Kind.DATA) {
      Bytes.writeZeroes(file, run.offset() + 1, header.blockSize() - in);
    }
  }

  /** The new entries are in the file before the header's one sector counts them. */
  private void grow(long newSize, int blocks) throws DiskException {
    boolean fixed = header.type() == VdiHeader.FIXED;
    for (long block = header.blocks(); block < blocks; block++) {
      table.putInt(header.blocksOffset() + block * 4, fixed ? (int) next++ : FREE);
      if (table.isFull()) {
        table.writeBack();
      }
    }
    fileEnd = fixed ? Math.max(fileEnd, blockOffset(next)) : fileEnd;
    file.extend(fileEnd);
    table.writeBack();
    file.force();
    ByteBuffer sector = file.read(0, VdiHeader.SIZE, ByteOrder.LITTLE_ENDIAN);
    sector.putLong(VdiHeader.AT_DISK_SIZE, newSize).putInt(VdiHeader.AT_BLOCKS, blocks);
    sector.putInt(VdiHeader.AT_BLOCKS_ALLOCATED, (int) next);
    file.write(sector, 0);
    file.force();
    noted = next;
    header = VdiHeader.read(file);
  }

  @Override
  public Optional<ParentLink> parent() {
    if (header.type() != VdiHeader.DIFFERENCING) {
      return Optional.empty();
    }
    String named = "{" + header.uuidLinkage() + "}";
    return Optional.of(new ParentLink(named, findParents(), "vdi", this::checkParent));
  }

  /** A VDI names its parent by its UUID alone, so its neighbours are asked for theirs. */
  private List<Path> findParents() {
    Path own = file.path().toAbsolutePath().normalize();
    List<Path> found = new ArrayList<>();
    Path directory = own.getParent();
    List<Path> directories = new ArrayList<>(List.of(directory));
    if (directory.endsWith("Snapshots") && directory.getParent() != null) {
      directories.add(directory.getParent());
    }
    for (Path place : directories) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(place, "*.[vV][dD][iI]")) {
        int count = 0;
        for (Path candidate : files) {
          if (++count > MOST_CANDIDATES) {
            break;
          }
          if (!candidate.equals(own) && isParent(candidate)) {
            found.add(candidate);
          }
        }
      } catch (IOException _) {
        // A directory that cannot be listed shows no parent.
      }
    }
    return found;
  }

  private boolean isParent(Path candidate) {
    try (Storage other = host.open(candidate, Mode.READ)) {
      return VdiHeader.read(other).uuidCreate().equals(header.uuidLinkage());
    } catch (DiskException _) {
      return false;
    }
  }

  private void checkParent(Layer parent) throws DiskException {
    if (!(parent instanceof VdiLayer vdi)
        || !vdi.header.uuidCreate().equals(header.uuidLinkage())
        || !vdi.modified.equals(header.uuidParentModify())) {
      throw new DiskException(
          Kind.PARENT_CHANGED,
          name(),
          VdiHeader.AT_UUID_LINKAGE,
          "its parent "
              + parent.files().getFirst().name()
              + " was written to after this layer was made, or is another disk",
          "restore the parent, or accept it as it is with 'sharevm disk rebase --unsafe'");
    }
  }

  @Override
  public void changeParent(String named, String format, Layer parent) throws DiskException {
    if (!(parent instanceof VdiLayer vdi) || header.type() != VdiHeader.DIFFERENCING) {
      throw DiskException.invalid(name(), "the parent of a VDI must be a VDI");
    }
    alone().lock();
    try {
      commit();
      ByteBuffer bytes = Bytes.buffer(32, ByteOrder.LITTLE_ENDIAN);
      Bytes.putGuid(bytes, 0, vdi.header.uuidCreate());
      Bytes.putGuid(bytes, 16, vdi.modified);
      file.write(bytes, VdiHeader.AT_UUID_LINKAGE);
      file.force();
      header = VdiHeader.read(file);
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("uuid", header.uuidCreate().toString());
    facts.put("modification uuid", modified.toString());
    String variant =
        switch (header.type()) {
          case VdiHeader.FIXED -> "fixed";
          case VdiHeader.DIFFERENCING -> "differencing";
          default -> "dynamic";
        };
    return new LayerInfo(variant, facts, List.of());
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
      Blocks blocks = new Blocks(header.blockSize(), fileEnd);
      long used = 0;
      for (long block = 0; block < header.blocks(); block++) {
        long at = header.blocksOffset() + block * 4;
        int entry = table.getInt(at);
        if (entry != FREE && entry != ZERO) {
          used++;
          blocks.add(blockOffset(entry & 0xffffffffL), at, header.dataOffset(), report);
        }
      }
      blocks.report(report);
      if (used < noted) {
        report.leak(
            VdiHeader.AT_BLOCKS_ALLOCATED, false, noted - used + " blocks belong to nobody");
      } else if (used > noted) {
        report.error(
            VdiHeader.AT_BLOCKS_ALLOCATED, repair, "more blocks are in use than the header counts");
        noted = repair ? 0 : noted;
      }
      if (repair) {
        commit();
      }
    } finally {
      alone().unlock();
    }
    return report.build();
  }

  @Override
  protected void release() throws DiskException {
    file.close();
  }
}
