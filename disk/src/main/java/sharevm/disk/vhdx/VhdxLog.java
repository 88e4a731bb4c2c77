package sharevm.disk.vhdx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import sharevm.disk.DiskException;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.MetaCache.Change;
import sharevm.disk.io.Storage;

/**
 * The log ([MS-VHDX] 2.3): pages of metadata are written here before they are written in their
 * place, so that a cut of power within the latter can be made good.
 *
 * <p>Each entry written here stands alone: its tail is itself, since what earlier ones held is in
 * place by then. Entries alternate between places, so the last whole one is never overwritten.
 */
final class VhdxLog {
  static final int SECTOR = 4096;

  /** "loge", "desc", "zero" and "data" as stored. */
  static final int ENTRY = 0x65676f6c;

  static final int DESCRIPTOR = 0x63736564;
  static final int ZERO = 0x6f72657a;
  static final int DATA = 0x61746164;
  private static final int HEADER = 64;
  private static final int DESCRIPTOR_SIZE = 32;

  private final Storage file;
  private final long offset;
  private final int length;
  private long sequence = 1;
  private int position;

  VhdxLog(Storage file, VhdxHeader header) {
    this.file = file;
    this.offset = header.logOffset();
    this.length = header.logLength();
  }

  /** A valid entry: where it is in the log and what it consists of. */
  private record Entry(int at, int length, int tail, long sequence, ByteBuffer bytes) {}

  /** One write that the log holds; {@code bytes} is null for zeroes. */
  record Replay(long offset, long length, byte[] bytes) {}

  /** What must be written before anything is read, in order; empty when the log holds nothing. */
  List<Replay> replays(VhdxHeader header) throws DiskException {
    if (header.logGuid().equals(VhdxHeader.NO_LOG) || length == 0) {
      return List.of();
    }
    List<Entry> active = activeSequence(header.logGuid());
    if (active.isEmpty()) {
      throw DiskException.corrupt(
          file.name(), offset, "the log is in use but holds no valid sequence of entries");
    }
    List<Replay> replays = new ArrayList<>();
    for (Entry entry : active) {
      decode(entry, replays);
    }
    return replays;
  }

  /** The file length that the newest entry expects ("LastFileOffset"); 0 when there is none. */
  long expectedLength(VhdxHeader header) throws DiskException {
    List<Entry> active = activeSequence(header.logGuid());
    if (active.isEmpty()) {
      return 0;
    }
    ByteBuffer newest = active.getLast().bytes();
    if (newest.getLong(48) > file.size()) {
      throw DiskException.corrupt(
          file.name(), offset, "the file is shorter than it was when its log was written");
    }
    long last = newest.getLong(56);
    if (last < 0 || last > 128 * Bytes.TIB) {
      throw DiskException.corrupt(file.name(), offset, "the log expects an absurd file length");
    }
    return last;
  }

  /** The valid sequence with the highest numbers, from its tail on ("Log Replay"). */
  private List<Entry> activeSequence(UUID guid) throws DiskException {
    List<Entry> best = List.of();
    for (int at = 0; at < length; ) {
      List<Entry> sequenceFrom = sequenceAt(at, guid);
      int next = at + SECTOR;
      if (!sequenceFrom.isEmpty()) {
        Entry head = sequenceFrom.getLast();
        List<Entry> active = fromTail(sequenceFrom, head.tail());
        if (!active.isEmpty() && (best.isEmpty() || head.sequence() > best.getLast().sequence())) {
          best = active;
        }
        int end = head.at() + head.length();
        next = end > at ? end : length;
      }
      at = next;
    }
    return best;
  }

