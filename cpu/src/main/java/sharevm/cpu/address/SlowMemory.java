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
import sharevm.cpu.event.Breakpoints;
import sharevm.cpu.event.GuestFault;

/** Memory accesses that the TLB does not answer: see {@link Memory}. */
final class SlowMemory {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle ALIGNED_LONG = ValueLayout.JAVA_LONG.varHandle();

  private final CpuState s;
  private final Bus bus;
  private final MemorySegment ram;
  private final CodePages codePages;
  private final RamWriter writer;
  private final PageWalk walk;

  SlowMemory(CpuModel model, CpuState state, Bus bus, CodePages codePages, RamWriter writer) {
    this.writer = writer;
    this.s = state;
    this.bus = bus;
    this.ram = bus.ram();
    this.codePages = codePages;
    this.walk = new PageWalk(model, state, bus);
  }

  PageWalk pageWalk() {
    return walk;
  }

  long load(Tlb tlb, long linear, int size, int segment) {
    check(linear, size, segment);
    long value = loadChecked(tlb, linear, size, privilege());
    Breakpoints.access(s, linear, size, false);
    return value;
  }

  void store(Tlb tlb, long linear, int size, long value, int segment) {
    check(linear, size, segment);
    storeChecked(tlb, linear, size, value, privilege());
    Breakpoints.access(s, linear, size, true);
  }

  void probeWrite(Tlb tlb, long linear, int size, int segment) {
    check(linear, size, segment);
    probe(tlb, linear, size, PageWalk.WRITE | privilege());
  }

  void probeRead(Tlb tlb, long linear, int size, int segment) {
    check(linear, size, segment);
    probe(tlb, linear, size, privilege());
  }

  long loadSystem(Tlb tlb, long linear, int size) {
    checkCanonical(linear, size, CpuState.FLAT);
    return loadChecked(tlb, linear, size, PageWalk.IMPLICIT);
  }

  void storeSystem(Tlb tlb, long linear, int size, long value) {
    checkCanonical(linear, size, CpuState.FLAT);
    storeChecked(tlb, linear, size, value, PageWalk.IMPLICIT);
  }

  void probeSystem(Tlb tlb, long linear, int size, boolean write) {
    checkCanonical(linear, size, CpuState.FLAT);
    probe(tlb, linear, size, (write ? PageWalk.WRITE : 0) | PageWalk.IMPLICIT);
  }

  void changeSystemBits(Tlb tlb, long linear, int cleared, int set) {
    while (true) {
      int old = (int) loadSystem(tlb, linear, 1);
      int wanted = old & ~cleared | set;
      long physical = translate(tlb, linear, PageWalk.WRITE | PageWalk.IMPLICIT);
      long page = bus.writable(physical);
      if (page < 0) {
        bus.write(physical, 1, wanted);
        return;
      }
      long place = page + (physical & 0xfff);
      if (replaceByte(place, old, wanted)) {
        codePages.written(place, 1);
        return;
      }
    }
  }

  private boolean replaceByte(long place, int old, int wanted) {
    long container = place & -8;
    int shift = (int) (place & 7) * 8;
    long before = (long) ALIGNED_LONG.getVolatile(ram, container);
    long after = before & ~(0xffL << shift) | (wanted & 0xffL) << shift;
    return (before >>> shift & 0xff) == old
        && ALIGNED_LONG.compareAndSet(ram, container, before, after);
  }

  void probeAs(Tlb tlb, long linear, int size, int access) {
    checkCanonical(linear, size, CpuState.SS);
    probe(tlb, linear, size, PageWalk.WRITE | access);
  }

  void storeAs(Tlb tlb, long linear, int size, long value, int access) {
    checkCanonical(linear, size, CpuState.SS);
    storeChecked(tlb, linear, size, value, access);
  }

  long fetch(long linear) {
    checkCanonical(linear, 1, CpuState.FLAT);
    long physical = walk.translate(linear, PageWalk.FETCH | privilege());
    long page = bus.readable(physical);
    return page >= 0 ? page + (physical & 0xfff) : -1 - physical;
  }

  byte fetchDevice(long physicalAddress) {
    return (byte) bus.read(physicalAddress, 1);
  }

  boolean compareAndSet(Tlb tlb, long linear, int size, long expected, long value, int segment) {
    check(linear, size, segment);
    probe(tlb, linear, size, PageWalk.WRITE | privilege());
    Breakpoints.access(s, linear, size, true);
    if (reachesDevice(tlb, linear, size)) {
      // What a device tells may be another value each time and change it: it is not asked again.
      storeChecked(tlb, linear, size, value, privilege());
      return true;
    }
    long place = crosses(linear, size) ? -1 : ramPlace(tlb, linear);
    if (place < 0 || (place & 7) + size > 8) {
      return compareAndSetInParts(tlb, linear, size, expected, value);
    }
    long container = place & -8;
    int shift = (int) (place & 7) * 8;
    long mask = (size == 8 ? -1L : (1L << size * 8) - 1) << shift;
    while (true) {
      long old = (long) ALIGNED_LONG.getVolatile(ram, container);
      if ((old & mask) != (expected << shift & mask)) {
        return false;
      }
      if (ALIGNED_LONG.compareAndSet(ram, container, old, old & ~mask | value << shift & mask)) {
        codePages.written(place, size);
        return true;
      }
    }
  }

