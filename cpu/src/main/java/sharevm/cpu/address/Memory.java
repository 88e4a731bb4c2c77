package sharevm.cpu.address;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import sharevm.cpu.Bus;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.RamWriter;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * A processor's way to memory: segment, linear address, TLB, then RAM, or through {@link
 * SlowMemory} whatever is no plain hit: a miss, a page border, a device, a page of code, a watched
 * address.
 *
 * <p>Every method may throw {@link GuestFault}, before it has changed anything.
 */
public final class Memory {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final VarHandle ATOMIC_INT = ValueLayout.JAVA_INT.varHandle();
  private static final VarHandle ATOMIC_LONG = ValueLayout.JAVA_LONG.varHandle();

  private final CpuState s;
  private final MemorySegment ram;
  private final SlowMemory slow;
  private final RamWriter writer;
  private final Tlb user = new Tlb();
  private final Tlb supervisor = new Tlb();

  /** For supervisor accesses to user pages while EFLAGS.AC suspends SMAP. */
  private final Tlb supervisorOverride = new Tlb();

  /** Never filled: every access is checked for alignment. */
  private final Tlb checking = new Tlb();

  private Tlb current = supervisor;
  private long[] tlb = supervisor.words;

  /** Where the last read for writing was: a RAM offset, or -1 and the linear address. */
  private long updateRam;

  private long updateLinear;
  private int updateSegment;

  /** The upper half of what the last {@link #load128} loaded. */
  private long high;

  /** Another cache of translations, which must forget what this one forgets. */
  public interface Listener {
    /** All translations, or all but global ones, are forgotten. */
    void flushed(boolean globalToo);

    /**
     * CR3 names another address space, by its PCID too: all translations but global ones are
     * forgotten.
     *
     * @param keeps whether what was known when it was in force last is still so
     */
    void spaceEntered(boolean keeps);

    /** One page's translation is forgotten. */
    void pageFlushed(long linear);

    /** The translation of the 4 KiB around one address is forgotten. */
    void pieceFlushed(long linear);

    /** The page at an offset in RAM now holds code: writes to it must come here. */
    void codeAt(long ramOffset);
  }

  private Listener listener =
      new Listener() {
        @Override
        public void flushed(boolean globalToo) {}

        @Override
        public void spaceEntered(boolean keeps) {}

        @Override
        public void pageFlushed(long linear) {}

        @Override
        public void pieceFlushed(long linear) {}

        @Override
        public void codeAt(long ramOffset) {}
      };

  /** Makes the memory path of a processor. */
  public Memory(CpuModel model, CpuState state, Bus bus, CodePages codePages) {
    this.s = state;
    this.ram = bus.ram();
    this.writer = new RamWriter(codePages, state.attention, this::protect);
    this.slow = new SlowMemory(model, state, bus, codePages, writer);
  }

  /** Returns what keeps this processor and others from each other's memory accesses. */
  public RamWriter writer() {
    return writer;
  }

  /** Returns the page walker, for who needs its registers. */
  public PageWalk pageWalk() {
    return slow.pageWalk();
  }

  /**
   * Chooses the TLB for the present privilege; call when CPL, EFLAGS.AC, CR0, CR4 or DR7 changed.
   */
  public void contextChanged() {
    boolean ac = (s.flagsSystem & Flags.AC) != 0;
    if (s.cpl == 3) {
      current = ac && (s.cr0 & Control.CR0_AM) != 0 ? checking : user;
    } else {
      current = ac && (s.cr4 & Control.CR4_SMAP) != 0 ? supervisorOverride : supervisor;
    }
    tlb = current.words;
  }

  /** Sets who hears of forgotten translations. */
  public void listen(Listener other) {
    listener = other;
  }

  /**
   * Looks a page up for another cache of translations, without touching it.
   *
   * @return the page's offset in RAM, or -1 when accesses must come here: a fault, a device, code
   *     that would be written, a watched or unaligned access, one that crosses into another page
   */
  public long pageFor(long linear, int size, boolean write) {
    if ((linear & 0xfff) + size > 4096 || current == checking) {
      return -1;
    }
    try {
      if (write) {
        slow.probeWrite(current, linear, size, CpuState.FLAT);
      } else {
        slow.probeRead(current, linear, size, CpuState.FLAT);
      }
    } catch (GuestFault _) {
      return -1;
    }
    int entry = Tlb.entry(linear);
    int word = entry + (write ? Tlb.WRITE : Tlb.READ);
    return tlb[word] == (linear & -4096) ? tlb[entry + Tlb.RAM] : -1;
  }

