package sharevm.machine.firmware;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Unpacks the legacy LZ4 frame, which Linux kernels are packed in ([LZ4] frame format, "Legacy
 * frame").
 */
final class Lz4 {
  /** The frame's first four bytes, little-endian. */
  static final int LEGACY_MAGIC = 0x184C_2102;

  private static final int BLOCK_MAX = 8 << 20;

  /** What a block that cannot be packed may need: a length byte for each 255 literals, and more. */
  private static final int BLOCK_PACKED_MAX = BLOCK_MAX + BLOCK_MAX / 255 + 16;

  private static final int MIN_MATCH = 4;

  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final byte[] in;
  private final byte[] out;
  private int from;
  private int to;

  private Lz4(byte[] in, byte[] out) {
    this.in = in;
    this.out = out;
  }

  /**
   * Unpacks blocks until the output is full. The blocks are independent of one another, so that
   * working memory is that of one block.
   *
   * @param out takes the bytes; its size is how many must come out
   * @throws IllegalArgumentException if the input is no such frame or gives another number of bytes
   */
  static void unpack(MemorySegment frame, MemorySegment out) {
    byte[] packed = new byte[(int) Math.min(frame.byteSize(), BLOCK_PACKED_MAX)];
    byte[] unpacked = new byte[(int) Math.min(out.byteSize(), BLOCK_MAX)];
    long from = 0;
    long to = 0;
    while (to < out.byteSize()) {
      long length = word(frame, from);
      from += 4;
      if (length == LEGACY_MAGIC) {
        continue;
      }
      if (from == 4) {
        throw new IllegalArgumentException("no legacy LZ4 frame");
      }
      if (length == 0 || length > Math.min(packed.length, frame.byteSize() - from)) {
        throw new IllegalArgumentException("damaged LZ4 block of " + length + " bytes");
      }
      MemorySegment.copy(frame, ValueLayout.JAVA_BYTE, from, packed, 0, (int) length);
      int count = new Lz4(packed, unpacked).unpackBlock((int) length);
      if (count > out.byteSize() - to) {
        throw new IllegalArgumentException("more LZ4 data than expected");
      }
      MemorySegment.copy(unpacked, 0, out, ValueLayout.JAVA_BYTE, to, count);
      from += length;
      to += count;
    }
  }

  private int unpackBlock(int end) {
    try {
      block(end);
      return to;
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("damaged LZ4 data near byte " + from, e);
    }
  }

  /** Unpacks one block: sequences of literals and a match, the last without a match. */
  private void block(int end) {
    while (from < end) {
      int token = in[from++] & 0xFF;
      int literals = length(token >>> 4);
      System.arraycopy(in, from, out, to, literals);
      from += literals;
      to += literals;
      if (from >= end) {
        return;
      }
      int distance = (in[from] & 0xFF) | (in[from + 1] & 0xFF) << 8;
      from += 2;
      match(distance, length(token & 15) + MIN_MATCH);
    }
  }

  private void match(int distance, int length) {
    if (distance == 0 || distance > to || length > out.length - to) {
      throw new IndexOutOfBoundsException(distance);
    }
    if (distance >= length) {
      System.arraycopy(out, to - distance, out, to, length);
      to += length;
      return;
    }
    for (int i = 0; i < length; i++, to++) {
      out[to] = out[to - distance];
    }
  }

  private int length(int nibble) {
    int length = nibble;
    if (nibble == 15) {
      int more;
      do {
        more = in[from++] & 0xFF;
        length = Math.addExact(length, more);
      } while (more == 0xFF);
    }
    return length;
  }

  private static long word(MemorySegment frame, long at) {
    if (at > frame.byteSize() - 4) {
      throw new IllegalArgumentException("LZ4 data end at byte " + frame.byteSize());
    }
    return frame.get(WORD, at) & 0xFFFF_FFFFL;
  }
}
