package sharevm.machine.firmware;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads a piece of memory from its beginning to its end. */
final class SegmentInputStream extends InputStream {
  private final MemorySegment bytes;
  private long at;

  SegmentInputStream(MemorySegment bytes) {
    this.bytes = bytes;
  }

  @Override
  public int read() {
    return at == bytes.byteSize() ? -1 : bytes.get(ValueLayout.JAVA_BYTE, at++) & 0xFF;
  }

  @Override
  public int read(byte[] to, int offset, int length) {
    int count = (int) Math.min(length, bytes.byteSize() - at);
    if (count == 0 && length > 0) {
      return -1;
    }
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, to, offset, count);
    at += count;
    return count;
  }

  @Override
  public int available() {
    return (int) Math.min(Integer.MAX_VALUE, bytes.byteSize() - at);
  }
}