  private static List<Entry> fromTail(List<Entry> entries, int tail) {
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i).at() == tail) {
        return entries.subList(i, entries.size());
      }
    }
    return List.of();
  }

  private List<Entry> sequenceAt(int start, UUID guid) throws DiskException {
    List<Entry> entries = new ArrayList<>();
    int at = start;
    long total = 0;
    while (true) {
      Entry entry = entryAt(at, guid);
      boolean follows =
          entry != null
              && (entries.isEmpty() || entry.sequence() == entries.getLast().sequence() + 1);
      if (!follows || total + entry.length() > length) {
        return entries;
      }
      entries.add(entry);
      total += entry.length();
      at = (at + entry.length()) % length;
    }
  }

  private Entry entryAt(int at, UUID guid) throws DiskException {
    ByteBuffer head = read(at, SECTOR);
    int size = head.getInt(8);
    if (head.getInt(0) != ENTRY
        || size <= 0
        || size % SECTOR != 0
        || size > length
        || !Bytes.guid(head, 32).equals(guid)) {
      return null;
    }
    ByteBuffer bytes = size == SECTOR ? head : read(at, size);
    long descriptors = bytes.getInt(24) & 0xffffffffL;
    int tail = bytes.getInt(12);
    boolean valid =
        Crc32c.isRight(bytes)
            && bytes.getLong(16) > 0
            && descriptors <= (size - HEADER) / DESCRIPTOR_SIZE
            && tail >= 0
            && tail < length
            && tail % SECTOR == 0;
    return valid ? new Entry(at, size, tail, bytes.getLong(16), bytes) : null;
  }

  /** Reads from the log, round its end. */
  private ByteBuffer read(int at, int size) throws DiskException {
    ByteBuffer out = Bytes.buffer(size, ByteOrder.LITTLE_ENDIAN);
    int first = Math.min(size, length - at);
    file.readPadded(Bytes.take(out, first), offset + at);
    if (first < size) {
      file.readPadded(Bytes.take(out, size - first), offset);
    }
    return out.clear();
  }

  private void decode(Entry entry, List<Replay> replays) throws DiskException {
    ByteBuffer in = entry.bytes();
    int count = in.getInt(24);
    int data = (int) Bytes.roundUp(HEADER + (long) count * DESCRIPTOR_SIZE, SECTOR);
    for (int i = 0; i < count; i++) {
      int at = HEADER + i * DESCRIPTOR_SIZE;
      int signature = in.getInt(at);
      long target = in.getLong(at + 16);
      long size = signature == ZERO ? in.getLong(at + 8) : SECTOR;
      boolean right =
          (signature == ZERO || signature == DESCRIPTOR)
              && in.getLong(at + 24) == entry.sequence()
              && target >= 0
              && target % SECTOR == 0
              && size >= 0
              && size % SECTOR == 0
              && target <= 128 * Bytes.TIB - size;
      if (!right) {
        throw DiskException.corrupt(
            file.name(), offset + entry.at() + at, "a log descriptor is invalid");
      }
      if (signature == ZERO) {
        replays.add(new Replay(target, size, null));
        continue;
      }
      replays.add(new Replay(target, SECTOR, page(entry, at, data)));
      data += SECTOR;
    }
  }

  /** Puts a page together: its first 8 and last 4 bytes are in the descriptor. */
  private byte[] page(Entry entry, int descriptor, int data) throws DiskException {
    ByteBuffer in = entry.bytes();
    boolean right =
        data + SECTOR <= entry.length()
            && in.getInt(data) == DATA
            && in.getInt(data + 4) == (int) (entry.sequence() >>> 32)
            && in.getInt(data + SECTOR - 4) == (int) entry.sequence();
    if (!right) {
      throw DiskException.corrupt(
          file.name(), offset + entry.at() + data, "a data sector of the log is invalid");
    }
    byte[] page = new byte[SECTOR];
    in.get(descriptor + 8, page, 0, 8);
    in.get(data + 8, page, 8, SECTOR - 12);
    in.get(descriptor + 4, page, SECTOR - 4, 4);
    return page;
  }

  /** How many pages one entry may hold, so that two entries fit the log. */
  int mostPages() {
    return length / 2 / SECTOR - 2;
  }

  /** Writes one entry and returns when it is on stable storage. */
  void append(List<Change> pages, UUID guid) throws DiskException {
    int descriptors = (int) Bytes.roundUp(HEADER + (long) pages.size() * DESCRIPTOR_SIZE, SECTOR);
    int size = descriptors + pages.size() * SECTOR;
    if (position + size > length) {
      position = 0;
    }
    ByteBuffer out = Bytes.buffer(size, ByteOrder.LITTLE_ENDIAN);
    long fileLength = file.size();
    out.putInt(0, ENTRY).putInt(8, size).putInt(12, position).putLong(16, sequence);
    out.putInt(24, pages.size());
    Bytes.putGuid(out, 32, guid);
    out.putLong(48, fileLength).putLong(56, fileLength);
    int data = descriptors;
    for (int i = 0; i < pages.size(); i++) {
      ByteBuffer page = pages.get(i).bytes().duplicate();
      int at = HEADER + i * DESCRIPTOR_SIZE;
      out.putInt(at, DESCRIPTOR);
      out.put(at + 4, page, SECTOR - 4, 4).put(at + 8, page, 0, 8);
      out.putLong(at + 16, pages.get(i).offset()).putLong(at + 24, sequence);
      out.putInt(data, DATA).putInt(data + 4, (int) (sequence >>> 32));
      out.put(data + 8, page, 8, SECTOR - 12);
      out.putInt(data + SECTOR - 4, (int) sequence);
      data += SECTOR;
    }
    Crc32c.put(out);
    file.write(out.clear(), offset + position);
    file.force();
    position += size;
    sequence++;
  }
}
