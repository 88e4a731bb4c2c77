package sharevm.translator;

import sharevm.cpu.CpuState;
import sharevm.translator.Assembler.Place;

/**
 * What translated code finds at fixed distances from R15: the layout shared with {@link CpuState},
 * in which R15 points {@link #BIAS} bytes past the start so that what is used most is within a
 * one-byte displacement.
 *
 * <pre>
 *     0  XMM0 to XMM15, MXCSR, attention word     (CpuState)
 *   288  what code seldom needs: of the walk of page tables, of the system
 *  2864  general registers, flags, budget, RIP, bases of FS and GS, windows
 *   4 Ki three TLBs: user, supervisor, supervisor while EFLAGS.AC suspends SMAP
 * 308 Ki mirrors of user pages
 * 448 Ki jump caches
 *    1 Mi lists of filled TLB entries, regions with large pages
 * 1200 Ki the jump cache behind the others, list of entries in those of user modes, their pages
 * 1356 Ki jump caches of modes where segments count
 * </pre>
 */
final class Context {
  /**
   * Distance of R15 from the start of the layout. Since the layout's address ends in 16 zero bits,
   * R15 is also what BEXTR wants to be told: that a page's number in a TLB is {@link #TLB_BITS}
   * bits (in bits 15 to 8) from bit 12 on (in bits 7 to 0).
   */
  static final int BIAS = Context.TLB_BITS << 8 | 12;

  /** The status flags in memory: OF in bit 0, and in bits 15 to 8 what LAHF gives. */
  static final int FLAGS = 2992;

  /** Instructions that may be executed before code looks at the attention word. */
  static final int BUDGET = 3000;

  /** Instructions that may be executed after those. */
  static final int BUDGET_REST = 320;

  /** MXCSR of the host's code. */
  static final int HOST_MXCSR = 288;

  /** Whether the guest's XMM registers are in the host's: a byte. */
  static final int XMM_LIVE = 2996;

  /** The same of x87 and MMX registers. */
  static final int X87_LIVE = 2997;

  /** The stack pointer on entry. */
  static final int HOST_RSP = 296;

  /** Linear address of an access that missed the TLB. */
  static final int MISS_ADDRESS = 304;

  /** Where translated code goes on after a miss. */
  static final int MISS_RETURN = 312;

  /** What Java tells at each entry: see {@link SystemWords}. */
  static final int SYSTEM = 320;

  static final int SYSTEM_END = 524;

  /** General registers, eight bytes each: the first of what Java tells and takes at once. */
  static final int GPR = 2864;

  static final int RIP = 3008;
  static final int FS_BASE = 3016;
  static final int GS_BASE = 3024;

  /** Where that ends. */
  static final int NEAR_END = 3032;

  /** Host address of a string's source, then what leads back from it to the guest's. */
  static final int SOURCE = 3032;

  /** Six words for {@link WalkStub}. */
  static final int SCRATCH = 640;

  /** What the walk of page tables in machine code depends on: see {@link ContextAccess#enter}. */
  static final int WALK_ROOT = 328;

  static final int FRAME_MASK = 696;
  static final int SMAP_MASK = 432;
  static final int LOW_TOP = 336;
  static final int HIGH_TOP = 344;
  static final int RAM_OFFSET_OF_HIGH = 352;
  static final int RAM_HOST = 736;
  static final int CODE_MARKS = 744;

  /** Host addresses of the running block's windows. */
  static final int WINDOWS = 3072;

  /** The three TLBs. */
  static final int TLB = 4096;

  static final int TLB_BITS = 12;
  static final int TLB_ENTRY_SHIFT = 3;

  /**
   * Bytes of each array of a TLB: some more than it needs, lest the words of an entry be in one set
   * of the host's cache.
   */
  private static final int TLB_ARRAY = (1 << TLB_BITS + TLB_ENTRY_SHIFT) + 21 * 64;

  static final int TLB_SIZE = 3 * TLB_ARRAY;

  /**
   * Arrays of a TLB, a word for each page: linear page that may be read, that may be written, host
   * address of the page.
   */
  static final int TLB_READ = 0;

  static final int TLB_WRITE = TLB_ARRAY;
  static final int TLB_HOST = 2 * TLB_ARRAY;

  /**
   * A word for each entry of the user TLB: host address where its page appears in a {@link Mirrors
   * mirror}, if it does. Not in the set of the host's cache where the other words of an entry are.
   */
  static final int MIRROR = (308 << 10) + 3 * 21 * 64;

