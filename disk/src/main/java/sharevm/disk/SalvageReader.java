package sharevm.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;

/**
 * Reads a disk that may be damaged: what cannot be read is zero, and is noted. Safe for threads.
 */
final class SalvageReader {
  private static final int STEP = 4096;

  private final DiskImage source;
  private final List<ConvertReport.Lost> lost = new ArrayList<>();
  private long lostBytes;

  SalvageReader(DiskImage source) {
    this.source = source;
  }

  /** Fills {@code bytes}. */
  void read(ByteBuffer bytes, long position) throws DiskException {
    int start = bytes.position();
    int limit = bytes.limit();
    try {
      source.read(bytes, position);
    } catch (DiskException e) {
      if (e.kind() != Kind.CORRUPT && e.kind() != Kind.IO) {
        throw e;
      }
      for (int at = start; at < limit; at += STEP) {
        readStep(bytes.limit(Math.min(limit, at + STEP)).position(at), position + at - start);
      }
    }
  }

  private void readStep(ByteBuffer bytes, long position) {
    int start = bytes.position();
    try {
      source.read(bytes, position);
    } catch (DiskException e) {
      int length = bytes.limit() - start;
      bytes.position(start);
      Bytes.zero(bytes, length);
      note(position, length, e.getMessage());
    }
  }

  private synchronized void note(long position, int length, String why) {
    lostBytes += length;
    ConvertReport.Lost last = lost.isEmpty() ? null : lost.getLast();
    if (last != null && last.position() + last.length() == position) {
      lost.removeLast();
      lost.add(new ConvertReport.Lost(last.position(), last.length() + length, last.why()));
    } else if (lost.size() < ConvertReport.MOST) {
      lost.add(new ConvertReport.Lost(position, length, why));
    }
  }

  /** What was lost, in order of position. */
  synchronized List<ConvertReport.Lost> lost() {
    return lost.stream().sorted((a, b) -> Long.compare(a.position(), b.position())).toList();
  }

  synchronized long lostBytes() {
    return lostBytes;
  }
}
