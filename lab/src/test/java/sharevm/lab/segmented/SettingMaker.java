package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.lab.lockstep.GuestMode.Paging;
import sharevm.lab.segmented.GuestSegment.Range;
import sharevm.lab.segmented.SegmentedMode.Kind;

/** Makes the random world of a program, so that what it may write to is data and stack alone. */
final class SettingMaker {
  /** Selectors of what exceptions need. */
  static final int KERNEL_CODE = 0x08;

  static final int KERNEL_DATA = 0x10;
  static final int TASK = 0x18;

  /** The most bytes that a program's code takes. */
  static final int MOST_CODE = 0x3000;

  private static final int LOADABLE = 8;
  private static final int ZONE_SIZE = 0x1000;
  private static final int GAP = 0x1000;
  private static final int FULL = 0xffff;
  private static final int CODE_OR_DATA =
      Segment.PRESENT | Segment.CODE_OR_DATA | Segment.READ_WRITE;
  private static final int BIG = Segment.DEFAULT_BIG;

  private final SegmentedMode mode;
  private final SplittableRandom random;
  private final int dpl;
  private final List<Long> descriptors = new ArrayList<>();

  private SettingMaker(SegmentedMode mode, SplittableRandom random) {
    this.mode = mode;
    this.random = random;
    dpl = (mode.user ? 3 : 0) << Segment.DPL_SHIFT;
    descriptors.add(0L);
    descriptors.add(0x00cf_9b00_0000_ffffL);
    descriptors.add(0x00cf_9300_0000_ffffL);
    descriptors.add(0x0000_8b00_0000_0067L | (long) Layout.TSS << 16);
  }

  static Setting make(SegmentedMode mode, long seed) {
    return new SettingMaker(mode, new SplittableRandom(seed)).make();
  }

  /** Returns a segment as a register has it that keeps a limit of 4 GiB. */
  static GuestSegment endless(GuestSegment s) {
    return new GuestSegment(
        s.selector(), s.base(), -1, s.attributes(), wideData(s.base()), s.narrow());
  }

  private Setting make() {
    long origin = origin();
    GuestSegment code = code(origin);
    GuestSegment stack = stack();
    GuestSegment otherStack = otherStack(stack);
    int zoneLow = random.nextInt(0x4000, 0x8000) & (random.nextInt(6) == 0 ? -1 : -4);
    long zone = stack.wide().low() + zoneLow;
    List<GuestSegment> loadable = new ArrayList<>();
    for (int n = 0; n < LOADABLE; n++) {
      loadable.add(data(n == 0));
    }
    int endless = mode == SegmentedMode.UNREAL ? random.nextInt(1, 64) & 0x39 : 0;
    List<GuestSegment> usual = usual(code, stack, loadable, endless);
    return new Setting(
        mode,
        paging(),
        iopl(),
        code,
        otherCode(code, origin),
        otherSize(code),
        stack,
        otherStack,
        new Range(zone, zone + ZONE_SIZE),
        alias(code),
        initial(usual, endless),
        usual,
        loadable,
        hidden(),
        invalid(),
        endless,
        origin,
        descriptors);
  }

  /** What virtual-8086 code may do depends on it, and what user code may do about interrupts. */
  private int iopl() {
    return random.nextBoolean() ? 3 : 0;
  }

  private Paging paging() {
    Paging paging = random.nextBoolean() ? Paging.LEGACY : Paging.PAE;
    return mode.paged ? paging : null;
  }

  private long origin() {
    return mode.kind == Kind.FLAT
        ? Layout.CODE + random.nextInt(0x100, 0x1_0000)
        : random.nextInt(0x20, 0xb000);
  }

  /** Gives a segment a place in the GDT; the accessed flag is set or not. */
  private GuestSegment add(GuestSegment s) {
    boolean loaded = random.nextInt(3) != 0;
    long accessed = (long) Segment.ACCESSED << 40;
    descriptors.add(loaded ? s.descriptor() | accessed : s.descriptor() & ~accessed);
    return s.named(descriptors.size() - 1 << 3 | (mode.user ? 3 : 0));
  }

  private static GuestSegment real(long base, int code, int dpl) {
    Range full = new Range(0, FULL);
    int attributes = Segment.REAL_DATA | code | dpl;
    return new GuestSegment((int) (base >> 4), base, FULL, attributes, full, full);
  }

  /** Virtual-8086 mode has all segments alike. */
  private int realCode() {
    return mode.kind == Kind.REAL ? Segment.CODE : 0;
  }

  private int kindOf(int attributes) {
    return attributes | CODE_OR_DATA | Segment.ACCESSED | dpl;
  }

  private GuestSegment flat(int attributes, int low, int high) {
    Range wide = new Range(low, high);
    Range narrow = new Range(Layout.SCRATCH + 0x800, FULL);
    int all = kindOf(attributes) | BIG | Segment.GRANULAR;
    return add(new GuestSegment(0, 0, -1, all, wide, narrow));
  }

