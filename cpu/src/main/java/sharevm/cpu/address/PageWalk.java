package sharevm.cpu.address;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import sharevm.cpu.Bus;
import sharevm.cpu.Control;
import sharevm.cpu.CpuFeature;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.event.GuestFault;

/**
 * Linear to physical addresses (Intel SDM Vol. 3A chapter 4): no paging, 32-bit paging with PSE,
 * PAE paging and 4-level paging. Sets accessed and dirty flags, atomically, and only when the
 * access is allowed.
 */
public final class PageWalk {
  /** Bits of an access, in their places in a page fault's error code (Intel SDM Vol. 3A 4.7). */
  public static final int PRESENT_FAULT = 1;

  public static final int WRITE = 1 << 1;
  public static final int USER = 1 << 2;
  public static final int RESERVED_FAULT = 1 << 3;
  public static final int FETCH = 1 << 4;

  /**
   * Not part of an error code: an access by the processor itself (GDT, IDT, TSS), which EFLAGS.AC
   * does not free from SMAP.
   */
  public static final int IMPLICIT = 1 << 8;

  /** Bits of entries (Intel SDM Vol. 3A tables 4-4 to 4-20). */
  static final long P = 1;

  static final long RW = 1 << 1;
  static final long US = 1 << 2;
  static final long A = 1 << 5;
  static final long D = 1 << 6;
  static final long PS = 1 << 7;
  static final long G = 1 << 8;
  static final long NX = 1L << 63;

  /** Width of physical addresses that CPUID reports. */
  public static final int PHYSICAL_BITS = 40;

  private static final long FRAME = (1L << PHYSICAL_BITS) - 1 & -4096;
  private static final long RESERVED_HIGH = (1L << 52) - 1 & ~((1L << PHYSICAL_BITS) - 1);

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  private final CpuState s;
  private final Bus bus;
  private final MemorySegment ram;

  /** The four page-directory-pointer registers of PAE paging (Intel SDM Vol. 3A 4.4.1). */
  private final long[] pdpte = new long[4];

  private final long[] entryAddress = new long[4];
  private final long[] entryValue = new long[4];
  private int levels;
  private int entryBytes;

  private final boolean hugePages;
  private boolean writable;
  private boolean user;
  private boolean dirty;
  private boolean global;
  private int sizeKind;

  PageWalk(CpuModel model, CpuState state, Bus bus) {
    this.hugePages = model.has(CpuFeature.PAGE_1G);
    this.s = state;
    this.bus = bus;
    this.ram = bus.ram();
  }

  /**
   * Returns how many low bits of an address are not part of the last page's number, at most: 12, 22
   * or 30.
   */
  int pageShift() {
    return sizeKind == Tlb.HUGE ? 30 : sizeKind == Tlb.LARGE ? 22 : 12;
  }

  /** Returns whether the last translated page is global. */
  boolean global() {
    return global;
  }

  /**
   * Returns whether the last translated page may be written by supervisor or user code as asked,
   * and is dirty.
   */
  boolean writable() {
    return writable && dirty;
  }

  boolean user() {
    return user;
  }

  /** Returns what kind of page the last one is, in bits of {@link Tlb}. */
  int kind() {
    return (global ? Tlb.IS_GLOBAL : 0) | sizeKind;
  }

  /**
   * Translates an address; of the same mode as the processor's.
   *
   * @param access WRITE, USER, FETCH, IMPLICIT bits
   * @throws GuestFault a page fault, with CR2 not yet set
   */
  long translate(long linear, int access) {
    if ((s.cr0 & Control.CR0_PG) == 0) {
      writable = true;
      user = true;
      dirty = true;
      global = false;
      sizeKind = 0;
      return linear & 0xffff_ffffL;
    }
    while (true) {
      long physical = walk(linear, access);
      if (markUsed((access & WRITE) != 0)) {
        return physical;
      }
    }
  }

