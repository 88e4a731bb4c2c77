package sharevm.machine.firmware;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Unpacks the legacy LZ4 frame, which Linux kernels are packed in ([LZ4] frame format, "Legacy
 * frame"). Its blocks are of megabytes; what is worked on of one at a time is a piece.
 */
final class Lz4 {
  /** The frame's first four bytes, little-endian. */
  static final int LEGACY_MAGIC = 0x184C_2102;

  /** The furthest that a match may be behind, and one more ([LZ4] block format, "Offset"). */
  private static final int WINDOW = 1 << 16;

  private static final int IN_BYTES = 1 << 16;
  private static final int OUT_BYTES = 4 * WINDOW;

  private static final int MIN_MATCH = 4;

  /** No run is as long: blocks unpack to 8 MiB at most. */
  private static final int LONGEST = 1 << 28;

  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment frame;
  private final OutputStream unpacked;

  /** Packed bytes from {@link #from} to {@link #filled}; more of the block are in the frame. */
  private final byte[] in = new byte[IN_BYTES];

  private int from;
  private int filled;
  private long next;
  private long blockEnd;

  /** What was unpacked of the block: all up to {@link #to}, or at least a window of it. */
  private final byte[] out = new byte[OUT_BYTES];

  private int to;

  /** Where in {@link #out} the bytes begin that {@link #unpacked} has not taken. */
  private int kept;

  /** How many bytes are still to come out. */
  private long left;

  private Lz4(MemorySegment frame, long size, OutputStream unpacked) {
    this.frame = frame;
    this.left = size;
    this.unpacked = unpacked;
  }

  /**
   * Unpacks blocks until all is out.
   *
   * @param size how many bytes must come out
   * @throws IOException if the input is no such frame or gives another number of bytes
   */
  static void unpack(MemorySegment frame, long size, OutputStream out) throws IOException {
    new Lz4(frame, size, out).unpack();
  }

  private void unpack() throws IOException {
    long at = 0;
    while (left > 0) {
      long length = word(at);
      at += 4;
      if (length == LEGACY_MAGIC) {
        continue;
      }
      if (at == 4) {
        throw new IOException("no legacy LZ4 frame");
      }
      if (length == 0 || length > frame.byteSize() - at) {
        throw new IOException("damaged LZ4 block of " + length + " bytes");
      }
      next = at;
      blockEnd = at + length;
      block();
      at = blockEnd;
    }
  }

  /** Unpacks one block. */
  private void block() throws IOException {
    from = 0;
    filled = 0;
    to = 0;
    kept = 0;
    while (hasMore()) {
      sequence();
    }
    write();
  }

  /** Unpacks one sequence: literals and a match, the last without a match. */
  private void sequence() throws IOException {
    int token = take();
    literals(length(token >>> 4));
    if (hasMore()) {
      int distance = take() | take() << 8;
      match(distance, length(token & 15) + MIN_MATCH);
    }
  }

  private void literals(int length) throws IOException {
    for (int rest = length; rest > 0; ) {
      if (!hasMore()) {
        throw damaged();
      }
      int count = Math.min(Math.min(rest, filled - from), room());
      System.arraycopy(in, from, out, to, count);
      from += count;
      to += count;
      rest -= count;
    }
  }

  private void match(int distance, int length) throws IOException {
    if (distance == 0 || distance > to) {
      throw damaged();
    }
    for (int rest = length; rest > 0; ) {
      int count = Math.min(rest, room());
      copy(distance, count);
      rest -= count;
    }
  }

  private void copy(int distance, int length) {
    if (distance >= length) {
      System.arraycopy(out, to - distance, out, to, length);
      to += length;
      return;
    }
    for (int i = 0; i < length; i++, to++) {
      out[to] = out[to - distance];
    }
  }

  private int length(int nibble) throws IOException {
    int length = nibble;
    if (nibble == 15) {
      int more;
      do {
        more = take();
        length += more;
      } while (more == 0xFF && length < LONGEST);
    }
    return length;
  }

  /** Returns how many bytes can be put out, at least one: makes room where there is none. */
  private int room() throws IOException {
    if (to == out.length) {
      write();
      System.arraycopy(out, to - WINDOW, out, 0, WINDOW);
      to = WINDOW;
      kept = WINDOW;
    }
    return out.length - to;
  }

  private void write() throws IOException {
    int count = to - kept;
    if (count > left) {
      throw new IOException("more LZ4 data than expected");
    }
    unpacked.write(out, kept, count);
    left -= count;
    kept = to;
  }

  private int take() throws IOException {
    if (from == filled && !hasMore()) {
      throw damaged();
    }
    return in[from++] & 0xFF;
  }

  /** Whether the block has bytes left; if so, one is there to take. */
  private boolean hasMore() {
    if (from == filled && next < blockEnd) {
      filled = (int) Math.min(in.length, blockEnd - next);
      from = 0;
      MemorySegment.copy(frame, ValueLayout.JAVA_BYTE, next, in, 0, filled);
      next += filled;
    }
    return from < filled;
  }

  private IOException damaged() {
    return new IOException("damaged LZ4 data near byte " + (next - filled + from));
  }

  private long word(long at) throws IOException {
    if (at > frame.byteSize() - 4) {
      throw new IOException("LZ4 data end at byte " + frame.byteSize());
    }
    return frame.get(WORD, at) & 0xFFFF_FFFFL;
  }
}
