package sharevm.machine.firmware;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
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

  private KernelPayload() {}

  /**
   * Unpacks the payload.
   *
   * @param limit bytes that it may become at most
   * @return the ELF file in it, with relocations behind its end, or nothing if there is none, it is
   *     packed in a way unknown here, or is damaged: then the guest's decompressor has the say
   */
  static Optional<GuestFile> unpack(GuestFile kernel, LinuxHeader header, long limit) {
    long offset = header.setupBytes() + header.payloadOffset();
    long length = header.payloadLength();
    if (header.payloadOffset() == 0
        || length <= SIZE_FIELD + 4
        || length > Integer.MAX_VALUE - 16
        || !kernel.contains(offset, length)) {
      return Optional.empty();
    }
    byte[] packed = kernel.slice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    long size = kernel.u32(offset + length - SIZE_FIELD);
    if (size < 64 || size > Math.min(limit, Integer.MAX_VALUE - 16)) {
      return Optional.empty();
    }
    try {
      byte[] unpacked = unpack(packed, (int) kernel.u32(offset), (int) size);
      return unpacked == null
          ? Optional.empty()
          : Optional.of(GuestFile.of(kernel.name(), unpacked));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static byte[] unpack(byte[] packed, int magic, int size) throws IOException {
    if (magic == ELF_MAGIC) {
      return packed;
    }
    if (magic == Lz4.LEGACY_MAGIC) {
      return Lz4.unpack(packed, size);
    }
    InputStream in = new ByteArrayInputStream(packed);
    if ((magic & 0xFFFF) == GZIP_MAGIC) {
      return read(new GZIPInputStream(in, 1 << 16), size);
    }
    if (magic == XZ_MAGIC) {
      return read(new SingleXZInputStream(in, XZ_MEMORY_KIB), size);
    }
    return null;
  }

  private static byte[] read(InputStream in, int size) throws IOException {
    try (in) {
      byte[] bytes = in.readNBytes(size);
      if (bytes.length != size) {
        throw new IOException("only " + bytes.length + " of " + size + " bytes");
      }
      return bytes;
    }
  }
}
