package sharevm.machine.firmware;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.SingleXZInputStream;

/**
 * The compressed kernel inside a bzImage, unpacked on the host: tens of times faster than to have
 * the guest's own decompressor interpreted.
 */
final class KernelPayload {
  private static final int GZIP_MAGIC = 0x8B1F;
  private static final int XZ_MAGIC = 0x587A_37FD;
  private static final int ELF_MAGIC = 0x464C_457F;
  private static final int SIZE_FIELD = 4;
  private static final int XZ_MEMORY_KIB = 128 << 10;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final ValueLayout.OfInt MAGIC =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private KernelPayload() {}

  /**
   * Unpacks the payload.
   *
   * @param limit bytes that it may become at most
   * @param arena where it is put: tens of megabytes that the heap would keep for the whole run
   * @return the ELF file in it, with relocations behind its end, or nothing if there is none, it is
   *     packed in a way unknown here, or is damaged: then the guest's decompressor has the say
   */
  static Optional<GuestFile> unpack(GuestFile kernel, LinuxHeader header, long limit, Arena arena) {
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
    try {
      return unpack(kernel.slice(offset, length), size, arena)
          .map(bytes -> new GuestFile(kernel.name(), bytes));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<MemorySegment> unpack(MemorySegment packed, long size, Arena arena)
      throws IOException {
    int magic = packed.get(MAGIC, 0);
    if (magic == ELF_MAGIC) {
      return Optional.of(packed);
    }
    boolean gzip = (magic & 0xFFFF) == GZIP_MAGIC;
    if (!gzip && magic != XZ_MAGIC && magic != Lz4.LEGACY_MAGIC) {
      return Optional.empty();
    }
    MemorySegment unpacked = arena.allocate(size);
    if (magic == Lz4.LEGACY_MAGIC) {
      Lz4.unpack(packed, unpacked);
    } else {
      InputStream in = new SegmentInputStream(packed);
      read(
          gzip ? new GZIPInputStream(in, BUFFER_BYTES) : new SingleXZInputStream(in, XZ_MEMORY_KIB),
          unpacked);
    }
    return Optional.of(unpacked);
  }

  private static void read(InputStream in, MemorySegment to) throws IOException {
    try (in) {
      byte[] buffer = new byte[BUFFER_BYTES];
      long at = 0;
      while (at < to.byteSize()) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, to.byteSize() - at));
        if (count < 0) {
          throw new IOException("only " + at + " of " + to.byteSize() + " bytes");
        }
        MemorySegment.copy(buffer, 0, to, ValueLayout.JAVA_BYTE, at, count);
        at += count;
      }
    }
  }
}
