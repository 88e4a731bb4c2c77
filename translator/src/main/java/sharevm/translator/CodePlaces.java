package sharevm.translator;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;

/**
 * Where pages of code are in RAM, as long as mappings stay: spares the walk of page tables for most
 * jumps that the jump cache has forgotten.
 */
final class CodePlaces {
  private static final int ENTRIES = 256;

  private final Cpu cpu;
  private final ContextAccess context;
  private final long[] keys = new long[ENTRIES];
  private final long[] places = new long[ENTRIES];
  private final boolean[] global = new boolean[ENTRIES];
  private final int[] since = new int[ENTRIES];
  private boolean lastGlobal;
  private boolean fresh;

  CodePlaces(Cpu cpu, ContextAccess context) {
    this.cpu = cpu;
    this.context = context;
  }

  /**
   * Returns the place in RAM of the code at a RIP, or a negative number when it is no RAM.
   *
   * @throws sharevm.cpu.event.GuestFault when it cannot be fetched
   */
  long at(long rip) {
    CpuState s = cpu.state;
    long key = rip & -4096 | (s.cpl == 3 ? 1 : 0) | 2;
    int entry = (int) (rip >>> 12) & ENTRIES - 1;
    if (keys[entry] != key || since[entry] != context.mappings()) {
      long place = cpu.memory.fetch(rip);
      if (place < 0) {
        return place;
      }
      keys[entry] = key;
      since[entry] = context.mappings();
      places[entry] = place & -4096;
      global[entry] = cpu.memory.lastIsGlobal();
      fresh = true;
    }
    lastGlobal = global[entry];
    return places[entry] | rip & 4095;
  }

  /** Returns whether a page has been walked to since this was last asked. */
  boolean takeFresh() {
    boolean was = fresh;
    fresh = false;
    return was;
  }

  /** Returns whether the page last asked for stays when CR3 changes. */
  boolean lastIsGlobal() {
    return lastGlobal;
  }
}