  // Code.

  private GuestSegment code(long origin) {
    long base = Layout.CODE + random.nextInt(0x100, 0x4000);
    Range program = new Range(origin, origin + MOST_CODE);
    if (mode.kind == Kind.FLAT) {
      return flat(Segment.CODE, Layout.CODE, Layout.CODE_END);
    }
    if (mode.realSegments()) {
      return real(base & -16, realCode(), dpl);
    }
    int limit =
        switch (random.nextInt(3)) {
          case 0 -> FULL;
          case 1 -> 0x1_0000 + random.nextInt(0x2000);
          default -> (int) origin + MOST_CODE + random.nextInt(0x1000);
        };
    int attributes = kindOf(Segment.CODE) | (mode.size == 4 ? BIG : 0);
    return add(new GuestSegment(0, base, limit, attributes, program, program));
  }

  private GuestSegment otherCode(GuestSegment code, long origin) {
    if (mode.kind == Kind.FLAT) {
      return flat(Segment.CODE, Layout.CODE, Layout.CODE_END);
    }
    long most = Math.min(0x1000, FULL - origin - MOST_CODE);
    long shift = random.nextLong(-Math.min(0x1000, origin), most);
    if (mode.realSegments()) {
      // The limit is that of the register, which a far transfer keeps.
      GuestSegment other = real(code.base() - (shift >> 4 << 4), realCode(), dpl);
      return new GuestSegment(
          other.selector(), other.base(), code.limit(), other.attributes(), code.wide(), null);
    }
    int limit = (int) (origin + shift) + MOST_CODE + random.nextInt(0x4000);
    return add(
        new GuestSegment(
            0, code.base() - shift, limit, code.attributes(), code.wide(), code.narrow()));
  }

  private GuestSegment otherSize(GuestSegment code) {
    int attributes = code.attributes() ^ BIG;
    return mode.kind == Kind.DESCRIPTORS
        ? add(
            new GuestSegment(0, code.base(), code.limit(), attributes, code.wide(), code.narrow()))
        : null;
  }

  private GuestSegment alias(GuestSegment code) {
    if (mode.realSegments()) {
      return real(code.base(), 0, dpl);
    }
    return mode.kind == Kind.FLAT
        ? flat(0, Layout.CODE, Layout.CODE_END)
        : add(new GuestSegment(0, code.base(), 0x1_ffff, kindOf(BIG), code.wide(), code.narrow()));
  }

  // The stack.

  private GuestSegment stack() {
    long base = Layout.STACK + random.nextInt(0x8000);
    if (mode.kind == Kind.FLAT) {
      return flat(0, Layout.STACK, Layout.STACK + FULL);
    }
    if (mode.realSegments()) {
      return realStack(base & -16);
    }
    boolean big = random.nextBoolean();
    boolean down = random.nextInt(3) == 0;
    if (big && random.nextInt(3) == 0) {
      return highStack(base, down);
    }
    int attributes = kindOf((big ? BIG : 0) | (down ? Segment.EXPAND_CONFORM : 0));
    int low = down ? random.nextInt(0x4000) : 0;
    int limit = down ? low - 1 : random.nextBoolean() ? FULL : 0xa000 + random.nextInt(0x5000);
    if (down && low == 0) {
      low = 1;
      limit = 0;
    }
    Range range = new Range(low, down ? FULL : limit);
    return add(new GuestSegment(0, base, limit, attributes, range, range));
  }

  private GuestSegment realStack(long base) {
    GuestSegment stack = real(base, 0, dpl);
    boolean big = mode == SegmentedMode.UNREAL && random.nextInt(3) == 0;
    return big
        ? new GuestSegment(
            stack.selector(), base, -1, stack.attributes() | BIG, stack.wide(), stack.narrow())
        : stack;
  }

  /** Offsets that need all 32 bits. */
  private GuestSegment highStack(long base, boolean down) {
    long low = random.nextLong(0x10_0000, 0xfff0_0000L) & -4096;
    int attributes = kindOf(BIG | Segment.GRANULAR | (down ? Segment.EXPAND_CONFORM : 0));
    long limit = down ? low - 1 : low + FULL | 0xfff;
    Range range = new Range(low, low + FULL);
    long start = base - low & 0xffff_ffffL;
    return add(new GuestSegment(0, start, (int) limit, attributes, range, null));
  }

  private GuestSegment otherStack(GuestSegment stack) {
    if (mode.kind == Kind.FLAT) {
      return flat(0, Layout.STACK, Layout.STACK + FULL);
    }
    long base = stack.base() + (random.nextInt(0x10, 0x400) & (mode.realSegments() ? -16 : -1));
    GuestSegment other =
        new GuestSegment(
            (int) (base >> 4),
            base & 0xffff_ffffL,
            stack.limit(),
            stack.attributes(),
            stack.wide(),
            stack.narrow());
    return mode.realSegments() ? other : add(other);
  }

  // Data.