  /** Returns whether the page last looked up may also be written without coming here. */
  public boolean pageWritable(long linear) {
    return tlb[Tlb.entry(linear) + Tlb.WRITE] == (linear & -4096);
  }

  /** Forgets all translations. */
  public void flush() {
    listener.flushed(true);
    user.flush();
    supervisor.flush();
    supervisorOverride.flush();
  }

  /** Forgets all translations but global ones. */
  public void flushNonGlobal() {
    listener.flushed(false);
    forgetNonGlobal();
  }

  /**
   * Forgets all translations but global ones, since CR3 has changed with its PCID.
   *
   * @param keeps whether translations of the new PCID may be remembered (Intel SDM Vol. 3A
   *     4.10.4.1)
   */
  public void enterSpace(boolean keeps) {
    listener.spaceEntered(keeps);
    forgetNonGlobal();
  }

  private void forgetNonGlobal() {
    user.flushNonGlobal();
    supervisor.flushNonGlobal();
    supervisorOverride.flushNonGlobal();
  }

  /** Forgets the translation of one page. */
  public void flushPage(long linear) {
    listener.pageFlushed(linear);
    user.flushPage(linear);
    supervisor.flushPage(linear);
    supervisorOverride.flushPage(linear);
  }

  /**
   * Forgets what may be known of an address whose use was a page fault: it is looked up again once
   * the fault is mended, without a flush (Intel SDM Vol. 3A 4.10.4.1).
   */
  public void forgetFaulted(long linear) {
    listener.pieceFlushed(linear);
    user.flushPiece(linear);
    supervisor.flushPiece(linear);
    supervisorOverride.flushPiece(linear);
  }

  /**
   * Makes writes to a page of RAM go the slow way, since it now holds code; returns whether some
   * did not.
   */
  public boolean protect(long ramOffset) {
    listener.codeAt(ramOffset);
    boolean changed = user.protect(ramOffset);
    changed |= supervisor.protect(ramOffset);
    changed |= supervisorOverride.protect(ramOffset);
    return changed;
  }

  /** Returns the linear address of an access, its segment checked. */
  public long linear(int segment, long offset, int size, boolean write) {
    if (s.segmentCheck[segment] != 0) {
      Segmentation.check(s, segment, offset, size, write);
    }
    return s.segmentBase[segment] + offset & s.linearMask;
  }

  // Loads.