  /**
   * Loads the PDPTE registers from CR3; returns false, having changed nothing, when a reserved bit
   * is set.
   */
  public boolean loadPdptes(long cr3) {
    long[] loaded = new long[4];
    for (int i = 0; i < 4; i++) {
      long entry = read((cr3 & 0xffff_ffe0L) + 8L * i, 8);
      if ((entry & P) != 0 && (entry & (RESERVED_HIGH | 0xfff0_0000_0000_01e6L)) != 0) {
        return false;
      }
      loaded[i] = entry;
    }
    System.arraycopy(loaded, 0, pdpte, 0, 4);
    return true;
  }

  /** Returns a copy of the PDPTE registers. */
  public long[] pdptes() {
    return pdpte.clone();
  }

  /** Sets the PDPTE registers, when a saved processor is restored. */
  public void pdptes(long[] values) {
    System.arraycopy(values, 0, pdpte, 0, 4);
  }

  private long walk(long linear, int access) {
    levels = 0;
    sizeKind = 0;
    user = true;
    writable = true;
    if ((s.cr4 & Control.CR4_PAE) == 0) {
      entryBytes = 4;
      return walk32(linear, access);
    }
    entryBytes = 8;
    return s.longMode() ? walk64(linear, access) : walkPae(linear, access);
  }

  private long walk32(long linear, int access) {
    long pde = step(s.cr3 & 0xffff_f000L, linear >>> 22 & 0x3ff, linear, access);
    if ((pde & PS) != 0 && (s.cr4 & Control.CR4_PSE) != 0) {
      if ((pde & 1 << 21) != 0) {
        throw fault(linear, access, RESERVED_FAULT | PRESENT_FAULT);
      }
      sizeKind = Tlb.LARGE;
      long high = pde >>> 13 & 0xff;
      long base = pde & 0xffc0_0000L | high << 32;
      return leaf(pde, base & (1L << PHYSICAL_BITS) - 1 | linear & 0x3f_ffff, linear, access);
    }
    long pte = step(pde & 0xffff_f000L, linear >>> 12 & 0x3ff, linear, access);
    return leaf(pte, pte & 0xffff_f000L | linear & 0xfff, linear, access);
  }

  private long walkPae(long linear, int access) {
    long pdpe = pdpte[(int) (linear >>> 30) & 3];
    if ((pdpe & P) == 0) {
      throw fault(linear, access, 0);
    }
    return directory(pdpe & FRAME, linear, access, false);
  }

  private long walk64(long linear, int access) {
    long pml4e = step(s.cr3 & FRAME, linear >>> 39 & 0x1ff, linear, access);
    checkReserved(pml4e, PS, linear, access);
    long pdpe = step(pml4e & FRAME, linear >>> 30 & 0x1ff, linear, access);
    if ((pdpe & PS) != 0 && hugePages) {
      checkReserved(pdpe, 0x3fff_e000L, linear, access);
      sizeKind = Tlb.HUGE;
      return leaf(pdpe, pdpe & FRAME & -(1L << 30) | linear & 0x3fff_ffff, linear, access);
    }
    checkReserved(pdpe, PS, linear, access);
    return directory(pdpe & FRAME, linear, access, true);
  }

  private long directory(long table, long linear, int access, boolean ia32e) {
    long pde = step(table, linear >>> 21 & 0x1ff, linear, access);
    long ignored = ia32e ? 0 : 0x7ff0_0000_0000_0000L;
    if ((pde & PS) != 0) {
      checkReserved(pde, 0x1f_e000L | ignored, linear, access);
      sizeKind = Tlb.LARGE;
      return leaf(pde, pde & FRAME & -(1L << 21) | linear & 0x1f_ffff, linear, access);
    }
    checkReserved(pde, ignored, linear, access);
    long pte = step(pde & FRAME, linear >>> 12 & 0x1ff, linear, access);
    checkReserved(pte, ignored, linear, access);
    return leaf(pte, pte & FRAME | linear & 0xfff, linear, access);
  }

