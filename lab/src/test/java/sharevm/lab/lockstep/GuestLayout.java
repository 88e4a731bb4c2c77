package sharevm.lab.lockstep;

/** Where everything is in a guest's linear and physical memory. */
final class GuestLayout {
  /** Pages of code, which also hold some data. */
  static final long CODE = 0x40_0000;

  static final int CODE_PAGES = 4;

  /** Bytes of data at the end of each page of code. */
  static final int POOL = 256;

  /** Pages that programs read and write; some are missing or may not be written at first. */
  static final long DATA = 0x1000_0000;

  static final int DATA_PAGES = 32;

  /** The page at the end of data that has the counters of loops, and is always there. */
  static final long COUNTERS = DATA + 0x8_0000;

  static final long STACK = 0x2000_0000;
  static final int STACK_PAGES = 4;

  /** Where a supervisor finds the page table of {@link #DATA}. */
  static final long TABLE_ALIAS = 0x3000_0000;

  /** Tables of the processor, handlers that halt, and their stack: for supervisors alone. */
  static final long SYSTEM = 0xf000_0000L;

  static final int SYSTEM_PAGES = 8;
  static final int GDT = 0;
  static final int TSS = 0x400;
  static final int IDT = 0x1000;
  static final int HANDLERS = 0x2000;
  static final int STACK_TOP = 0x7000;

  /** Physical addresses; up to {@link #LOW_TOP} they are offsets in RAM as well. */
  static final int SYSTEM_RAM = 0x1_0000;

  static final int TABLES_RAM = 0x10_0000;
  static final int CODE_RAM = 0x14_0000;
  static final int COUNTERS_RAM = 0x14_8000;
  static final int STACK_RAM = 0x15_0000;
  static final int DATA_RAM = 0x16_0000;
  static final int LOW_TOP = 0x1c_0000;

  /** RAM above 4 GiB, which follows the lower one in RAM. */
  static final long HIGH = 1L << 32;

  static final int HIGH_SIZE = 0x4_0000;
  static final int RAM_SIZE = LOW_TOP + HIGH_SIZE;

  private GuestLayout() {}
}