  public int load8(int segment, long offset) {
    long a = linear(segment, offset, 1, false);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.READ];
    if (Long.compareUnsigned(d, 4096 - 1) <= 0) {
      return ram.get(ValueLayout.JAVA_BYTE, tlb[entry + Tlb.RAM] + d) & 0xff;
    }
    return (int) slow.load(current, a, 1, segment);
  }

  public int load16(int segment, long offset) {
    long a = linear(segment, offset, 2, false);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.READ];
    if (Long.compareUnsigned(d, 4096 - 2) <= 0) {
      return ram.get(SHORT, tlb[entry + Tlb.RAM] + d) & 0xffff;
    }
    return (int) slow.load(current, a, 2, segment);
  }

  public int load32(int segment, long offset) {
    long a = linear(segment, offset, 4, false);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.READ];
    if (Long.compareUnsigned(d, 4096 - 4) <= 0) {
      return ram.get(INT, tlb[entry + Tlb.RAM] + d);
    }
    return (int) slow.load(current, a, 4, segment);
  }

  public long load64(int segment, long offset) {
    long a = linear(segment, offset, 8, false);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.READ];
    if (Long.compareUnsigned(d, 4096 - 8) <= 0) {
      return ram.get(LONG, tlb[entry + Tlb.RAM] + d);
    }
    return slow.load(current, a, 8, segment);
  }

  /** Loads 1, 2, 4 or 8 bytes, zero-extended. */
  public long load(int segment, long offset, int size) {
    return switch (size) {
      case 1 -> load8(segment, offset);
      case 2 -> load16(segment, offset);
      case 4 -> load32(segment, offset) & 0xffff_ffffL;
      default -> load64(segment, offset);
    };
  }

  public int load8(Instruction i) {
    return load8(i.segment, i.address(s));
  }

  public int load16(Instruction i) {
    return load16(i.segment, i.address(s));
  }

  public int load32(Instruction i) {
    return load32(i.segment, i.address(s));
  }

  public long load64(Instruction i) {
    return load64(i.segment, i.address(s));
  }

  /** Loads the memory operand with a size in bytes (1, 2, 4, 8), zero-extended. */
  public long load(Instruction i, int size) {
    return load(i.segment, i.address(s), size);
  }

  /**
   * Loads the 16 bytes of the memory operand: returns the lower half, and {@link #high128} has the
   * upper one.
   */
  public long load128(Instruction i) {
    return load128(i.segment, linear(i.segment, i.address(s), 16, false));
  }

  /** Loads as {@link #load128} does what must lie at a multiple of 16, else faults with #GP(0). */
  public long loadAligned128(Instruction i) {
    long a = linear(i.segment, i.address(s), 16, false);
    if ((a & 15) != 0) {
      throw GuestFault.generalProtection();
    }
    return load128(i.segment, a);
  }

  /**
   * Returns the upper half of what was last loaded by {@link #load128} or {@link #loadAligned128}.
   */
  public long high128() {
    return high;
  }

  private long load128(int segment, long a) {
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.READ];
    if (Long.compareUnsigned(d, 4096 - 16) <= 0) {
      long at = tlb[entry + Tlb.RAM] + d;
      high = ram.get(LONG, at + 8);
      return ram.get(LONG, at);
    }
    slow.probeRead(current, a, 16, segment);
    long low = slow.load(current, a, 8, segment);
    high = slow.load(current, a + 8 & s.linearMask, 8, segment);
    return low;
  }

  // Stores.

  /** Stores 16 bytes to the memory operand, both halves or none. */
  public void store128(Instruction i, long low, long high) {
    store128(i.segment, linear(i.segment, i.address(s), 16, true), low, high);
  }

  /**
   * Stores as {@link #store128} does to what must lie at a multiple of 16, else faults with #GP(0).
   */
  public void storeAligned128(Instruction i, long low, long high) {
    long a = linear(i.segment, i.address(s), 16, true);
    if ((a & 15) != 0) {
      throw GuestFault.generalProtection();
    }
    store128(i.segment, a, low, high);
  }

  private void store128(int segment, long a, long low, long high) {
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - 16) <= 0) {
      long at = tlb[entry + Tlb.RAM] + d;
      ram.set(LONG, at, low);
      ram.set(LONG, at + 8, high);
      return;
    }
    slow.probeWrite(current, a, 16, segment);
    slow.store(current, a, 8, low, segment);
    slow.store(current, a + 8 & s.linearMask, 8, high, segment);
  }

  public void store8(int segment, long offset, int value) {
    long a = linear(segment, offset, 1, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - 1) <= 0) {
      ram.set(ValueLayout.JAVA_BYTE, tlb[entry + Tlb.RAM] + d, (byte) value);
    } else {
      slow.store(current, a, 1, value, segment);
    }
  }

  public void store16(int segment, long offset, int value) {
    long a = linear(segment, offset, 2, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - 2) <= 0) {
      ram.set(SHORT, tlb[entry + Tlb.RAM] + d, (short) value);
    } else {
      slow.store(current, a, 2, value, segment);
    }
  }

  public void store32(int segment, long offset, int value) {
    long a = linear(segment, offset, 4, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - 4) <= 0) {
      ram.set(INT, tlb[entry + Tlb.RAM] + d, value);
    } else {
      slow.store(current, a, 4, value, segment);
    }
  }

  public void store64(int segment, long offset, long value) {
    long a = linear(segment, offset, 8, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - 8) <= 0) {
      ram.set(LONG, tlb[entry + Tlb.RAM] + d, value);
    } else {
      slow.store(current, a, 8, value, segment);
    }
  }

  /** Stores the low 1, 2, 4 or 8 bytes of a value. */
  public void store(int segment, long offset, int size, long value) {
    switch (size) {
      case 1 -> store8(segment, offset, (int) value);
      case 2 -> store16(segment, offset, (int) value);
      case 4 -> store32(segment, offset, (int) value);
      default -> store64(segment, offset, value);
    }
  }

  public void store8(Instruction i, int value) {
    store8(i.segment, i.address(s), value);
  }

  public void store16(Instruction i, int value) {
    store16(i.segment, i.address(s), value);
  }

  public void store32(Instruction i, int value) {
    store32(i.segment, i.address(s), value);
  }

  public void store64(Instruction i, long value) {
    store64(i.segment, i.address(s), value);
  }

  /** Stores to the memory operand the low {@code size} bytes (1, 2, 4, 8) of a value. */
  public void store(Instruction i, int size, long value) {
    store(i.segment, i.address(s), size, value);
  }

  // Read-modify-write: a read that faults as the write would, then the write, which cannot fault.

  /**
   * Loads the memory operand (1, 2, 4 or 8 bytes, zero-extended) that {@link #update} will write
   * back.
   */
  public long loadForUpdate(Instruction i, int size) {
    return loadForUpdate(i.segment, i.address(s), size);
  }

  /** Loads bytes (1, 2, 4 or 8, zero-extended) that {@link #update} will write back. */
  public long loadForUpdate(int segment, long offset, int size) {
    long a = linear(segment, offset, size, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if (Long.compareUnsigned(d, 4096 - size) <= 0) {
      updateRam = tlb[entry + Tlb.RAM] + d;
      return switch (size) {
        case 1 -> ram.get(ValueLayout.JAVA_BYTE, updateRam) & 0xff;
        case 2 -> ram.get(SHORT, updateRam) & 0xffff;
        case 4 -> ram.get(INT, updateRam) & 0xffff_ffffL;
        default -> ram.get(LONG, updateRam);
      };
    }
    updateRam = -1;
    updateLinear = a;
    updateSegment = segment;
    slow.probeWrite(current, a, size, segment);
    return slow.load(current, a, size, segment);
  }

  /** Writes back what {@link #loadForUpdate} of the same size loaded last. */
  public void update(int size, long value) {
    if (updateRam < 0) {
      slow.store(current, updateLinear, size, value, updateSegment);
      return;
    }
    switch (size) {
      case 1 -> ram.set(ValueLayout.JAVA_BYTE, updateRam, (byte) value);
      case 2 -> ram.set(SHORT, updateRam, (short) value);
      case 4 -> ram.set(INT, updateRam, (int) value);
      default -> ram.set(LONG, updateRam, value);
    }
  }

  /**
   * Replaces a value in memory if it still is what was expected, as one access that no other
   * processor can come between: what LOCK promises (Intel SDM Vol. 3A 9.1).
   */
  public boolean compareAndSet(int segment, long offset, int size, long expected, long value) {
    long a = linear(segment, offset, size, true);
    int entry = Tlb.entry(a);
    long d = a - tlb[entry + Tlb.WRITE];
    if ((a & size - 1) == 0 && Long.compareUnsigned(d, 4096 - size) <= 0) {
      long place = tlb[entry + Tlb.RAM] + d;
      if (size == 4) {
        return ATOMIC_INT.compareAndSet(ram, place, (int) expected, (int) value);
      }
      if (size == 8) {
        return ATOMIC_LONG.compareAndSet(ram, place, expected, value);
      }
    }
    return slow.compareAndSet(current, a, size, expected, value, segment);
  }

  /** Does {@link #compareAndSet(int, long, int, long, long)} to the memory operand. */
  public boolean compareAndSet(Instruction i, int size, long expected, long value) {
    return compareAndSet(i.segment, i.address(s), size, expected, value);
  }

  /**
   * Compares 16 bytes with RDX:RAX; where they are equal stores RCX:RBX, else loads RDX:RAX from
   * them. Java has no atomic access of 16 bytes: where LOCK asks for one, all other processors
   * stand still meanwhile.
   */
  public boolean compareAndSet128(Instruction i, CpuState s) {
    probeWrite(i.segment, i.address(s), 16);
    return i.lock ? writer.exclusively(() -> compareAndSetHalves(i, s)) : compareAndSetHalves(i, s);
  }

  private boolean compareAndSetHalves(Instruction i, CpuState s) {
    long offset = i.address(s);
    long low = load64(i.segment, offset);
    long high = load64(i.segment, offset + 8 & i.addressMask);
    boolean equal = low == s.gpr[CpuState.RAX] && high == s.gpr[CpuState.RDX];
    if (equal) {
      store64(i.segment, offset, s.gpr[CpuState.RBX]);
      store64(i.segment, offset + 8 & i.addressMask, s.gpr[CpuState.RCX]);
    } else {
      s.gpr[CpuState.RAX] = low;
      s.gpr[CpuState.RDX] = high;
    }
    return equal;
  }

  /**
   * Checks that bytes can be written, so that stores to them cannot fault; for instructions with
   * several stores.
   */
  public void probeWrite(int segment, long offset, int size) {
    slow.probeWrite(current, linear(segment, offset, size, true), size, segment);
  }

  /** Checks that bytes can be read. */
  public void probeRead(int segment, long offset, int size) {
    slow.probeRead(current, linear(segment, offset, size, false), size, segment);
  }

  // Accesses by the processor itself to GDT, LDT, IDT and TSS: linear, as supervisor.

  /** Loads 1, 2, 4 or 8 bytes at a linear address as supervisor, zero-extended. */
  public long loadSystem(long linear, int size) {
    long a = linear & systemMask();
    int entry = Tlb.entry(a);
    long d = a - supervisor.words[entry + Tlb.READ];
    if (size == 8 && Long.compareUnsigned(d, 4096 - 8) <= 0) {
      return ram.get(LONG, supervisor.words[entry + Tlb.RAM] + d);
    }
    return slow.loadSystem(supervisor, a, size);
  }

  /** Stores 1, 2, 4 or 8 bytes at a linear address as supervisor. */
  public void storeSystem(long linear, int size, long value) {
    slow.storeSystem(supervisor, linear & systemMask(), size, value);
  }

  /** Checks that bytes at a linear address can be written as supervisor. */
  public void probeSystemWrite(long linear, int size) {
    slow.probeSystem(supervisor, linear & systemMask(), size, true);
  }

  /** Clears and sets bits of one byte at a linear address as supervisor, as one locked access. */
  public void changeSystemBits(long linear, int cleared, int set) {
    slow.changeSystemBits(supervisor, linear & systemMask(), cleared, set);
  }

  // Stacks of a privilege level that is not yet, or no longer, the present one: linear, segment
  // checked by the caller.

  /** Checks that bytes at a linear address can be written at a privilege level. */
  public void probeAs(int cpl, long linear, int size) {
    Tlb as = tlbFor(cpl);
    if (Long.compareUnsigned(linear - as.words[Tlb.entry(linear) + Tlb.WRITE], 4096 - size) > 0) {
      slow.probeAs(as, linear, size, privilege(cpl));
    }
  }

  /** Stores 2, 4 or 8 bytes at a linear address at a privilege level. */
  public void storeAs(int cpl, long linear, int size, long value) {
    Tlb as = tlbFor(cpl);
    int entry = Tlb.entry(linear);
    long d = linear - as.words[entry + Tlb.WRITE];
    if (size == 8 && Long.compareUnsigned(d, 4096 - 8) <= 0) {
      ram.set(LONG, as.words[entry + Tlb.RAM] + d, value);
    } else {
      slow.storeAs(as, linear, size, value, privilege(cpl));
    }
  }

  private Tlb tlbFor(int cpl) {
    if (cpl == 3) {
      return user;
    }
    boolean override = (s.flagsSystem & Flags.AC) != 0 && (s.cr4 & Control.CR4_SMAP) != 0;
    return override ? supervisorOverride : supervisor;
  }

  private static int privilege(int cpl) {
    return cpl == 3 ? PageWalk.USER : 0;
  }

  private long systemMask() {
    return s.longMode() ? -1L : 0xffff_ffffL;
  }

  // Code.

  /**
   * Translates an address for an instruction fetch.
   *
   * @return the RAM offset of the byte, or {@code -1 - physical address} where it is no plain
   *     memory
   */
  public long fetch(long linear) {
    return slow.fetch(linear & s.linearMask);
  }

  /**
   * Returns the size of the page that was last translated, as a power of two: 12, 22 for 2 or 4
   * MiB, or 30.
   */
  public int lastPageShift() {
    return slow.pageWalk().pageShift();
  }

  /** Returns whether the page that was last translated is global: kept when CR3 changes. */
  public boolean lastIsGlobal() {
    return slow.pageWalk().global();
  }

  /** Reads one byte of code from what is no plain memory. */
  public byte fetchDevice(long physicalAddress) {
    return slow.fetchDevice(physicalAddress);
  }

  /** Returns the guest's memory. */
  public MemorySegment ram() {
    return ram;
  }

  /**
   * Returns the place in RAM of a run of bytes for a block transfer, whose segment has been checked
   * for the whole run, or -1 where single accesses must do it.
   */
  public long direct(long linear, boolean write) {
    int entry = Tlb.entry(linear);
    long d = linear - tlb[entry + (write ? Tlb.WRITE : Tlb.READ)];
    return Long.compareUnsigned(d, 4095) <= 0 ? tlb[entry + Tlb.RAM] + d : -1;
  }

  /** Returns whether accesses through a segment are unchecked: flat, or 64-bit mode. */
  public boolean unchecked(int segment) {
    return s.segmentCheck[segment] == 0;
  }
}
