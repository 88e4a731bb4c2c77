package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** The checksum of all VHDX structures: CRC-32C of the whole, its own field taken as zero. */
final class Crc32c {
  private Crc32c() {}

  /** The checksum of a buffer's whole content whose field is at byte 4. */
  static int of(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    ByteBuffer all = bytes.duplicate().clear();
    crc.update(all.slice(0, 4));
    crc.update(new byte[4]);
    crc.update(all.slice(8, all.capacity() - 8));
    return (int) crc.getValue();
  }

  static boolean isRight(ByteBuffer bytes) {
    return bytes.getInt(4) == of(bytes);
  }

  static void put(ByteBuffer bytes) {
    bytes.putInt(4, of(bytes));
  }
}
