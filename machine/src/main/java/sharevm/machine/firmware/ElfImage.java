package sharevm.machine.firmware;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a loader needs of an ELF executable ([ELF] "ELF Header", "Program Header").
 *
 * @param file its bytes
 * @param wide whether it is of class ELFCLASS64
 * @param machine EM_386 or EM_X86_64
 * @param entry the entry point as the header has it
 * @param segments the program headers of type PT_LOAD that have memory, in file order
 * @param notes the program headers of type PT_NOTE
 */
public record ElfImage(
    GuestFile file,
    boolean wide,
    int machine,
    long entry,
    List<Segment> segments,
    List<Segment> notes) {
  /** Intel 80386. */
  public static final int EM_386 = 3;

  /** AMD x86-64. */
  public static final int EM_X86_64 = 62;

  private static final long MAGIC = 0x464C_457FL;
  private static final int MAX_HEADERS = 1024;
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;

  /** A program header. */
  public record Segment(
      long offset, long virtual, long physical, long fileBytes, long memoryBytes) {}

  /** Copies the lists. */
  public ElfImage {
    segments = List.copyOf(segments);
    notes = List.copyOf(notes);
  }

  /** Returns whether a file begins as ELF does. */
  public static boolean fits(GuestFile file) {
    return file.contains(0, 52) && file.u32(0) == MAGIC;
  }

  /**
   * Reads the headers of a file that {@link #fits}; an executable for another machine is refused.
   */
  public static ElfImage parse(GuestFile file) {
    return parse(file, file.size());
  }

  /**
   * Reads the headers of a file of which not all is at hand.
   *
   * @param file its first bytes, which {@link #fits}
   * @param fileBytes its length
   */
  static ElfImage parse(GuestFile file, long fileBytes) {
    boolean wide = file.u8(4) == 2;
    int machine = file.u16(18);
    if (file.u8(5) != 1 || (machine != EM_386 && machine != EM_X86_64)) {
      throw new LoaderException(
          "%s: an ELF file for machine type %d, not x86; give a kernel for i386 or x86-64"
              .formatted(file.name(), machine));
    }
    long table = wide ? file.u64(32) : file.u32(28);
    int entryBytes = file.u16(wide ? 54 : 42);
    int count = file.u16(wide ? 56 : 44);
    if (count > MAX_HEADERS || entryBytes < (wide ? 56 : 32)) {
      throw new LoaderException(
          "%s: %d program headers of %d bytes each: a damaged ELF file; fetch it again"
              .formatted(file.name(), count, entryBytes));
    }
    List<Segment> segments = new ArrayList<>();
    List<Segment> notes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long at = table + (long) i * entryBytes;
      long type = file.u32(at);
      if (type == PT_LOAD || type == PT_NOTE) {
        Segment segment = wide ? segment64(file, at) : segment32(file, at);
        file.checkContains(fileBytes, segment.offset(), segment.fileBytes());
        if (type == PT_NOTE) {
          notes.add(segment);
        } else if (segment.memoryBytes() != 0) {
          segments.add(segment);
        }
      }
    }
    long entry = wide ? file.u64(24) : file.u32(24);
    return new ElfImage(file, wide, machine, entry, segments, notes);
  }

  /** Returns the first address that a segment takes physically. */
  public long physicalStart() {
    return segments.stream().mapToLong(Segment::physical).min().orElse(0);
  }

  /** Returns the first address behind all segments physically. */
  public long physicalEnd() {
    return segments.stream().mapToLong(s -> s.physical() + s.memoryBytes()).max().orElse(0);
  }

  /** Returns whether every segment has a place in a range of a guest's memory. */
  boolean fitsBetween(long from, long to) {
    return !segments.isEmpty()
        && segments.stream()
            .allMatch(
                s ->
                    s.physical() >= from
                        && s.physical() <= to
                        && s.memoryBytes() >= s.fileBytes()
                        && s.memoryBytes() <= to - s.physical());
  }

  /** Puts all segments at their physical addresses, the rest of their memory zero. */
  void copyTo(PhysicalMemory memory) {
    for (Segment s : segments) {
      file.copyTo(memory, s.physical(), s.offset(), s.fileBytes());
      memory.zero(s.physical() + s.fileBytes(), s.memoryBytes() - s.fileBytes());
    }
  }

  /** Returns where the entry point is physically, whether the header has it virtual or physical. */
  long physicalEntry() {
    for (Segment s : segments) {
      if (entry >= s.physical() && entry - s.physical() < s.memoryBytes()) {
        return entry;
      }
    }
    for (Segment s : segments) {
      if (Long.compareUnsigned(entry - s.virtual(), s.memoryBytes()) < 0) {
        return entry - s.virtual() + s.physical();
      }
    }
    return entry;
  }

  /** Returns the value, up to 8 bytes, of a note ([ELF] "Note Section"). */
  Optional<Long> note(String owner, int type) {
    for (Segment s : notes) {
      long end = s.offset() + s.fileBytes();
      long at = s.offset();
      while (at + 12 <= end) {
        long nameBytes = file.u32(at);
        long valueBytes = file.u32(at + 4);
        long name = at + 12;
        long value = name + (nameBytes + 3 & ~3L);
        if (value + valueBytes > end) {
          break;
        }
        if (file.u32(at + 8) == type && named(name, nameBytes, owner) && valueBytes >= 4) {
          return Optional.of(valueBytes >= 8 ? file.u64(value) : file.u32(value));
        }
        at = value + (valueBytes + 3 & ~3L);
      }
    }
    return Optional.empty();
  }

  private boolean named(long at, long length, String owner) {
    if (length != owner.length() + 1) {
      return false;
    }
    for (int i = 0; i < owner.length(); i++) {
      if (file.u8(at + i) != owner.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static Segment segment64(GuestFile f, long at) {
    return new Segment(
        f.u64(at + 8), f.u64(at + 16), f.u64(at + 24), f.u64(at + 32), f.u64(at + 40));
  }

  private static Segment segment32(GuestFile f, long at) {
    return new Segment(
        f.u32(at + 4), f.u32(at + 8), f.u32(at + 12), f.u32(at + 16), f.u32(at + 20));
  }
}
