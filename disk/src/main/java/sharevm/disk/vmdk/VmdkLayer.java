package sharevm.disk.vmdk;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.MappedLayer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.layer.ParentPaths;
import sharevm.disk.layer.Rebasable;
import sharevm.disk.layer.Run;

/** A VMDK: a descriptor and the extents that it lists, one behind the other. */
final class VmdkLayer extends MappedLayer implements Rebasable, Resizable {
  /** The types of one extent that can be written. */
  private static final Set<String> GROWING = Set.of("monolithicsparse", "monolithicflat", "vmfs");

  private final Storage home;
  private final Optional<VmdkDescriptor> descriptor;
  private final long descriptorOffset;
  private final long descriptorRoom;
  private volatile List<VmdkExtent> extents;
  private final long[] starts;
  private volatile long size;
  private final long blockSize;
  private final List<String> oddities;

  /** Where the descriptor stands and how much room it has there. */
  record Place(Storage home, Optional<VmdkDescriptor> descriptor, long offset, long room) {}

  VmdkLayer(Place place, List<VmdkExtent> extents, List<String> oddities) throws DiskException {
    super(place.home().name(), place.home().writable());
    this.home = place.home();
    this.descriptor = place.descriptor();
    this.descriptorOffset = place.offset();
    this.descriptorRoom = place.room();
    this.extents = extents;
    this.oddities = oddities;
    this.starts = new long[extents.size()];
    long sum = 0;
    long block = 1;
    for (int i = 0; i < starts.length; i++) {
      starts[i] = sum;
      sum = Math.addExact(sum, extents.get(i).length());
      block = Math.max(block, extents.get(i).grainBytes());
    }
    this.size = sum;
    this.blockSize = block;
    cid();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public long blockSize() {
    return blockSize;
  }

  /** The content id; a layer on top notes it to see changes. */
  long cid() throws DiskException {
    return descriptor.isPresent() ? descriptor.get().cid("CID") : VmdkDescriptor.NO_PARENT;
  }

  String adapterType() {
    return descriptor.map(VmdkDescriptor::adapterType).orElse("");
  }

  private int index(long position) {
    int low = 0;
    int high = starts.length - 1;
    while (low < high) {
      int middle = low + high + 1 >>> 1;
      if (starts[middle] <= position) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  @Override
  protected Run lookup(long position, long most) throws DiskException {
    int index = index(position);
    return extents.get(index).lookup(position - starts[index], most);
  }

  @Override
  protected void unpack(ByteBuffer dst, long position, Run run) throws DiskException {
    int index = index(position);
    extents.get(index).unpack(dst, position - starts[index], run);
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) throws DiskException {
    int index = index(position);
    VmdkExtent extent = extents.get(index);
    if (lookup(position, 1).kind() == Run.Kind.ZERO && extent.grainBytes() == 1) {
      throw DiskException.unsupported(name(), "writing where the descriptor says ZERO");
    }
    long in = position - starts[index];
    long from = Bytes.roundDown(in, extent.grainBytes());
    long to = Math.min(from + extent.grainBytes(), extent.length());
    ByteBuffer part = Bytes.take(src, (int) Math.min(src.remaining(), to - in));
    ByteBuffer grain = whole(part, position, starts[index] + from, starts[index] + to, below);
    extent.store(grain, from);
    if (extent.isFull()) {
      commit();
    }
  }

  @Override
  protected long makeRoom(long position, long length) throws DiskException {
    int index = index(position);
    VmdkExtent extent = extents.get(index);
    long made = extent.reserve(position - starts[index], length);
    if (extent.isFull()) {
      commit();
    }
    return made;
  }

  @Override
  protected long clear(long position, long length, Below below) throws DiskException {
    int index = index(position);
    VmdkExtent extent = extents.get(index);
    long in = position - starts[index];
    long grain = extent.grainBytes();
    long covered = Math.min(grain, extent.length() - in);
    if (grain == 1 || in % grain != 0 || length < covered) {
      return 0;
    }
    return extent.clear(in, parent().isPresent()) ? covered : 0;
  }

  /** A layer on top of this one must see that it has changed ("CID"). */
  @Override
  protected void beforeFirstWrite() throws DiskException {
    if (descriptor.isPresent()) {
      descriptor.get().set("CID", String.format("%08x", VmdkDescriptor.newCid()));
      writeDescriptor();
    }
  }

  @Override
  public void resize(long newSize) throws DiskException {
    VmdkCreator.requireSize(home.path(), newSize);
    if (newSize < size) {
      throw notSmaller();
    }
    String type = descriptor.map(text -> text.get("createType")).orElse("");
    if (extents.size() != 1 || !GROWING.contains(type.toLowerCase(Locale.ROOT))) {
      throw notResized("a VMDK of type '" + type + "' is not resized in its place");
    }
    touch();
    alone().lock();
    try {
      commit();
      extents = List.of(extents.getFirst().grown(newSize));
      descriptor.orElseThrow().setSize(newSize);
      writeDescriptor();
      size = newSize;
    } finally {
      alone().unlock();
    }
  }

  private void writeDescriptor() throws DiskException {
    byte[] text = descriptor.orElseThrow().toBytes();
    if (text.length > descriptorRoom) {
      throw DiskException.invalid(name(), "the descriptor has no room for that");
    }
    boolean embedded = descriptorOffset > 0;
    ByteBuffer out = ByteBuffer.allocate((int) (embedded ? descriptorRoom : text.length));
    out.put(text).clear();
    home.write(out, descriptorOffset);
    if (!embedded) {
      home.setSize(text.length);
    }
    home.force();
  }

  @Override
  protected void commit() throws DiskException {
    for (VmdkExtent extent : extents) {
      extent.commit();
    }
  }

  @Override
  public Optional<ParentLink> parent() {
    if (descriptor.isEmpty()) {
      return Optional.empty();
    }
    long cid;
    try {
      cid = descriptor.get().cid("parentCID");
    } catch (DiskException _) {
      cid = 0;
    }
    if (cid == VmdkDescriptor.NO_PARENT) {
      return Optional.empty();
    }
    String hint = descriptor.get().get("parentFileNameHint");
    Set<Path> candidates = new LinkedHashSet<>();
    ParentPaths.addCandidates(candidates, home.path(), List.of(hint));
    return Optional.of(new ParentLink(hint, List.copyOf(candidates), "", this::checkParent));
  }

  private void checkParent(Layer parent) throws DiskException {
    long expected = descriptor.orElseThrow().cid("parentCID");
    if (!(parent instanceof VmdkLayer vmdk) || vmdk.cid() != expected) {
      throw new DiskException(
          Kind.PARENT_CHANGED,
          name(),
          DiskException.NO_OFFSET,
          "its parent "
              + parent.files().getFirst().name()
              + " was written to after this layer was made"
              + String.format(" (its CID is not %08x)", expected),
          "restore the parent, or accept it as it is with 'sharevm disk rebase --unsafe'");
    }
  }

  @Override
  public void changeParent(String named, String format, Layer parent) throws DiskException {
    VmdkDescriptor text =
        descriptor.orElseThrow(() -> DiskException.invalid(name(), "it has no descriptor"));
    alone().lock();
    try {
      commit();
      if (named.isEmpty()) {
        text.set("parentCID", "ffffffff");
        text.remove("parentFileNameHint");
      } else if (parent instanceof VmdkLayer vmdk) {
        text.set("parentCID", String.format("%08x", vmdk.cid()));
        text.set("parentFileNameHint", "\"" + named + "\"");
      } else {
        throw DiskException.invalid(name(), "the parent of a VMDK must be a VMDK");
      }
      writeDescriptor();
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() throws DiskException {
    Map<String, String> facts = new LinkedHashMap<>();
    String type = descriptor.map(text -> text.get("createType")).orElse("");
    if (descriptor.isPresent()) {
      facts.put("CID", String.format("%08x", cid()));
      facts.put("parent CID", String.format("%08x", descriptor.get().cid("parentCID")));
      facts.put("adapter type", adapterType());
      facts.put(
          "geometry",
          String.join(
              "/",
              descriptor.get().get("ddb.geometry.cylinders"),
              descriptor.get().get("ddb.geometry.heads"),
              descriptor.get().get("ddb.geometry.sectors")));
    }
    facts.put("extents", Integer.toString(extents.size()));
    return new LayerInfo(type.isEmpty() ? "sparse extent" : type, facts, oddities);
  }

  @Override
  public List<Storage> files() {
    Set<Storage> files = new LinkedHashSet<>(List.of(home));
    extents.forEach(extent -> files.addAll(extent.files()));
    return new ArrayList<>(files);
  }

  @Override
  public CheckReport check(boolean repair) throws DiskException {
    CheckReport.Builder report = new CheckReport.Builder();
    alone().lock();
    try {
      for (VmdkExtent extent : extents) {
        extent.check(repair, report);
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
    for (Storage file : files()) {
      file.close();
    }
  }
}