  /** Reads the entry of one level and gathers the rights so far. */
  private long step(long table, long index, long linear, int access) {
    long address = table + index * entryBytes;
    long entry = read(address, entryBytes);
    if ((entry & P) == 0) {
      throw fault(linear, access, 0);
    }
    entryAddress[levels] = address;
    entryValue[levels++] = entry;
    writable &= (entry & RW) != 0;
    user &= (entry & US) != 0;
    return entry;
  }

  private void checkReserved(long entry, long reserved, long linear, int access) {
    long bits = reserved | RESERVED_HIGH | ((s.efer & Control.EFER_NXE) == 0 ? NX : 0);
    if ((entry & bits) != 0) {
      throw fault(linear, access, PRESENT_FAULT | RESERVED_FAULT);
    }
  }

  private long leaf(long entry, long physical, long linear, int access) {
    dirty = (entry & D) != 0 || (access & WRITE) != 0;
    global = (entry & G) != 0 && (s.cr4 & Control.CR4_PGE) != 0;
    boolean byUser = (access & USER) != 0;
    boolean supervisorIgnoresRw = !byUser && (s.cr0 & Control.CR0_WP) == 0;
    boolean mayWrite = writable || supervisorIgnoresRw;
    boolean refused = byUser && !user || (access & WRITE) != 0 && !mayWrite;
    if ((access & FETCH) != 0) {
      refused |= entryBytes == 8 && (s.efer & Control.EFER_NXE) != 0 && noExecute();
      refused |= !byUser && user && (s.cr4 & Control.CR4_SMEP) != 0;
    } else {
      refused |= !byUser && user && smapApplies(access);
    }
    if (refused) {
      throw fault(linear, access, PRESENT_FAULT);
    }
    writable = mayWrite;
    return physical;
  }

  private boolean noExecute() {
    for (int i = 0; i < levels; i++) {
      if ((entryValue[i] & NX) != 0) {
        return true;
      }
    }
    return false;
  }

  private boolean smapApplies(int access) {
    return (s.cr4 & Control.CR4_SMAP) != 0
        && ((access & IMPLICIT) != 0 || (s.flagsSystem & Flags.AC) == 0);
  }

  private GuestFault fault(long linear, int access, int bits) {
    boolean fetchIsTold =
        (s.cr4 & Control.CR4_SMEP) != 0
            || (s.cr4 & Control.CR4_PAE) != 0 && (s.efer & Control.EFER_NXE) != 0;
    int told = access & (WRITE | USER) | (fetchIsTold ? access & FETCH : 0);
    return GuestFault.page(told | bits, linear);
  }

  /**
   * Sets the accessed flags, and the dirty flag of the last entry; returns false when an entry
   * changed meanwhile.
   */
  private boolean markUsed(boolean write) {
    for (int i = 0; i < levels; i++) {
      long wanted = entryValue[i] | A | (write && i == levels - 1 ? D : 0);
      if (wanted != entryValue[i] && !replace(entryAddress[i], entryValue[i], wanted)) {
        return false;
      }
    }
    return true;
  }

  private boolean replace(long address, long expected, long wanted) {
    long page = bus.writable(address);
    if (page < 0) {
      return true;
    }
    long offset = page + (address & 0xfff);
    return entryBytes == 8
        ? LONG.compareAndSet(ram, offset, expected, wanted)
        : INT.compareAndSet(ram, offset, (int) expected, (int) wanted);
  }

  private long read(long address, int size) {
    long page = bus.readable(address);
    if (page < 0) {
      return bus.read(address, size);
    }
    long offset = page + (address & 0xfff);
    return size == 8
        ? (long) LONG.getVolatile(ram, offset)
        : (int) INT.getVolatile(ram, offset) & 0xffff_ffffL;
  }
}
