package sharevm.machine.firmware;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.SingleXZInputStream;

/**
 * The compressed kernel inside a bzImage, unpacked on the host: tens of times faster than to have
 * the guest's own decompressor interpreted.
 *
 * @param packed its bytes
 * @param size of what it unpacks to: an ELF file, with relocations behind its end
 */
record KernelPayload(MemorySegment packed, long size) {
  private static final int GZIP_MAGIC = 0x8B1F;
  private static final int XZ_MAGIC = 0x587A_37FD;
  private static final int ELF_MAGIC = 0x464C_457F;
  private static final int SIZE_FIELD = 4;
  private static final int XZ_MEMORY_KIB = 128 << 10;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final ValueLayout.OfInt MAGIC =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * Finds the payload.
   *
   * @param limit bytes that it may become at most
   * @return nothing if there is none that could be a kernel
   */
  static Optional<KernelPayload> find(GuestFile kernel, LinuxHeader header, long limit) {
    long offset = header.setupBytes() + header.payloadOffset();
    long length = header.payloadLength();
    if (header.payloadOffset() == 0
        || length <= SIZE_FIELD + 4
        || !kernel.contains(offset, length)) {
      return Optional.empty();
    }
    long size = kernel.u32(offset + length - SIZE_FIELD);
    if (size < 64 || size > limit) {
      return Optional.empty();
    }
    return Optional.of(new KernelPayload(kernel.slice(offset, length), size));
  }

  /**
   * Unpacks, from the first byte to the last.
   *
   * @throws IOException if it is packed in a way unknown here, or is damaged, or if {@code to} has
   *     enough
   */
  void unpackTo(OutputStream to) throws IOException {
    int magic = packed.get(MAGIC, 0);
    if (magic == Lz4.LEGACY_MAGIC) {
      Lz4.unpack(packed, size, to);
      return;
    }
    InputStream in = new SegmentInputStream(packed);
    if ((magic & 0xFFFF) == GZIP_MAGIC) {
      copy(new GZIPInputStream(in, BUFFER_BYTES), to);
    } else if (magic == XZ_MAGIC) {
      copy(new SingleXZInputStream(in, XZ_MEMORY_KIB), to);
    } else if (magic == ELF_MAGIC) {
      copy(in, to);
    } else {
      throw new IOException("packed in an unknown way");
    }
  }

  private void copy(InputStream in, OutputStream to) throws IOException {
    try (in) {
      byte[] buffer = new byte[BUFFER_BYTES];
      for (long left = size; left > 0; ) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (count < 0) {
          throw new IOException(left + " of " + size + " bytes are missing");
        }
        to.write(buffer, 0, count);
        left -= count;
      }
    }
  }
}
