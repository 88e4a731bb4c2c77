package sharevm.cpu.event;

import sharevm.cpu.CpuState;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.Memory;

/**
 * A task-state segment in memory, 32-bit (Intel SDM Vol. 3A 7.2.1) or 16-bit (7.6):
 *
 * <pre>
 *            link  stacks  CR3  IP  flags  AX CX DX BX SP BP SI DI   ES CS SS DS FS GS  LDT  T
 * 32-bit     0     4       28   32  36     40 to 68, by 4            72 to 92, by 4     96   100
 * 16-bit     0     2            14  16     18 to 32, by 2            34 to 40, by 2     42
 * </pre>
 */
final class TaskState {
  private static final int REGISTERS = 10;

  private final long base;
  private final boolean wide;
  private final long[] values = new long[REGISTERS];
  private final int[] selectors = new int[7];
  private long cr3;
  private boolean traps;

  private TaskState(long base, boolean wide) {
    this.base = base;
    this.wide = wide;
  }

  static TaskState of(long descriptor) {
    return new TaskState(Descriptors.base(descriptor), (Descriptors.type(descriptor) & 8) != 0);
  }

  static TaskState present(CpuState s) {
    return new TaskState(s.segmentBase[CpuState.TR], (s.segmentAttributes[CpuState.TR] & 8) != 0);
  }

  long base() {
    return base;
  }

  boolean wide() {
    return wide;
  }

  /** Returns EIP, EFLAGS and the general registers. */
  long[] values() {
    return values;
  }

  /** Returns ES, CS, SS, DS, FS, GS and the LDT's selector. */
  int[] selectors() {
    return selectors;
  }

  long cr3() {
    return cr3;
  }

  /** Whether a debug trap follows the switch. */
  boolean traps() {
    return traps;
  }

  private int step() {
    return wide ? 4 : 2;
  }

  private long first() {
    return base + (wide ? 32 : 14);
  }

  private int segments() {
    return wide ? 6 : 4;
  }

  /** Checks that {@link #save} will not fault. */
  void probe(Memory memory) {
    memory.probeSystemWrite(first(), step() * (REGISTERS + segments()));
  }

  void save(Memory memory, CpuState s, long flags) {
    int step = step();
    long at = first();
    memory.storeSystem(at, step, s.rip);
    memory.storeSystem(at + step, step, flags);
    for (int n = 0; n < 8; n++) {
      memory.storeSystem(at + (long) step * (2 + n), step, s.gpr[n]);
    }
    for (int n = 0; n < segments(); n++) {
      memory.storeSystem(at + (long) step * (REGISTERS + n), 2, s.selector[n]);
    }
  }

  void read(Memory memory) {
    int step = step();
    for (int n = 0; n < REGISTERS; n++) {
      values[n] = memory.loadSystem(first() + (long) step * n, step);
    }
    for (int n = 0; n < segments(); n++) {
      selectors[n] = (int) memory.loadSystem(first() + (long) step * (REGISTERS + n), 2);
    }
    selectors[6] = (int) memory.loadSystem(first() + (long) step * (REGISTERS + segments()), 2);
    if (wide) {
      cr3 = memory.loadSystem(base + 28, 4);
      traps = (memory.loadSystem(base + 100, 2) & 1) != 0;
    }
  }
}
