package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.CompressedTarget;
import sharevm.disk.layer.SequentialTarget;

/**
 * Copies a disk's content: several threads read, look for zeroes and compress; one stores what they
 * hand it, in the order of the disk. Memory is a few chunks a thread, whatever the size.
 */
final class Converter {
  private static final int CHUNK = 2 << 20;
  private static final int GRAIN = 4096;
  private static final int SALVAGE_STEP = 4096;

  /** Shorter stretches of zeroes are stored with their neighbours. */
  private static final int LEAST_HOLE = 32 << 10;

  private final DiskImage source;
  private final ConvertOptions options;
  private final ConcurrentLinkedQueue<ByteBuffer> buffers = new ConcurrentLinkedQueue<>();
  private final List<ConvertReport.Lost> lost = new ArrayList<>();
  private long lostBytes;
  private long copied;

  Converter(DiskImage source, ConvertOptions options) {
    this.source = source;
    this.options = options;
  }

  /** Where the content goes. */
  private sealed interface Target {
    /** Stored as it is. */
    record Plain(DiskImage image) implements Target {}

    /** Stored in compressed blocks where that gains something. */
    record Packed(DiskImage image, CompressedTarget blocks) implements Target {}

    /** Stored in compressed blocks one behind the other. */
    record Stream(SequentialTarget stream) implements Target {}
  }

  /** A piece of a chunk; {@code packed} is null when it is stored as it is. */
  private record Piece(int from, int length, byte[] packed) {}

  private record Chunk(long position, ByteBuffer bytes, List<Piece> pieces) {}

  ConvertReport into(DiskImage target) throws DiskException {
    CompressedTarget blocks = target.capability(CompressedTarget.class).orElse(null);
    if (options.compress() && blocks == null) {
      throw DiskException.invalid("the target", "this format has no compressed blocks");
    }
    run(options.compress() ? new Target.Packed(target, blocks) : new Target.Plain(target));
    return report();
  }

  ConvertReport into(SequentialTarget target) throws DiskException {
    run(new Target.Stream(target));
    return report();
  }

  private ConvertReport report() {
    return new ConvertReport(copied, List.copyOf(lost), lostBytes);
  }