  private boolean reachesDevice(Tlb tlb, long linear, int size) {
    return ramPlace(tlb, linear) < 0
        || crosses(linear, size) && ramPlace(tlb, nextPage(linear)) < 0;
  }

  /** A locked access across two containers: while all other processors stand still. */
  private boolean compareAndSetInParts(Tlb tlb, long linear, int size, long expected, long value) {
    long mask = size == 8 ? -1L : (1L << size * 8) - 1;
    return writer.exclusively(
        () -> {
          if (loadChecked(tlb, linear, size, privilege()) != (expected & mask)) {
            return false;
          }
          storeChecked(tlb, linear, size, value, privilege());
          return true;
        });
  }

  private long ramPlace(Tlb tlb, long linear) {
    long physical = translate(tlb, linear, PageWalk.WRITE | privilege());
    long page = bus.writable(physical);
    return page < 0 ? -1 : page + (physical & 0xfff);
  }

  private int privilege() {
    return s.cpl == 3 ? PageWalk.USER : 0;
  }

  private void check(long linear, int size, int segment) {
    checkCanonical(linear, size, segment);
    boolean checked =
        s.cpl == 3 && (s.flagsSystem & Flags.AC) != 0 && (s.cr0 & Control.CR0_AM) != 0;
    boolean natural = size <= 8 || size == 16;
    if (checked && natural && (linear & size - 1) != 0) {
      throw GuestFault.of(GuestFault.AC, 0);
    }
  }

  private void checkCanonical(long linear, int size, int segment) {
    long last = linear + size - 1;
    if (s.code64 && (linear << 16 >> 16 != linear || last << 16 >> 16 != last)) {
      boolean stack = segment == CpuState.FLAT_STACK || segment == CpuState.SS;
      throw GuestFault.of(stack ? GuestFault.SS : GuestFault.GP, 0);
    }
  }

  private static boolean crosses(long linear, int size) {
    return (linear & 0xfff) + size > 4096;
  }

  private long loadChecked(Tlb tlb, long linear, int size, int access) {
    long physical = translate(tlb, linear, access);
    if (!crosses(linear, size)) {
      return read(physical, size);
    }
    int first = 4096 - (int) (linear & 0xfff);
    long second = translate(tlb, nextPage(linear), access);
    long value = 0;
    for (int i = 0; i < size; i++) {
      long at = i < first ? physical + i : second + i - first;
      value |= read(at, 1) << 8 * i;
    }
    return value;
  }

  private void storeChecked(Tlb tlb, long linear, int size, long value, int access) {
    int writing = access | PageWalk.WRITE;
    long physical = translate(tlb, linear, writing);
    if (!crosses(linear, size)) {
      write(physical, size, value);
      return;
    }
    int first = 4096 - (int) (linear & 0xfff);
    long second = translate(tlb, nextPage(linear), writing);
    for (int i = 0; i < size; i++) {
      long at = i < first ? physical + i : second + i - first;
      write(at, 1, value >>> 8 * i);
    }
  }

  private void probe(Tlb tlb, long linear, int size, int access) {
    translate(tlb, linear, access);
    if (crosses(linear, size)) {
      translate(tlb, nextPage(linear), access);
    }
  }

  private long nextPage(long linear) {
    return (linear & -4096) + 4096 & (s.longMode() ? -1L : 0xffff_ffffL);
  }

  /** Translates an address and puts what later accesses may do without us into the TLB. */
  private long translate(Tlb tlb, long linear, int access) {
    long physical = walk.translate(linear, access);
    long page = bus.readable(physical);
    boolean checking =
        s.cpl == 3 && (s.flagsSystem & Flags.AC) != 0 && (s.cr0 & Control.CR0_AM) != 0;
    if (page >= 0 && !checking && !Breakpoints.watches(s, linear)) {
      boolean plain = bus.writable(physical) >= 0 && !codePages.marked((int) (page >>> 12));
      tlb.fill(linear, plain && walk.writable(), walk.kind(), page);
    }
    return physical;
  }

  private long read(long physical, int size) {
    long page = bus.readable(physical);
    if (page < 0) {
      return bus.read(physical, size);
    }
    long offset = page + (physical & 0xfff);
    return switch (size) {
      case 1 -> ram.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
      case 2 -> ram.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset) & 0xffff;
      case 4 -> ram.get(ValueLayout.JAVA_INT_UNALIGNED, offset) & 0xffff_ffffL;
      default -> ram.get(LONG, offset);
    };
  }

  private void write(long physical, int size, long value) {
    long page = bus.writable(physical);
    if (page < 0) {
      bus.write(physical, size, value);
      return;
    }
    long offset = page + (physical & 0xfff);
    switch (size) {
      case 1 -> ram.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
      case 2 -> ram.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) value);
      case 4 -> ram.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) value);
      default -> ram.set(LONG, offset, value);
    }
    codePages.written(offset, size);
  }
}
