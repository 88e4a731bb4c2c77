package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.GREATER;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.STACK;
import static sharevm.translator.Registers.TEMP;

import java.util.Arrays;
import java.util.List;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.ExitSite.Kind;
import sharevm.translator.Tuning.Means;
import sharevm.translator.Windows.Window;

/** Emits the way from guest addresses to the host's, for the accesses of a block. */
final class Probes {
  /** What is known of a window's alignment while it is closed, or nothing has been asked. */
  private static final int CLOSED = -2;

  private static final int UNKNOWN = -1;

  /** How many offsets have 16 bits. */
  private static final int OFFSETS_16 = 1 << 16;

  /** The most bytes that the interpreter accesses as one. */
  private static final int WHOLE = 8;

  private final BlockTranslator t;
  private final Assembler a;

  /** The block's windows, or null where each access is to be checked by itself. */
  private final Windows windows;

  /** For each open window the alignment that is known of it. */
  private final int[] windowAlignment = new int[Windows.MOST];

  /** The window whose host address is in the address register, or -1. */
  private int windowAtHand = -1;

  /** Whether that has been so since the block's beginning. */
  private boolean handedOn;

  /** Whether an access relies on that: jumps back to the beginning see to it. */
  private boolean wantsHanding;

  Probes(BlockTranslator translator, Windows windows) {
    t = translator;
    a = translator.assembler();
    this.windows = windows;
    closeWindows();
  }

  /**
   * Looks up the windows that stay right when the block jumps back to its beginning. The last one
   * to be looked up is the first to be accessed, and at hand then.
   */
  void openEarly() {
    for (Window window : early().reversed()) {
      open(window, () -> earlyAddress(window));
      a.store(Context.at(Context.WINDOWS + 8 * window.slot()), ADDRESS);
      windowAlignment[window.slot()] = UNKNOWN;
      windowAtHand = window.slot();
      handedOn = true;
    }
    a.addressKept();
  }

  private List<Window> early() {
    return windows == null ? List.of() : windows.early();
  }

  /** Whether it is known what {@link #handOn} is to do. */
  boolean handsOnAsKnown() {
    return !handedOn;
  }

  /** Lets the address register be again what it was behind {@link #openEarly}, if need be. */
  void handOn() {
    if (wantsHanding) {
      a.load(ADDRESS, Context.at(Context.WINDOWS + 8 * early().getFirst().slot()));
    }
  }

  private void earlyAddress(Window window) {
    int base = addressRegister(window.base(), ADDRESS);
    int index = addressRegister(window.index(), TEMP);
    lea(ADDRESS, new Place(base, index, window.scale(), (int) window.low(), false));
    linear(window.segment(), window.size(), window.written());
  }

  /** Forgets all windows: what comes has to look again. */
  void closeWindows() {
    Arrays.fill(windowAlignment, CLOSED);
    windowAtHand = -1;
  }

  /**
   * Turns the offset in the address register, which is zero-extended, into a linear address, or
   * leaves to Java where the segment is not to be accessed there; the flags must be free.
   */
  void linear(int segment, int size, boolean write) {
    if (!t.isSegmented()) {
      if (segment == CpuState.FS || segment == CpuState.GS) {
        addBase(segment);
      }
    } else if (segment != CpuState.FLAT) {
      int limits = write ? Context.WRITE_LIMITS : Context.READ_LIMITS;
      a.lea(TEMP, Place.at(ADDRESS, size - 1));
      a.memory(Code.wide(0x3b), TEMP, Context.at(limits + 8 * segment));
      t.leaveToJavaIf(GREATER);
      addBase(segment);
    }
  }

  private void addBase(int segment) {
    Code add = t.code64() ? Code.wide(0x03) : Code.of(0x03);
    a.memory(add, ADDRESS, Context.at(Segments.base(segment)));
  }

  /** Emits the offset of the memory operand into a register; uses both scratch registers. */
  void offset(Instruction i, int into) {
    offset(i, 0, into);
  }

  private void offset(Instruction i, int before, int into) {
    if (i.base == CpuState.BLOCK_RIP || i.base == CpuState.ZERO && i.index == CpuState.ZERO) {
      long start = i.base == CpuState.BLOCK_RIP ? t.start() : 0;
      a.constant(into, start + i.displacement - before & i.addressMask);
      return;
    }
    int base = addressRegister(i.base, ADDRESS);
    int index = addressRegister(i.index, TEMP);
    Place place = new Place(base, index, i.scale, (int) i.displacement - before, false);
    sum(i.addressSize, into, place);
  }

  /** Emits a sum as wide as an address size, zero-extended, into the address register. */
  void sum(int addressSize, Place place) {
    sum(addressSize, ADDRESS, place);
  }

