package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import sharevm.disk.io.Bytes;
import sharevm.disk.layer.Packer;

/**
 * Compresses content block by block, on as many threads as call it, and stores the blocks in order.
 *
 * @param unit the size of a block in bytes, which divides every window
 * @param packers make a compressor for one thread
 * @param store takes the blocks
 */
record PackedSink(int unit, Supplier<Packer> packers, Store store) implements Sink {
  /** Stores a block: what became of it, and as it was up to the disk's end. */
  @FunctionalInterface
  interface Store {
    void put(long position, byte[] packed, ByteBuffer plain) throws DiskException;
  }

  private record Block(int from, byte[] packed, ByteBuffer plain) {}

  @Override
  public Hand hand() {
    return new Compressing(packers.get(), new byte[unit]);
  }

  private final class Compressing implements Hand {
    private final Packer packer;
    private final byte[] block;

    Compressing(Packer packer, byte[] block) {
      this.packer = packer;
      this.block = block;
    }

    @Override
    public Work prepare(long position, ByteBuffer bytes, List<Range> ranges) {
      List<Block> blocks = new ArrayList<>();
      int next = 0;
      for (Range range : ranges) {
        for (int at = Math.max(next, range.from() / unit * unit); at < range.end(); at += unit) {
          int inside = Math.min(unit, bytes.limit() - at);
          collect(bytes, at, ranges);
          if (!Bytes.isZero(ByteBuffer.wrap(block), 0, unit)) {
            byte[] packed = packer.pack(block);
            ByteBuffer plain =
                packed.length > 0
                    ? ByteBuffer.allocate(0)
                    : ByteBuffer.wrap(Arrays.copyOf(block, inside));
            blocks.add(new Block(at, packed, plain));
          }
          next = at + unit;
        }
      }
      return new Packed(position, blocks);
    }

    /** Fills the block, with zeroes where no range is. */
    private void collect(ByteBuffer bytes, int at, List<Range> ranges) {
      int done = 0;
      for (Range range : ranges) {
        int from = Math.max(at, range.from());
        int to = Math.min(at + unit, range.end());
        if (from < to) {
          Arrays.fill(block, done, from - at, (byte) 0);
          bytes.get(from, block, from - at, to - from);
          done = to - at;
        }
      }
      Arrays.fill(block, done, unit, (byte) 0);
    }

    @Override
    public void close() {
      packer.close();
    }
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
    public void afterwards() {
      // Blocks that lie one behind the other are stored in order.
    }

    @Override
    public long stored() {
      return (long) blocks.size() * unit;
    }
  }
}
