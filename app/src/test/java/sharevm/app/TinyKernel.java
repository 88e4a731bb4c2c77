package sharevm.app;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A kernel of a few bytes of 32-bit code, loaded by Multiboot at 1 MiB (Multiboot 0.6.96 3.1). */
final class TinyKernel {
  private static final int MAGIC = 0x1BADB002;
  private static final int HAS_ADDRESSES = 1 << 16;
  private static final int LOAD = 0x100000;
  private static final int HEADER_BYTES = 32;

  private TinyKernel() {}

  /** Makes the file; each number is a byte of code. */
  static byte[] of(int... code) {
    ByteBuffer file =
        ByteBuffer.allocate(HEADER_BYTES + code.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(MAGIC).putInt(HAS_ADDRESSES).putInt(-(MAGIC + HAS_ADDRESSES));
    file.putInt(LOAD).putInt(LOAD).putInt(0).putInt(0).putInt(LOAD + HEADER_BYTES);
    for (int value : code) {
      file.put((byte) value);
    }
    return file.array();
  }
}