  /** What is to be added to a linear address for its mirror, by the number of who asks. */
  static final int MIRROR_DISTANCES = 348 << 10;

  static final int MIRROR_DISTANCE_BITS = 9;

  /**
   * Tables of pages that appear in a mirror: linear page, host address of the page in guest memory
   * and in the mirror. A page's number in them is that of its TLB entry, changed by the bits of
   * {@link #ADDRESS_SPACE}.
   */
  static final int MIRRORED_PAGE = 352 << 10;

  static final int MIRRORED_MEMORY = 384 << 10;
  static final int MIRRORED_HOST = 416 << 10;

  /** Jump caches: pairs of RIP and host address, a table for each mode in use. */
  static final int JUMPS = 448 << 10;

  static final int JUMP_TABLES = 9;
  static final int JUMP_BITS = 12;

  /** What is behind them, for all modes together: pairs of a tag and a host address. */
  static final int MORE_JUMPS = 1200 << 10;

  static final int MORE_JUMP_BITS = 13;

  /**
   * The list of entries in jump caches of user modes that have been filled: a count, then from
   * {@link #LIST_START} on their distances from the start of the layout.
   */
  static final int USER_JUMPS = 1328 << 10;

  static final int MOST_USER_JUMPS = 4096;

  /** A bit for each page, by low bits of its number, to which entries of jump caches lead. */
  static final int JUMP_PAGES = 1345 << 10;

  /** Jump caches of modes where segments count: see {@link SegmentedJumps}. */
  static final int SEGMENTED_JUMPS = 1356 << 10;

  static final int SEGMENTED_TABLES = 16;
  static final int SEGMENTED_JUMP_BITS = 10;

  /** What tells the address space in force from others, in eight bytes: see {@link JumpCache}. */
  static final int JUMP_SPACE = 848;

  /** Distance of the first of the jump caches of user modes, which are behind the others. */
  static final int FIRST_USER_JUMPS = 856;

  /** What spreads the jumps of the address space in force over the table for all, four bytes. */
  static final int JUMP_SPACE_SPREAD = 860;

  /** What is left of the budget behind an IRET that has set RF, eight bytes; or -1. */
  static final int RESUMED_AT = 384;

  /** Base of the GDT, eight bytes. */
  static final int GDT_BASE = 376;

  /** How far the GDT goes behind its first, null descriptor, less a descriptor and one byte. */
  static final int GDT_ROOM = 468;

  /** A bit for each segment register that code has loaded from the GDT. */
  static final int SEGMENTS_LOADED = 472;

  /** A bit for each segment register that a return to level 3 would make null. */
  static final int SEGMENTS_PRIVILEGED = 476;

  /** Whether IRET neither unblocks NMI nor returns from a task. */
  static final int IRET_IS_PLAIN = 480;

  /** What has been loaded: descriptors of eight bytes each, or 0 with a null selector. */
  static final int DESCRIPTORS = 896;

  /** Whether SYSENTER and SYSEXIT are between levels of 32-bit code. */
  static final int SYSENTER_IS_PLAIN = 484;

  /** IA32_SYSENTER_CS, without its low bits. */
  static final int SYSENTER_CS = 488;

  /** IA32_SYSENTER_ESP and IA32_SYSENTER_EIP. */
  static final int SYSENTER_ESP = 492;

  static final int SYSENTER_EIP = 496;

  /** Five words of eight bytes that an IRET pops, or a selector that is being loaded. */
  static final int POPPED = 960;

  /** Descriptors that an IRET has found for CS and SS, eight bytes each. */
  static final int POPPED_CODE = 1000;

  static final int POPPED_STACK = 1008;

  // System state that code reads and writes, four bytes each where nothing else is said.

  /** IF, in its place in RFLAGS. */
  static final int INTERRUPT_FLAG = 436;

  /** AC, in its place in RFLAGS. */
  static final int AC_FLAG = 440;

  /** The other system flags. */
  static final int SYSTEM_FLAGS = 444;

  /** The system flags that SYSCALL lets be: what IA32_FMASK has not. */
  static final int KEPT_FLAGS = 448;

  /** Whose CS and SS are in force: see {@link SystemInstructions}. */
  static final int SEGMENTS = 452;

  /** Whether an interrupt waits for IF. */
  static final int INTERRUPT_WAITS = 456;

  /** Whether SYSCALL is enabled and clears all status flags, IF, TF, DF, NT and AC. */
  static final int SYSCALL_IS_PLAIN = 460;

