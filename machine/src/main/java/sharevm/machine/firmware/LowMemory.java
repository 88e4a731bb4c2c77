package sharevm.machine.firmware;

import sharevm.machine.firmware.EntryState.Segment;
import sharevm.machine.firmware.EntryState.Table;

/**
 * Where a loader's own tables lie in the first 640 KiB, and how they are made.
 *
 * <pre>
 *   00000  interrupt vectors, BIOS data        10000  setup code of a kernel entered in real mode
 *   01000  global descriptor table             1E000  its command line
 *   02000  Multiboot or PVH start info         20000  command line
 *   07000  zero page                           30000  memory map, module list, their texts
 *   08000  setup_data                          9FC00  extended BIOS data
 *   09000  page tables, six pages
 * </pre>
 */
final class LowMemory {
  static final long GDT = 0x1000;
  static final long START_INFO = 0x2000;
  static final long ZERO_PAGE = 0x7000;
  static final long SETUP_DATA = 0x8000;
  static final long PAGE_TABLES = 0x9000;
  static final long STACK_TOP = 0x7000;
  static final long COMMAND_LINE = 0x2_0000;
  static final long LISTS = 0x3_0000;
  static final long LISTS_END = 0x8_0000;

  /** Longest command line that has room, without its ending zero. */
  static final int COMMAND_LINE_MAX = 0xFFFF;

  /** __BOOT_CS of Linux; [BOOT] "32-bit Boot Protocol". */
  static final int CODE = 0x10;

  /** __BOOT_DS of Linux. */
  static final int DATA = 0x18;

  static final int TASK = 0x20;

  private static final int CODE_32 = 0xC09B;
  private static final int CODE_64 = 0xA09B;
  private static final int DATA_FLAT = 0xC093;
  private static final int TASK_BUSY = 0x008B;
  private static final int TASK_LIMIT = 0x67;
  private static final long FLAT_LIMIT = 0xFFFF_FFFFL;
  private static final int GDT_BYTES = 0x30;
  private static final long PRESENT_WRITABLE = 3;
  private static final long LARGE = 1 << 7;
  private static final long PAGE = 0x1000;
  private static final long LARGE_PAGE = 2L << 20;
  private static final int DIRECTORIES = 4;

  private LowMemory() {}

  static Segment code(boolean wide) {
    return new Segment(CODE, 0, FLAT_LIMIT, wide ? CODE_64 : CODE_32);
  }

  static Segment data() {
    return new Segment(DATA, 0, FLAT_LIMIT, DATA_FLAT);
  }

  static Segment task() {
    return new Segment(TASK, 0, TASK_LIMIT, TASK_BUSY);
  }

  /** Writes the descriptors that {@link #code}, {@link #data} and {@link #task} stand for. */
  static Table writeGdt(PhysicalMemory memory, boolean wide) {
    memory.zero(GDT, GDT_BYTES);
    memory.put64(GDT + CODE, descriptor(wide ? CODE_64 : CODE_32, 0xF_FFFF));
    memory.put64(GDT + DATA, descriptor(DATA_FLAT, 0xF_FFFF));
    memory.put64(GDT + TASK, descriptor(TASK_BUSY, TASK_LIMIT));
    return new Table(GDT, GDT_BYTES - 1);
  }

  /** Maps the first 4 GiB to themselves in 2 MiB pages (Intel SDM Vol. 3A 4.5); returns CR3. */
  static long writePageTables(PhysicalMemory memory) {
    long pointers = PAGE_TABLES + PAGE;
    long directory = pointers + PAGE;
    memory.zero(PAGE_TABLES, (2 + DIRECTORIES) * PAGE);
    memory.put64(PAGE_TABLES, pointers | PRESENT_WRITABLE);
    for (int i = 0; i < DIRECTORIES; i++) {
      memory.put64(pointers + 8L * i, directory + i * PAGE | PRESENT_WRITABLE);
    }
    for (long i = 0; i < DIRECTORIES * 512L; i++) {
      memory.put64(directory + 8 * i, i * LARGE_PAGE | LARGE | PRESENT_WRITABLE);
    }
    return PAGE_TABLES;
  }

  /** Writes a command line where it belongs and returns where. */
  static long writeCommandLine(PhysicalMemory memory, String text, int max) {
    if (text.length() > Math.min(max, COMMAND_LINE_MAX)) {
      throw new LoaderException(
          "the command line has %d characters, the kernel takes %d; shorten it"
              .formatted(text.length(), Math.min(max, COMMAND_LINE_MAX)));
    }
    memory.writeText(COMMAND_LINE, text);
    return COMMAND_LINE;
  }

  private static long descriptor(int attributes, long limit) {
    return limit & 0xFFFF | (long) attributes << 40 | (limit & 0xF_0000) << 32;
  }
}
