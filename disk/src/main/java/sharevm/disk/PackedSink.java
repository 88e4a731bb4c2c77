package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.io.Bytes;

/**
 * Compresses content block by block, on as many threads as call it, and stores the blocks in order.
 *
 * @param unit the size of a block in bytes, which divides every window
 * @param packer compresses
 * @param store takes the blocks
 */
record PackedSink(int unit, Packer packer, Store store) implements Sink {
  /** Makes of a whole block what will be stored. */
  @FunctionalInterface
  interface Packer {
    byte[] pack(byte[] block);
  }

  /** Stores a block: what became of it, and as it was up to the disk's end. */
  @FunctionalInterface
  interface Store {
    void put(long position, byte[] packed, ByteBuffer plain) throws DiskException;
  }

  private record Block(int from, byte[] packed, ByteBuffer plain) {}

  @Override
  public Work prepare(long position, ByteBuffer bytes, List<Range> ranges) {
    List<Block> blocks = new ArrayList<>();
    int next = 0;
    for (Range range : ranges) {
      for (int at = Math.max(next, range.from() / unit * unit); at < range.end(); at += unit) {
        byte[] plain = block(bytes, at, ranges);
        if (!Bytes.isZero(ByteBuffer.wrap(plain), 0, unit)) {
          int inside = Math.min(unit, bytes.limit() - at);
          blocks.add(new Block(at, packer.pack(plain), ByteBuffer.wrap(plain, 0, inside)));
        }
        next = at + unit;
      }
    }
    return new Packed(position, blocks);
  }

  /** A whole block, zero where no range is. */
  private byte[] block(ByteBuffer bytes, int at, List<Range> ranges) {
    byte[] block = new byte[unit];
    for (Range range : ranges) {
      int from = Math.max(at, range.from());
      int to = Math.min(at + unit, range.end());
      if (from < to) {
        bytes.get(from, block, from - at, to - from);
      }
    }
    return block;
  }

  private final class Packed implements Work {
    private final long position;
    private final List<Block> blocks;

    Packed(long position, List<Block> blocks) {
      this.position = position;
      this.blocks = blocks;
    }

    @Override
    public void inOrder() throws DiskException {
      for (Block block : blocks) {
        store.put(position + block.from(), block.packed(), block.plain());
      }
    }

    @Override
    public long stored() {
      return blocks.stream().mapToLong(block -> block.plain().limit()).sum();
    }
  }
}