  private void sum(int addressSize, int into, Place place) {
    lea(addressSize < 8, into, place);
    if (addressSize == 2) {
      a.registers(Code.LOAD_WORD, into, into);
    }
  }

  private int addressRegister(int guest, int scratch) {
    if (guest == CpuState.ZERO) {
      return Assembler.NONE;
    }
    if (Registers.mapped(guest)) {
      return Registers.host(guest);
    }
    a.load(scratch, Context.register(guest));
    return scratch;
  }

  /**
   * Emits how a linear address gets into the address register; done again when the TLB has missed.
   */
  @FunctionalInterface
  interface Addressing {
    void emit();

    /**
     * Emits the sum of the address, which is in the address register, and of a word of the context
     * into the address register; the scratch register stays as it is.
     */
    default void emitSum(Assembler a, Place word) {
      a.memory(Code.wide(0x03), ADDRESS, word);
    }
  }

  /**
   * The address of the present instruction's memory operand, or of bytes before it. In a sum what
   * is known last is added last, so that the load waits for one addition less.
   */
  private final class Operand implements Addressing {
    private final Instruction i;
    private final int before;
    private final int size;
    private final boolean write;

    /** Whether it is accessed in parts, whose 16-bit offsets wrap each by itself. */
    private final boolean inParts;

    Operand(Instruction instruction, int before, int size, boolean write) {
      this(instruction, before, size, write, size > WHOLE);
    }

    Operand(Instruction instruction, int before, int size, boolean write, boolean inParts) {
      this.i = instruction;
      this.inParts = inParts;
      this.before = before;
      this.size = size;
      this.write = write;
    }

    @Override
    public void emit() {
      offset(i, before, ADDRESS);
      if (inParts && i.addressSize == 2) {
        leaveIfWraps(size);
      }
      linear(i.segment, size, write);
    }

    @Override
    public void emitSum(Assembler a, Place word) {
      boolean flat = i.addressSize == 8 && i.segment != CpuState.FS && i.segment != CpuState.GS;
      boolean two = i.base < CpuState.ZERO && i.index < CpuState.ZERO;
      int last = t.endsWithBase() ? i.base : i.index;
      boolean scaled = last == i.base && i.scale != 0;
      if (!flat || !two || scaled || !Registers.mapped(last)) {
        Addressing.super.emitSum(a, word);
        return;
      }
      int first = last == i.base ? i.index : i.base;
      a.load(ADDRESS, word);
      if (Registers.mapped(first)) {
        a.registers(Code.wide(0x01), Registers.host(first), ADDRESS);
      } else {
        a.memory(Code.wide(0x03), ADDRESS, Context.register(first));
      }
      int scale = last == i.base ? 0 : i.scale;
      int displacement = (int) i.displacement - before;
      a.lea(ADDRESS, new Place(ADDRESS, Registers.host(last), scale, displacement, false));
    }
  }

  /**
   * Finds the host's place of the present instruction's memory operand, or leaves the block; the
   * address register is part of it.
   */
  Place probe(Instruction i, int size, boolean write, boolean aligned) {
    return probe(i, size, write, aligned, false);
  }

  /**
   * Does the same; the scratch register is part of the place too, where it may be, which saves the
   * host an addition that the access would wait for.
   */
  Place probe(Instruction i, int size, boolean write, boolean aligned, boolean withScratch) {
    Window window = windows == null ? null : windows.operand(t.index());
    int at = window == null ? 0 : windows.operandAt(t.index());
    boolean near = (int) i.displacement - at <= (int) i.displacement;
    if (window == null || !near) {
      boolean sum = withScratch && t.has(Means.SUMS) && !mirrors(write);
      probe(new Operand(i, 0, size, write), size, write, aligned, sum);
      return new Place(ADDRESS, sum ? TEMP : Assembler.NONE, 0, 0, false);
    }
    reach(window, new Operand(i, at, size, write));
    if (aligned && windowAlignment[window.slot()] != (at & 15)) {
      t.freeFlags();
      leaveUnlessAligned(at & 15);
      windowAlignment[window.slot()] = at & 15;
    }
    return Place.at(ADDRESS, at);
  }

  /** Finds the host's place of a far pointer, whose two parts are accessed one after the other. */
  Place probePointer(Instruction i) {
    int size = i.size + 2;
    probe(new Operand(i, 0, size, false, true), size, false);
    return Place.at(ADDRESS, 0);
  }

  /** Leaves to Java where bytes from a 16-bit offset on go beyond the last one. */
  private void leaveIfWraps(int size) {
    a.arithmetic(false, 7, ADDRESS, OFFSETS_16 - size);
    t.leaveToJavaIf(ABOVE);
  }

