package sharevm.machine.firmware;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Puts little-endian binary structures together, field by field. */
final class Bytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  Bytes u8(long value) {
    out.write((int) value);
    return this;
  }

  Bytes u16(long value) {
    return u8(value).u8(value >>> 8);
  }

  Bytes u32(long value) {
    return u16(value).u16(value >>> 16);
  }

  Bytes u64(long value) {
    return u32(value).u32(value >>> 32);
  }

  Bytes zeros(int count) {
    return bytes(new byte[count]);
  }

  Bytes bytes(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** Writes a text without an ending zero. */
  Bytes ascii(String text) {
    return bytes(text.getBytes(StandardCharsets.US_ASCII));
  }

  int size() {
    return out.size();
  }

  byte[] toArray() {
    return out.toByteArray();
  }

  /** Returns what must be added to some bytes to make their sum 0 modulo 256. */
  static byte checksum(byte[] bytes, int from, int length) {
    int sum = 0;
    for (int i = from; i < from + length; i++) {
      sum += bytes[i];
    }
    return (byte) -sum;
  }
}
