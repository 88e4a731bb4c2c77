package sharevm.machine.firmware;

/**
 * Unpacks the legacy LZ4 frame, which Linux kernels are packed in ([LZ4] frame format, "Legacy
 * frame").
 */
final class Lz4 {
  /** The frame's first four bytes, little-endian. */
  static final int LEGACY_MAGIC = 0x184C_2102;

  private static final int BLOCK_MAX = 8 << 20;
  private static final int MIN_MATCH = 4;

  private final byte[] in;
  private final byte[] out;
  private int from;
  private int to;

  private Lz4(byte[] in, byte[] out) {
    this.in = in;
    this.out = out;
  }

  /**
   * Unpacks blocks until the output is full.
   *
   * @param size bytes that come out
   * @return them
   * @throws IllegalArgumentException if the input is no such frame or gives another number of bytes
   */
  static byte[] unpack(byte[] frame, int size) {
    Lz4 lz4 = new Lz4(frame, new byte[size]);
    try {
      lz4.run();
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("damaged LZ4 data near byte " + lz4.from, e);
    }
    return lz4.out;
  }

  private void run() {
    if (word() != LEGACY_MAGIC) {
      throw new IllegalArgumentException("no legacy LZ4 frame");
    }
    while (to < out.length) {
      int packed = word();
      if (packed == LEGACY_MAGIC) {
        continue;
      }
      if (packed <= 0 || packed > in.length - from) {
        throw new IllegalArgumentException("damaged LZ4 block of " + packed + " bytes");
      }
      int before = to;
      block(from + packed);
      if (to - before > BLOCK_MAX) {
        throw new IllegalArgumentException("an LZ4 block of more than 8 MiB");
      }
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

  private int word() {
    int value =
        (in[from] & 0xFF)
            | (in[from + 1] & 0xFF) << 8
            | (in[from + 2] & 0xFF) << 16
            | in[from + 3] << 24;
    from += 4;
    return value;
  }
}