  /** Finds the host's place of bytes at a distance from the stack pointer, or leaves the block. */
  Place probeStack(int distance, int size, boolean write) {
    Window window = windows == null ? null : windows.stack(t.index());
    if (window == null) {
      probe(() -> stackAddress(distance, size, write), size, write);
      return Place.at(ADDRESS, 0);
    }
    int at = windows.stackAt(t.index());
    reach(window, () -> stackAddress(distance - at, size, write));
    return Place.at(ADDRESS, at);
  }

  /** Does the same for several words, which Java finds where the stack pointer wraps among them. */
  Place probeStackWords(int distance, int size, boolean write) {
    if (hasSmallStack()) {
      t.freeFlags();
      stackOffset(distance);
      leaveIfWraps(size);
    }
    return probeStack(distance, size, write);
  }

  private void stackAddress(int distance, int size, boolean write) {
    stackOffset(distance);
    linear(CpuState.SS, size, write);
  }

  private void stackOffset(int distance) {
    sum(stackSize(), Place.at(STACK, distance));
  }

  private boolean hasSmallStack() {
    return (t.modeKey() & ModeKey.STACK_16) != 0;
  }

  private void leaveUnlessAligned(int at) {
    int register = ADDRESS;
    if (at != 0) {
      a.lea32(TEMP, Place.at(ADDRESS, at));
      register = TEMP;
    }
    a.registers(new Code(0, false, false, Code.BYTE_RM, 0, 0xf6), 0, register);
    a.byte1(15);
    t.leaveToJavaIf(NOT_EQUAL);
  }

  /** Turns an address into the host's in the address register, or leaves the block. */
  void probe(Addressing addressing, int size, boolean write) {
    probe(addressing, size, write, false, false);
  }

  private void probe(Addressing addressing, int size, boolean write, boolean aligned, boolean sum) {
    int tlb = ModeKey.tlb(t.modeKey());
    reachHost(
        addressing,
        size,
        write,
        aligned,
        sum,
        start -> {
          addressing.emit();
          a.constant(TEMP, t.site(Kind.MISS, 0, size, write) << 8 | size - 1);
          t.callMiss(tlb, write);
          a.patch(a.jump(), start);
        });
  }

  /** Emits what is done when the TLB misses, to go on at a position. */
  @FunctionalInterface
  private interface Miss {
    void emit(int start);
  }

  /**
   * Turns an address into the host's in the address register, or in the sum of both scratch
   * registers.
   */
  private void reachHost(
      Addressing addressing, int size, boolean write, boolean aligned, boolean sum, Miss miss) {
    t.freeFlags();
    if (mirrors(write)) {
      throughMirror(addressing, size, aligned, miss);
    } else {
      throughTlb(addressing, size, write, aligned, sum, miss);
    }
  }

  private boolean mirrors(boolean write) {
    return !write && t.mirrors();
  }

  private void throughTlb(
      Addressing addressing, int size, boolean write, boolean aligned, boolean sum, Miss miss) {
    int start = a.position();
    int missed = look(addressing, size, write, aligned);
    reachPage(sum);
    t.later(
        () -> {
          a.patchToHere(missed);
          miss.emit(start);
        });
  }

  /**
   * Adds to the address how far its mirror was from the last one, and only compares with what the
   * TLB says of the page. What does not agree is put aside and asks the TLB as ever.
   */
  private void throughMirror(Addressing addressing, int size, boolean aligned, Miss miss) {
    int number = t.mirrorSite();
    addressing.emit();
    if (aligned) {
      leaveUnlessAligned(0);
    }
    pageNumber();
    int slot = number & (1 << Context.MIRROR_DISTANCE_BITS) - 1;
    addressing.emitSum(a, Context.at(Context.MIRROR_DISTANCES + 8 * slot));
    int array = Context.MIRROR - Context.BIAS;
    a.load(TEMP, new Place(Assembler.R15, TEMP, Context.TLB_ENTRY_SHIFT, array, false));
    a.registers(Code.wide(0x31), ADDRESS, TEMP);
    a.arithmetic(true, 7, TEMP, 4096 - size);
    int unknown = a.jumpIf(ABOVE);
    int found = a.position();
    t.later(
        () -> {
          a.patchToHere(unknown);
          int plain = a.position();
          throughTlb(addressing, size, false, aligned, false, miss);
          t.callMirror(number, plain);
          a.patch(a.jump(), found);
        });
  }