  private void run(Target target) throws DiskException {
    int threads = Math.max(1, options.threads());
    Deque<Future<Chunk>> pending = new ArrayDeque<>();
    try (ExecutorService workers =
        Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().factory())) {
      try {
        for (long at = 0; at < source.size(); ) {
          long skip = zeroes(at);
          if (skip > 0) {
            at += skip;
            continue;
          }
          long position = at;
          int length = (int) Math.min(CHUNK - at % CHUNK, source.size() - at);
          pending.add(workers.submit(() -> chunk(target, position, length)));
          at += length;
          if (pending.size() > 2 * threads) {
            store(target, take(pending.remove()));
          }
        }
        while (!pending.isEmpty()) {
          store(target, take(pending.remove()));
        }
        options.progress().at(source.size(), source.size());
      } finally {
        workers.shutdownNow();
      }
    }
  }

  private static Chunk take(Future<Chunk> future) throws DiskException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof DiskException known) {
        throw known;
      }
      throw new IllegalStateException("a conversion failed for a reason of its own", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DiskException(Kind.IO, "the conversion", "interrupted").causedBy(e);
    }
  }

  /** How many bytes from a position to skip, in whole chunks. */
  private long zeroes(long position) throws DiskException {
    if (position % CHUNK != 0) {
      return 0;
    }
    try {
      Extent extent = source.extent(position, Long.MAX_VALUE);
      long end = position + extent.length();
      return !extent.isZero()
          ? 0
          : end == source.size() ? extent.length() : Bytes.roundDown(end, CHUNK) - position;
    } catch (DiskException e) {
      if (!options.salvage()) {
        throw e;
      }
      return 0;
    }
  }

  private Chunk chunk(Target target, long position, int length) throws DiskException {
    ByteBuffer pooled = buffers.poll();
    ByteBuffer bytes = pooled == null ? ByteBuffer.allocateDirect(CHUNK) : pooled;
    bytes.clear().limit(length);
    fill(bytes, position);
    bytes.flip();
    List<Piece> pieces =
        switch (target) {
          case Target.Plain _ -> plainPieces(bytes);
          case Target.Packed packed -> {
            int unit = packed.blocks().packedUnit();
            yield packedPieces(bytes, unit, block -> packed.blocks().pack(block, 0));
          }
          case Target.Stream stream -> {
            int unit = stream.stream().packedUnit();
            yield packedPieces(bytes, unit, block -> stream.stream().pack(block, 0));
          }
        };
    return new Chunk(position, bytes, pieces);
  }

  private void fill(ByteBuffer bytes, long position) throws DiskException {
    try {
      source.read(bytes, position);
    } catch (DiskException e) {
      if (!options.salvage() || e.kind() != Kind.CORRUPT && e.kind() != Kind.IO) {
        throw e;
      }
      int length = bytes.limit();
      for (int at = 0; at < length; at += SALVAGE_STEP) {
        bytes.limit(Math.min(length, at + SALVAGE_STEP)).position(at);
        fillStep(bytes, position + at);
      }
    }
  }

  private void fillStep(ByteBuffer bytes, long position) {
    int start = bytes.position();
    try {
      source.read(bytes, position);
    } catch (DiskException e) {
      int length = bytes.limit() - start;
      bytes.position(start);
      Bytes.zero(bytes, length);
      synchronized (lost) {
        lostBytes += length;
        ConvertReport.Lost last = lost.isEmpty() ? null : lost.getLast();
        if (last != null && last.position() + last.length() == position) {
          lost.removeLast();
          lost.add(new ConvertReport.Lost(last.position(), last.length() + length, last.why()));
        } else if (lost.size() < ConvertReport.MOST) {
          lost.add(new ConvertReport.Lost(position, length, e.getMessage()));
        }
      }
    }
  }

  private static List<Piece> plainPieces(ByteBuffer bytes) {
    List<Piece> pieces = new ArrayList<>();
    int length = bytes.limit();
    int from = -1;
    int end = 0;
    for (int at = 0; at < length; at += GRAIN) {
      int part = Math.min(GRAIN, length - at);
      if (Bytes.isZero(bytes, at, part)) {
        continue;
      }
      if (from >= 0 && at - end >= LEAST_HOLE) {
        pieces.add(new Piece(from, end - from, null));
        from = -1;
      }
      from = from < 0 ? at : from;
      end = at + part;
    }
    if (from >= 0) {
      pieces.add(new Piece(from, end - from, null));
    }
    return pieces;
  }

  @FunctionalInterface
  private interface Packer {
    byte[] pack(byte[] block);
  }

  private static List<Piece> packedPieces(ByteBuffer bytes, int unit, Packer packer) {
    List<Piece> pieces = new ArrayList<>();
    int length = bytes.limit();
    for (int at = 0; at < length; at += unit) {
      int part = Math.min(unit, length - at);
      if (!Bytes.isZero(bytes, at, part)) {
        byte[] block = new byte[unit];
        bytes.get(at, block, 0, part);
        pieces.add(new Piece(at, part, packer.pack(block)));
      }
    }
    return pieces;
  }

  private void store(Target target, Chunk chunk) throws DiskException {
    for (Piece piece : chunk.pieces()) {
      long position = chunk.position() + piece.from();
      ByteBuffer plain = chunk.bytes().slice(piece.from(), piece.length());
      switch (target) {
        case Target.Plain to -> to.image().write(plain, position);
        case Target.Stream to -> to.stream().append(position, piece.packed());
        case Target.Packed to -> {
          if (piece.packed().length > 0) {
            to.blocks().storePacked(position, piece.packed());
          } else {
            to.image().write(plain, position);
          }
        }
      }
      copied += piece.length();
    }
    buffers.add(chunk.bytes());
    options.progress().at(chunk.position() + chunk.bytes().limit(), source.size());
  }
}
