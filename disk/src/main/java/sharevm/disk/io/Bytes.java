package sharevm.disk.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import sharevm.disk.DiskException;

/** Small arithmetic on bytes and offsets that all formats need. */
public final class Bytes {
  /** One KiB, MiB, GiB, TiB. */
  public static final long KIB = 1L << 10;

  public static final long MIB = 1L << 20;
  public static final long GIB = 1L << 30;
  public static final long TIB = 1L << 40;

  private static final byte[] ZEROES = new byte[1 << 16];

  private Bytes() {}

  /** Puts {@code count} zero bytes. */
  public static void zero(ByteBuffer dst, int count) {
    for (int left = count; left > 0; ) {
      int part = Math.min(left, ZEROES.length);
      dst.put(ZEROES, 0, part);
      left -= part;
    }
  }

  /** A read-only buffer of up to 64 KiB of zeroes. */
  public static ByteBuffer zeroes(long count) {
    return ByteBuffer.wrap(ZEROES, 0, (int) Math.min(count, ZEROES.length)).asReadOnlyBuffer();
  }

  /** Writes zeroes to a range of a file. */
  public static void writeZeroes(Storage file, long offset, long length) throws DiskException {
    for (long at = offset, end = offset + length; at < end; ) {
      ByteBuffer zeroes = zeroes(end - at);
      int part = zeroes.remaining();
      file.write(zeroes, at);
      at += part;
    }
  }

  /** True when {@code length} bytes of a buffer from {@code from} are all zero. */
  public static boolean isZero(ByteBuffer bytes, int from, int length) {
    return countZeroes(bytes, from, length) == length;
  }

  /** How many of {@code length} bytes of a buffer from {@code from} are zero before another one. */
  public static int countZeroes(ByteBuffer bytes, int from, int length) {
    if (length >= 8 && bytes.getLong(from) != 0) {
      // Most data says so at once.
      int zeroes = 0;
      while (bytes.get(from + zeroes) == 0) {
        zeroes++;
      }
      return zeroes;
    }
    for (int at = from, end = from + length; at < end; at += ZEROES.length) {
      int part = Math.min(ZEROES.length, end - at);
      int other = bytes.slice(at, part).mismatch(ByteBuffer.wrap(ZEROES, 0, part));
      if (other >= 0) {
        return at + other - from;
      }
    }
    return length;
  }

  /** The least multiple of {@code unit} that is not below {@code value}. */
  public static long roundUp(long value, long unit) {
    return Math.multiplyExact(divideUp(value, unit), unit);
  }

  /** The greatest multiple of {@code unit} that is not above {@code value}. */
  public static long roundDown(long value, long unit) {
    return value - value % unit;
  }

  /** {@code value / unit}, rounded up, for values from 0. */
  public static long divideUp(long value, long unit) {
    return value / unit + (value % unit == 0 ? 0 : 1);
  }

  /** True for 1, 2, 4, 8... */
  public static boolean isPowerOfTwo(long value) {
    return value > 0 && (value & value - 1) == 0;
  }

  /** A window of {@code length} bytes of {@code buffer} from its position, which moves past it. */
  public static ByteBuffer take(ByteBuffer buffer, int length) {
    ByteBuffer part = buffer.slice(buffer.position(), length).order(buffer.order());
    buffer.position(buffer.position() + length);
    return part;
  }

  /** A new zeroed buffer. */
  public static ByteBuffer buffer(int size, ByteOrder order) {
    return ByteBuffer.allocate(size).order(order);
  }

  /** The ASCII text of {@code length} bytes at {@code at}, up to the first zero byte. */
  public static String ascii(ByteBuffer buffer, int at, int length) {
    int end = at;
    while (end < at + length && buffer.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - at];
    buffer.get(at, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /** A UUID whose 16 bytes are stored most significant byte first (RFC 4122). */
  public static UUID uuid(ByteBuffer buffer, int at) {
    ByteBuffer big = buffer.duplicate().order(ByteOrder.BIG_ENDIAN);
    return new UUID(big.getLong(at), big.getLong(at + 8));
  }

  /** Stores {@link #uuid}. */
  public static void putUuid(ByteBuffer buffer, int at, UUID uuid) {
    ByteBuffer big = buffer.duplicate().order(ByteOrder.BIG_ENDIAN);
    big.putLong(at, uuid.getMostSignificantBits());
    big.putLong(at + 8, uuid.getLeastSignificantBits());
  }

  /** A GUID as Windows stores it: the first three fields are little-endian. */
  public static UUID guid(ByteBuffer buffer, int at) {
    ByteBuffer little = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    long most =
        (little.getInt(at) & 0xffffffffL) << 32
            | (little.getShort(at + 4) & 0xffffL) << 16
            | little.getShort(at + 6) & 0xffffL;
    return new UUID(most, buffer.duplicate().order(ByteOrder.BIG_ENDIAN).getLong(at + 8));
  }

  /** Stores {@link #guid}. */
  public static void putGuid(ByteBuffer buffer, int at, UUID guid) {
    ByteBuffer little = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    long most = guid.getMostSignificantBits();
    little.putInt(at, (int) (most >>> 32));
    little.putShort(at + 4, (short) (most >>> 16));
    little.putShort(at + 6, (short) most);
    buffer.duplicate().order(ByteOrder.BIG_ENDIAN).putLong(at + 8, guid.getLeastSignificantBits());
  }
}