  /**
   * Looks into the TLB; returns the position behind the jump that is taken when it misses. What is
   * to be aligned and is not touches no page, as its fault comes first.
   */
  private int look(Addressing addressing, int size, boolean write, boolean aligned) {
    addressing.emit();
    if (aligned) {
      leaveUnlessAligned(0);
    }
    pageNumber();
    a.memory(Code.wide(0x2b), ADDRESS, entry(write ? Context.TLB_WRITE : Context.TLB_READ));
    a.arithmetic(true, 7, ADDRESS, 4096 - size);
    int missed = a.jumpIf(ABOVE);
    return missed;
  }

  /**
   * Goes from the offset in a page that {@link #look} leaves in the address register to the host's
   * address, or lets the scratch register be the host's page.
   */
  private void reachPage(boolean sum) {
    a.memory(Code.wide(sum ? 0x8b : 0x03), sum ? TEMP : ADDRESS, entry(Context.TLB_HOST));
  }

  /** Emits the number that the address register's page has in a TLB into the scratch register. */
  private void pageNumber() {
    if (t.has(Means.BITFIELDS)) {
      a.bitField(TEMP, ADDRESS, Assembler.R15);
      return;
    }
    a.registers(Code.of(0x89), ADDRESS, TEMP);
    a.registers(Code.of(0xc1), 5, TEMP);
    a.byte1(12);
    a.arithmetic(false, 4, TEMP, (1 << Context.TLB_BITS) - 1);
  }

  /** Returns the word of an array of the mode's TLB whose number is in the scratch register. */
  private Place entry(int array) {
    int tlb = Context.TLB + ModeKey.tlb(t.modeKey()) * Context.TLB_SIZE;
    return new Place(
        Assembler.R15, TEMP, Context.TLB_ENTRY_SHIFT, tlb + array - Context.BIAS, false);
  }

  /** Brings the host's address of a window into the address register. */
  private void reach(Window window, Addressing addressing) {
    int slot = window.slot();
    Place kept = Context.at(Context.WINDOWS + 8 * slot);
    if (windowAlignment[slot] == CLOSED) {
      open(window, addressing);
      a.store(kept, ADDRESS);
      windowAlignment[slot] = UNKNOWN;
    } else if (windowAtHand != slot || a.addressTouched()) {
      a.load(ADDRESS, kept);
    } else {
      wantsHanding |= handedOn;
    }
    handedOn = false;
    windowAtHand = slot;
    a.addressKept();
  }

  /**
   * Looks a window up in the TLB. One that crosses a page, or that is not to be written to, is left
   * to a translation of the rest that checks each access by itself.
   */
  private void open(Window window, Addressing addressing) {
    int size = window.size();
    int tlb = ModeKey.tlb(t.modeKey());
    reachHost(
        addressing,
        size,
        window.written(),
        false,
        false,
        start -> {
          addressing.emit();
          a.registers(Code.of(0x89), ADDRESS, TEMP);
          a.arithmetic(false, 4, TEMP, 4095);
          a.arithmetic(false, 7, TEMP, 4096 - size);
          int crosses = a.jumpIf(ABOVE);
          a.constant(TEMP, t.site(Kind.WINDOW_MISS, 0, size, window.written()) << 8);
          t.callMiss(tlb, window.written());
          a.patch(a.jump(), start);
          a.patchToHere(crosses);
          t.leaveForPlainRest();
        });
  }

  /** Adds to the stack pointer, without touching flags. */
  void moveStack(int distance) {
    move(STACK, distance, stackSize());
  }

  /** Returns how many bytes of RSP are the stack pointer. */
  int stackSize() {
    return hasSmallStack() ? 2 : t.code64() ? 8 : 4;
  }

  /** Adds to a register of which some bytes are an offset, without touching flags. */
  void move(int register, int distance, int size) {
    Place sum = Place.at(register, distance);
    if (size == 2) {
      a.lea32(TEMP, sum);
      a.registers(Code.STORE_WORD, TEMP, register);
    } else {
      lea(size == 4, register, sum);
    }
  }

  /** Brings an offset that a register holds into the address register, zero-extended. */
  void offsetIn(int register, int size) {
    if (size == 2) {
      a.registers(Code.LOAD_WORD, ADDRESS, register);
    } else {
      lea(size == 4, ADDRESS, Place.at(register, 0));
    }
  }

  /** Works out an address that is as wide as the mode's. */
  void lea(int into, Place place) {
    lea(!t.code64(), into, place);
  }

  /** A sum of one register alone is a move, which takes the host no time. */
  private void lea(boolean narrow, int into, Place place) {
    boolean moves = place.index() == Assembler.NONE && place.displacement() == 0;
    if (moves && (narrow || into != place.base())) {
      a.registers(narrow ? Code.of(0x89) : Code.wide(0x89), place.base(), into);
    } else if (narrow) {
      a.lea32(into, place);
    } else if (!moves) {
      a.lea(into, place);
    }
  }
}
