package sharevm.disk;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.Layer;
import sharevm.disk.layer.ParentLink;
import sharevm.disk.layer.Rebasable;
import sharevm.disk.layer.Run;

/** What is done to a chain of images as a whole: commit, rebase, compare. */
final class Chains {
  private static final int STEP = 1 << 20;

  private final Opener opener;

  Chains(Opener opener) {
    this.opener = opener;
  }

  /** Writes a layer's content into its parent; both then show the same. */
  void commit(Path path) throws DiskException {
    Chain.Link child = opener.openLayer(path, true, Optional.empty());
    try (Layer layer = child.layer()) {
      ParentLink said =
          layer
              .parent()
              .orElseThrow(() -> DiskException.invalid(path.toString(), "it has no parent"));
      Path parentPath = opener.findParent(child, said);
      try (Chain parent = opener.open(parentPath, OpenOptions.forWriting())) {
        said.check().accept(parent.links().getFirst().layer());
        if (parent.size() < layer.size()) {
          parent
              .capability(Resizable.class)
              .orElseThrow(
                  () ->
                      DiskException.invalid(parentPath.toString(), "it is smaller and cannot grow"))
              .resize(layer.size());
        }
        copyOwn(layer, parent);
        parent.flush();
        if (layer instanceof Rebasable movable) {
          movable.changeParent(said.named(), said.format(), parent.links().getFirst().layer());
        }
      }
    }
  }

  private static void copyOwn(Layer layer, Chain parent) throws DiskException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(STEP);
    for (long at = 0; at < layer.size(); ) {
      Run run = layer.map(at, layer.size() - at);
      if (run.kind() == Run.Kind.ZERO) {
        parent.writeZeroes(at, run.length());
      } else if (run.kind() != Run.Kind.ABSENT) {
        run = run.cut(STEP);
        buffer.clear().limit((int) run.length());
        for (long from = at; buffer.hasRemaining(); ) {
          from += Math.abs(layer.read(buffer, from));
        }
        parent.write(buffer.flip(), at);
      }
      at += run.length();
    }
  }

  /**
   * Gives a layer another parent.
   *
   * @param unsafe only change the note; the content may change with it
   */
  void rebase(Path path, Optional<Path> newParent, boolean unsafe) throws DiskException {
    try (Chain to = newParent.isPresent() ? openParent(newParent.get()) : null) {
      if (unsafe) {
        try (Layer layer = opener.openLayer(path, true, Optional.empty()).layer()) {
          change(path, layer, newParent, to);
        }
        return;
      }
      try (Chain from = opener.open(path, OpenOptions.forWriting())) {
        keepContent(from, to);
        from.flush();
        change(path, from.links().getFirst().layer(), newParent, to);
      }
    }
  }

  private Chain openParent(Path path) throws DiskException {
    return opener.open(path, OpenOptions.forReading());
  }

  private static void change(Path path, Layer layer, Optional<Path> newParent, Chain to)
      throws DiskException {
    if (!(layer instanceof Rebasable movable)) {
      throw DiskException.invalid(path.toString(), "its format has no parents");
    }
    if (newParent.isEmpty()) {
      movable.changeParent("", "", null);
      return;
    }
    Chain.Link link = to.links().getFirst();
    String named =
        Creator.relative(
            path.toAbsolutePath().normalize().getParent(), newParent.get().toAbsolutePath());
    movable.changeParent(named, Creator.qemuName(link.format()), link.layer());
  }

  /** Stores in the top layer what its holes show now and would not show on the new parent. */
  private static void keepContent(Chain from, Chain to) throws DiskException {
    Layer top = from.links().getFirst().layer();
    ByteBuffer now = ByteBuffer.allocateDirect(STEP);
    ByteBuffer then = ByteBuffer.allocateDirect(STEP);
    for (long at = 0; at < top.size(); ) {
      Run run = top.map(at, STEP);
      if (run.kind() == Run.Kind.ABSENT) {
        int length = (int) run.length();
        from.read(now.clear().limit(length), at);
        readAny(to, then.clear().limit(length), at);
        storeDifference(from, now.flip(), then.flip(), at);
      }
      at += run.length();
    }
  }

  private static void storeDifference(Chain from, ByteBuffer now, ByteBuffer then, long at)
      throws DiskException {
    int unit = 65536;
    for (int part = 0; part < now.limit(); part += unit) {
      int length = Math.min(unit, now.limit() - part);
      if (now.slice(part, length).mismatch(then.slice(part, length)) >= 0) {
        from.write(now.slice(part, length), at + part);
      }
    }
  }

  private static void readAny(Chain chain, ByteBuffer dst, long position) throws DiskException {
    if (chain != null && position < chain.size()) {
      int limit = dst.limit();
      dst.limit((int) Math.min(limit, dst.position() + chain.size() - position));
      chain.read(dst, position);
      dst.limit(limit);
    }
    Bytes.zero(dst, dst.remaining());
  }

  /**
   * The first position at which two disks differ, or -1; what one lacks at its end counts as zero.
   */
  static long difference(DiskImage a, DiskImage b) throws DiskException {
    ByteBuffer first = ByteBuffer.allocateDirect(STEP);
    ByteBuffer second = ByteBuffer.allocateDirect(STEP);
    long size = Math.max(a.size(), b.size());
    for (long at = 0; at < size; ) {
      long zero = Math.min(zeroFrom(a, at, size), zeroFrom(b, at, size));
      if (zero > 0) {
        at += zero;
        continue;
      }
      int length = (int) Math.min(STEP, size - at);
      fill(a, first.clear().limit(length), at);
      fill(b, second.clear().limit(length), at);
      int differs = first.flip().mismatch(second.flip());
      if (differs >= 0) {
        return at + differs;
      }
      at += length;
    }
    return -1;
  }

  private static long zeroFrom(DiskImage image, long at, long size) throws DiskException {
    if (at >= image.size()) {
      return size - at;
    }
    Extent extent = image.extent(at, size - at);
    return extent.isZero() ? extent.length() : 0;
  }

  private static void fill(DiskImage image, ByteBuffer dst, long at) throws DiskException {
    int limit = dst.limit();
    long inside = Math.clamp(image.size() - at, 0, dst.remaining());
    if (inside > 0) {
      image.read(dst.limit((int) inside), at);
    }
    dst.limit(limit);
    Bytes.zero(dst, dst.remaining());
  }
}
