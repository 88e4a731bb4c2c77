package sharevm.disk.qcow2;

import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** Expands one cluster. Stored sizes are whole sectors, so what follows the cluster is ignored. */
final class ClusterCodec {
  private static final int ZSTD_MAGIC = 0xfd2fb528;

  private ClusterCodec() {}

  /** Expands to exactly {@code size} bytes, or returns an empty array when the input is wrong. */
  static byte[] expand(byte[] in, int length, int size, boolean zstd) {
    byte[] out = new byte[size];
    int got = zstd ? expandZstd(in, length, out) : inflate(in, length, out);
    return got == size ? out : new byte[0];
  }

  private static int inflate(byte[] in, int length, byte[] out) {
    try (Inflater inflater = new Inflater(true)) {
      inflater.setInput(in, 0, length);
      int total = 0;
      while (total < out.length) {
        int count = inflater.inflate(out, total, out.length - total);
        if (count == 0) {
          break;
        }
        total += count;
      }
      return total;
    } catch (DataFormatException _) {
      return -1;
    }
  }

  private static int expandZstd(byte[] in, int length, byte[] out) {
    int frame = zstdFrameLength(ByteBuffer.wrap(in, 0, length).order(ByteOrder.LITTLE_ENDIAN));
    if (frame < 0) {
      return -1;
    }
    try {
      return new ZstdJavaDecompressor().decompress(in, 0, frame, out, 0, out.length);
    } catch (RuntimeException _) {
      // The library reports malformed input by several unchecked exceptions.
      return -1;
    }
  }

  /** The length of the frame at the buffer's start (RFC 8878, 3.1.1), or -1. */
  static int zstdFrameLength(ByteBuffer in) {
    int limit = in.limit();
    if (limit < 6 || in.getInt(0) != ZSTD_MAGIC) {
      return -1;
    }
    int descriptor = in.get(4);
    boolean single = (descriptor & 0x20) != 0;
    int dictionary = new int[] {0, 1, 2, 4}[descriptor & 3];
    int contentSize = new int[] {single ? 1 : 0, 2, 4, 8}[descriptor >>> 6 & 3];
    int at = 5 + (single ? 0 : 1) + dictionary + contentSize;
    boolean last = false;
    while (!last) {
      if (at + 3 > limit) {
        return -1;
      }
      int block = in.get(at) & 0xff | (in.getShort(at + 1) & 0xffff) << 8;
      last = (block & 1) != 0;
      int type = block >>> 1 & 3;
      if (type == 3) {
        return -1;
      }
      at += 3 + (type == 1 ? 1 : block >>> 3);
    }
    at += (descriptor & 4) != 0 ? 4 : 0;
    return at <= limit ? at : -1;
  }
}