  /** CR4.FSGSBASE. */
  static final int BASES_ALLOWED = 464;

  /** IA32_KERNEL_GS_BASE, eight bytes. */
  static final int KERNEL_GS_BASE = 360;

  /** IA32_LSTAR, eight bytes. */
  static final int LSTAR = 368;

  /** Number of the exit site that wants a page in a mirror, four bytes. */
  static final int MIRROR_SITE = 832;

  /** How many more accesses may want a page in a mirror before Java is asked for one. */
  static final int MIRROR_WISHES = 836;

  /** How many more {@link #MIRROR_DISTANCES} may change before Java hears of it. */
  static final int MIRROR_CHANGES = 840;

  /** A few bits that differ between address spaces. */
  static final int ADDRESS_SPACE = 844;

  /** Selectors, four bytes each; those of CS and SS may be out of date in 64-bit code. */
  static final int SELECTORS = 500;

  // What x87 instructions use: see FloatingPoint.

  /** An image of XSAVE: legacy region and header; 64 bytes apart from others, as that wants. */
  static final int X87 = 1024;

  /** Numbers of exit sites that name the last instruction, and the last with an operand; or 0. */
  static final int X87_LAST = 1600;

  static final int X87_LAST_DATA = 1604;

  /** Offset of the last operand in its segment, eight bytes. */
  static final int X87_ADDRESS = 1608;

  /** A control word on its way into the unit. */
  static final int X87_CONTROL = 1616;

  // What RDTSC uses: see TimestampCounter.

  /** Address of the function that reads the host's clock, eight bytes. */
  static final int CLOCK_FUNCTION = 1624;

  /** What that gives: seconds and nanoseconds, eight bytes each. */
  static final int TIME = 1632;

  /** By how much the counter is ahead of that, eight bytes. */
  static final int TSC_AHEAD = 1648;

  /** Which code may read it here. */
  static final int TSC_READABLE = 1656;

  /** IA32_TSC_AUX. */
  static final int TSC_AUX = 1660;

  /** Pages that code has flushed: a count, then linear addresses of eight bytes. */
  static final int FLUSHED = 1664;

  static final int FLUSHED_PAGES = 1672;

  /** CR0, CR2, CR3 and CR4 at eight bytes for each number. */
  static final int CONTROLS = 392;

  // What modes use where segments count: see Segments.

  /** Bases of ES, CS, SS and DS, eight bytes for each number. */
  static final int SEGMENT_BASES = 2048;

  /** The last offsets that may be read and written in segments, eight bytes each; -1 for none. */
  static final int READ_LIMITS = 2096;

  static final int WRITE_LIMITS = 2144;

  /** The last offset of the code segment, four bytes. */
  static final int CODE_LIMIT = 2192;

  /** The base of CS in the upper half of eight bytes. */
  static final int CODE_SPACE = 2200;

  /** Base of the IDT, eight bytes, and its limit, four bytes. */
  static final int IDT_BASE = 2208;

  static final int IDT_LIMIT = 2216;

  /**
   * Lists of TLB entries that have been filled: a count, then from {@link #LIST_START} on the
   * entries' distances from the start of the layout. Global pages have a list of their own.
   */
  static final int LOCAL_ENTRIES = 1 << 20;

  static final int LIST_START = 8;
  static final int MOST_ENTRIES = 16 << 10;
  static final int GLOBAL_ENTRIES = LOCAL_ENTRIES + (68 << 10);

  /**
   * A byte for each region of 2 MiB, and of 1 GiB, by low bits: whether a large page may be there.
   */
  static final int LARGE_REGIONS = GLOBAL_ENTRIES + (68 << 10);

  static final int LARGE_REGION_BITS = 12;
  static final int HUGE_REGIONS = LARGE_REGIONS + (1 << LARGE_REGION_BITS);
  static final int HUGE_REGION_BITS = 10;

  private Context() {}

  /**
   * Returns the number of the entry of a jump cache that a RIP belongs into.
   *
   * @param bits binary logarithm of the entries that there are
   */
  static int jumpNumber(long rip, int bits) {
    return ((int) rip ^ (int) rip >>> bits) & (1 << bits) - 1;
  }

  /** Returns a place for the assembler. */
  static Place at(int offset) {
    return Place.at(Assembler.R15, offset - BIAS);
  }

  /** Returns the place of a general register that has no host register. */
  static Place register(int number) {
    return at(GPR + 8 * number);
  }
}
