package sharevm.disk;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.Run;

/** A disk made of layers: the top one is written, each shows the next one through its holes. */
final class Chain implements DiskImage {
  /** One layer with the names that people know it by. */
  record Link(Path path, String format, Layer layer) {}

  private final List<Link> links;
  private final Layer[] layers;
  private final Layer top;
  private final Below below;
  private final boolean writable;

  Chain(List<Link> links, boolean writable) {
    this.links = List.copyOf(links);
    this.layers = links.stream().map(Link::layer).toArray(Layer[]::new);
    this.top = layers[0];
    this.writable = writable;
    this.below = (dst, position) -> readFrom(1, dst, position);
  }

  List<Link> links() {
    return links;
  }

  @Override
  public long size() {
    return top.size();
  }

  @Override
  public int sectorSize() {
    return top.sectorSize();
  }

  @Override
  public boolean writable() {
    return writable;
  }

  private String name() {
    return links.getFirst().path().toString();
  }

  private void require(long position, long length) throws DiskException {
    if (position < 0 || length < 0 || position > size() - length) {
      throw new DiskException(
          Kind.OUT_OF_RANGE,
          name(),
          length + " bytes at " + position + " of a disk of " + size() + " bytes");
    }
  }

  @Override
  public void read(ByteBuffer dst, long position) throws DiskException {
    require(position, dst.remaining());
    readFrom(0, dst, position);
  }

  private void readFrom(int depth, ByteBuffer dst, long position) throws DiskException {
    long at = position;
    while (dst.hasRemaining()) {
      at += depth >= layers.length ? zeroes(dst) : part(depth, dst, at);
    }
  }

  private static long zeroes(ByteBuffer dst) {
    int count = dst.remaining();
    Bytes.zero(dst, count);
    return count;
  }

  private long part(int depth, ByteBuffer dst, long position) throws DiskException {
    Layer layer = layers[depth];
    long inside = layer.size() - position;
    if (inside <= 0) {
      return zeroes(dst);
    }
    int limit = dst.limit();
    if (inside < dst.remaining()) {
      dst.limit(dst.position() + (int) inside);
    }
    try {
      long done = layer.read(dst, position);
      if (done > 0) {
        return done;
      }
      dst.limit(dst.position() + (int) -done);
      readFrom(depth + 1, dst, position);
      return -done;
    } finally {
      dst.limit(limit);
    }
  }

  @Override
  public void write(ByteBuffer src, long position) throws DiskException {
    require(position, src.remaining());
    top.write(src, position, below);
  }

  @Override
  public void discard(long position, long length) throws DiskException {
    require(position, length);
    top.discard(position, length, below);
  }

  @Override
  public void writeZeroes(long position, long length) throws DiskException {
    require(position, length);
    top.writeZeroes(position, length, below);
  }

  @Override
  public void flush() throws DiskException {
    top.flush();
  }

  @Override
  public Extent extent(long position, long most) throws DiskException {
    require(position, 1);
    long length = Math.min(most, size() - position);
    for (int depth = 0; depth < layers.length; depth++) {
      long inside = layers[depth].size() - position;
      if (inside <= 0) {
        return new Extent(position, length, Extent.Kind.HOLE, depth, "", -1);
      }
      Run run = layers[depth].map(position, Math.min(length, inside));
      length = run.length();
      switch (run.kind()) {
        case ABSENT -> {
          continue;
        }
        case ZERO -> {
          return new Extent(position, length, Extent.Kind.ZERO, depth, "", -1);
        }
        case PACKED -> {
          return new Extent(position, length, Extent.Kind.COMPRESSED, depth, "", -1);
        }
        case DATA -> {
          return stored(position, run.cut(length), depth);
        }
      }
    }
    return new Extent(position, length, Extent.Kind.HOLE, layers.length, "", -1);
  }

  /** The host's file may have a hole where the image has data. */
  private static Extent stored(long position, Run run, int depth) throws DiskException {
    long hole = run.file().hole(run.offset(), run.length());
    if (hole > 0) {
      return new Extent(position, hole, Extent.Kind.ZERO, depth, "", -1);
    }
    long data = run.file().data(run.offset(), run.length());
    return new Extent(position, data, Extent.Kind.DATA, depth, run.file().name(), run.offset());
  }

  @Override
  public ImageInfo info() throws DiskException {
    Optional<ImageInfo> parent = Optional.empty();
    for (Link link : links.reversed()) {
      parent = Optional.of(describe(link, parent));
    }
    return parent.orElseThrow();
  }

  private static ImageInfo describe(Link link, Optional<ImageInfo> parent) throws DiskException {
    Layer layer = link.layer();
    LayerInfo info = layer.info();
    Map<String, Long> files = new LinkedHashMap<>();
    for (Storage file : layer.files()) {
      files.put(file.name(), file.size());
    }
    Map<String, String> properties = new LinkedHashMap<>(info.properties());
    layer.parent().ifPresent(said -> properties.put("parent named", said.named()));
    List<Snapshot> snapshots = layer instanceof Snapshots keeper ? keeper.snapshots() : List.of();
    return new ImageInfo(
        link.path().toString(),
        link.format(),
        info.variant(),
        layer.size(),
        layer.sectorSize(),
        layer.blockSize(),
        files,
        properties,
        info.oddities(),
        snapshots,
        parent);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == Resizable.class && top instanceof Resizable resizable) {
      return Optional.of(type.cast((Resizable) newSize -> resize(resizable, newSize)));
    }
    return type.isInstance(top) && type != Layer.class
        ? Optional.of(type.cast(top))
        : Optional.empty();
  }

  /** New space must not show what a larger parent has there. */
  private void resize(Resizable resizable, long newSize) throws DiskException {
    long oldSize = top.size();
    resizable.resize(newSize);
    long covered = 0;
    for (int depth = 1; depth < layers.length; depth++) {
      covered = Math.max(covered, layers[depth].size());
    }
    long end = Math.min(newSize, covered);
    if (end > oldSize) {
      top.writeZeroes(oldSize, end - oldSize, below);
      top.flush();
    }
  }

  @Override
  public void close() throws DiskException {
    List<DiskException> failures = new ArrayList<>();
    for (Layer layer : layers) {
      try {
        layer.close();
      } catch (DiskException e) {
        failures.add(e);
      }
    }
    if (!failures.isEmpty()) {
      throw failures.getFirst();
    }
  }
}