  /** Returns offsets in a segment of 4 GiB. */
  private static Range wideData(long base) {
    return new Range(0, Layout.DATA_END - GAP - base);
  }

  /**
   * A segment for ES, DS, FS and GS.
   *
   * @param plain whether all data can be reached and written
   */
  private GuestSegment data(boolean plain) {
    long base = Layout.DATA + GAP + random.nextInt(0x3_0000);
    if (mode.kind == Kind.FLAT) {
      return flat(0, Layout.DATA + GAP, Layout.DATA_END - GAP);
    }
    return mode.realSegments()
        ? real(base & -16, 0, dpl)
        : described(plain ? random.nextInt(3) : random.nextInt(10), base);
  }

  /** Those that real-address mode has room for, and that no load from there would keep useless. */
  private List<GuestSegment> hidden() {
    List<GuestSegment> hidden = new ArrayList<>();
    if (mode.kind == Kind.REAL) {
      for (int kind : new int[] {0, 1, 3, 4, 6, 7, 9}) {
        hidden.add(described(kind, Layout.DATA + GAP + random.nextInt(0x3_0000)));
      }
    }
    return hidden;
  }

  private GuestSegment described(int kind, long base) {
    Range full = new Range(0, FULL);
    int big = random.nextBoolean() ? BIG : 0;
    return switch (kind) {
      case 0 -> add(new GuestSegment(0, base, FULL, kindOf(big), full, full));
      case 1 -> {
        int all = kindOf(BIG | Segment.GRANULAR);
        yield add(new GuestSegment(0, base, -1, all, wideData(base), full));
      }
      case 3 -> upTo(base, random.nextInt(0x20, 0x2000), big);
      case 4, 5 -> down(base, random.nextInt(0xe000), big);
      case 6 -> {
        int readOnly = kindOf(big) & ~Segment.READ_WRITE;
        yield add(new GuestSegment(0, base, FULL, readOnly, full, full));
      }
      case 7 -> {
        int conforming = random.nextBoolean() ? Segment.EXPAND_CONFORM : 0;
        int code = kindOf(Segment.CODE | conforming | big);
        yield add(new GuestSegment(0, base, FULL, code, full, full));
      }
      case 8 -> GuestSegment.NULL.named(random.nextInt(4));
      default -> upTo(base, random.nextInt(0x7000, 0x1_8000), big);
    };
  }

  private GuestSegment upTo(long base, int limit, int big) {
    Range narrow = new Range(0, Math.min(FULL, limit));
    return add(new GuestSegment(0, base, limit, kindOf(big), new Range(0, limit), narrow));
  }

  private GuestSegment down(long base, int limit, int big) {
    Range narrow = new Range(limit + 1, FULL);
    Range wide = new Range(limit + 1, big != 0 ? 0x1_8000 : FULL);
    int attributes = kindOf(big | Segment.EXPAND_CONFORM);
    return add(new GuestSegment(0, base, limit, attributes, wide, narrow));
  }

  private List<GuestSegment> usual(
      GuestSegment code, GuestSegment stack, List<GuestSegment> loadable, int endless) {
    List<GuestSegment> usual = new ArrayList<>();
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      // Pointers are mostly used with DS, which has room for them.
      int which = n == CpuState.DS || random.nextInt(3) == 0 ? 0 : random.nextInt(LOADABLE);
      GuestSegment data = loadable.get(which);
      usual.add(
          n == CpuState.CS
              ? code
              : n == CpuState.SS ? stack : (endless >> n & 1) == 0 ? data : endless(data));
    }
    return usual;
  }

  /** In real-address mode a base from protected mode stays until a register is loaded. */
  private List<GuestSegment> initial(List<GuestSegment> usual, int endless) {
    List<GuestSegment> initial = new ArrayList<>(usual);
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      if ((endless >> n & 1) != 0) {
        long base = Layout.DATA + GAP + random.nextInt(0x3_0000);
        int big = random.nextBoolean() ? BIG | Segment.GRANULAR : 0;
        GuestSegment s = real(base, big, 0).named(random.nextInt(0x1_0000));
        initial.set(n, endless(s));
      }
    }
    return initial;
  }

  private List<Integer> invalid() {
    List<Integer> selectors = new ArrayList<>();
    if (mode.realSegments()) {
      return selectors;
    }
    int data = Segment.CODE_OR_DATA | Segment.READ_WRITE;
    int executeOnly = Segment.PRESENT | Segment.CODE_OR_DATA | Segment.CODE;
    int[] kinds = {data | dpl, executeOnly | dpl, Segment.PRESENT | Segment.CODE_OR_DATA};
    for (int attributes : kinds) {
      GuestSegment s = new GuestSegment(0, Layout.DATA, FULL, attributes, null, null);
      if (mode.user || attributes != kinds[2]) {
        selectors.add(add(s).selector());
      }
    }
    selectors.add(TASK);
    selectors.add(KERNEL_CODE | 4);
    selectors.add(descriptors.size() + 1 << 3);
    return selectors;
  }
}
