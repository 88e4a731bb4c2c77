package sharevm.cpu.event;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;

/**
 * Hardware task switches between 16- and 32-bit tasks (Intel SDM Vol. 3A 7.3). Until the new task's
 * state is loaded a fault leaves the old task as it was; after that, faults are the new task's.
 */
public final class TaskSwitch {
  /** Why a task is switched to. */
  private enum Cause {
    JUMP,
    /** CALL, interrupt or exception: the new task is nested in the old. */
    NEST,
    RETURN
  }

  private final Cpu cpu;
  private final CpuState s;
  private final Cause cause;
  private final int ext;
  private final int selector;
  private TaskState next;
  private long[] values;
  private int[] selectors;

  private TaskSwitch(Cpu cpu, int selector, Cause cause, int ext) {
    this.cpu = cpu;
    this.s = cpu.state;
    this.selector = selector;
    this.cause = cause;
    this.ext = ext;
  }

  /** Switches by far JMP or CALL to the task of a TSS selector, privilege checked by the caller. */
  public static void byTransfer(Cpu cpu, int selector, boolean call) {
    new TaskSwitch(cpu, selector, call ? Cause.NEST : Cause.JUMP, 0).run(false);
  }

  /** Switches back to the task that the present one is nested in: IRET with EFLAGS.NT. */
  public static void byReturn(Cpu cpu) {
    int link = (int) cpu.memory.loadSystem(cpu.state.segmentBase[CpuState.TR], 2);
    new TaskSwitch(cpu, link, Cause.RETURN, 0).run(false);
  }

  /** Switches through a task gate of the IDT and pushes the event's error code on the new stack. */
  static void byInterrupt(Cpu cpu, int selector, Event event) {
    TaskSwitch task = new TaskSwitch(cpu, selector, Cause.NEST, event.ext());
    task.run(event.isFault());
    if (event.hasErrorCode()) {
      try {
        task.pushError(event.errorCode());
      } catch (GuestFault fault) {
        throw fault.inNewTask();
      }
    }
  }

  private void run(boolean fault) {
    long descriptor = check();
    next = TaskState.of(descriptor);
    TaskState old = TaskState.present(s);
    probe(old, descriptor);
    next.read(cpu.memory);
    values = next.values();
    selectors = next.selectors();
    save(old, fault);
    commit(descriptor);
    try {
      loadDescriptors();
    } catch (GuestFault second) {
      cpu.contextChanged();
      throw second.inNewTask();
    }
    cpu.contextChanged();
    if (next.traps()) {
      cpu.events.trapAfter(Events.DR6_BT);
    }
    if ((s.flagsSystem & Flags.IF) != 0) {
      cpu.interruptsEnabled();
    }
  }

  private GuestFault invalid(int vector) {
    return GuestFault.of(vector, selector & Descriptors.INDEX | ext);
  }

  /** Checks the new TSS's descriptor (Intel SDM Vol. 3A table 7-1). */
  private long check() {
    int wrong = cause == Cause.RETURN ? GuestFault.TS : GuestFault.GP;
    if ((selector & Descriptors.TABLE_INDICATOR) != 0 || Descriptors.isNull(selector)) {
      throw invalid(wrong);
    }
    long descriptor = Descriptors.read(cpu, selector, wrong, ext);
    int type = Descriptors.type(descriptor) & ~(cause == Cause.RETURN ? Descriptors.BUSY : 0);
    boolean busyFits =
        (Descriptors.type(descriptor) & Descriptors.BUSY) != 0 == (cause == Cause.RETURN);
    if (type != Descriptors.TSS_16 && type != Descriptors.TSS_32 || !busyFits) {
      throw invalid(wrong);
    }
    if ((Descriptors.attributes(descriptor) & Segment.PRESENT) == 0) {
      throw invalid(GuestFault.NP);
    }
    long least = type == Descriptors.TSS_32 ? 0x67 : 0x2b;
    if ((Descriptors.limit(descriptor) & 0xffff_ffffL) < least) {
      throw invalid(GuestFault.TS);
    }
    return descriptor;
  }

  private void probe(TaskState old, long descriptor) {
    old.probe(cpu.memory);
    if (cause == Cause.NEST) {
      cpu.memory.probeSystemWrite(Descriptors.base(descriptor), 2);
    }
    cpu.memory.probeSystemWrite(typeByte(selector), 1);
    if (cause != Cause.NEST) {
      cpu.memory.probeSystemWrite(typeByte(s.selector[CpuState.TR]), 1);
    }
  }

  private long typeByte(int tss) {
    return s.gdtBase + (tss & 0xfff8) + 5;
  }

  private void save(TaskState old, boolean fault) {
    long flags = s.rflags() | (fault ? Flags.RF : 0);
    old.save(cpu.memory, s, cause == Cause.RETURN ? flags & ~Flags.NT : flags);
    if (cause != Cause.NEST) {
      cpu.memory.changeSystemBits(typeByte(s.selector[CpuState.TR]), Descriptors.BUSY, 0);
    } else {
      cpu.memory.storeSystem(next.base(), 2, s.selector[CpuState.TR]);
    }
    if (cause != Cause.RETURN) {
      cpu.memory.changeSystemBits(typeByte(selector), 0, Descriptors.BUSY);
    }
  }

  /** Makes the new task the present one, its segments named but not yet loaded. */
  private void commit(long descriptor) {
    SegmentLoader.set(s, CpuState.TR, selector, descriptor);
    s.segmentAttributes[CpuState.TR] |= Descriptors.BUSY;
    s.cr0 |= Control.CR0_TS;
    if (next.wide() && (s.cr0 & Control.CR0_PG) != 0) {
      s.cr3 = next.cr3();
      cpu.flushTranslations(false);
    }
    System.arraycopy(values, 2, s.gpr, 0, 8);
    s.rip = values[0];
    s.rflags(values[1] | (cause == Cause.NEST ? Flags.NT : 0));
    s.dr[7] &= ~Events.DR7_LOCAL;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      SegmentLoader.setNull(s, n, selectors[n]);
    }
    SegmentLoader.setNull(s, CpuState.LDTR, selectors[6]);
    s.cpl = s.virtual8086() ? 3 : selectors[CpuState.CS] & 3;
    cpu.contextChanged();
  }

  private void loadDescriptors() {
    if ((s.cr0 & Control.CR0_PG) != 0
        && (s.cr4 & Control.CR4_PAE) != 0
        && next.wide()
        && !cpu.memory.pageWalk().loadPdptes(s.cr3)) {
      throw GuestFault.of(GuestFault.TS, selector & Descriptors.INDEX | ext);
    }
    loadLocalTable();
    if (s.virtual8086()) {
      for (int n = CpuState.ES; n <= CpuState.GS; n++) {
        SegmentLoader.loadReal(s, n, selectors[n]);
      }
      return;
    }
    loadCode();
    loadStack();
    for (int n : new int[] {CpuState.ES, CpuState.DS, CpuState.FS, CpuState.GS}) {
      if (!Descriptors.isNull(selectors[n])) {
        long data = SegmentLoader.data(cpu, selectors[n], s.cpl, GuestFault.TS, ext);
        SegmentLoader.set(s, n, selectors[n], Descriptors.touch(cpu, selectors[n], data));
      }
    }
    if (Long.compareUnsigned(s.rip, s.segmentLimit[CpuState.CS] & 0xffff_ffffL) > 0) {
      throw GuestFault.of(GuestFault.GP, ext);
    }
  }

  private void loadLocalTable() {
    int table = selectors[6];
    if (Descriptors.isNull(table)) {
      return;
    }
    GuestFault wrong = GuestFault.of(GuestFault.TS, table & Descriptors.INDEX | ext);
    if ((table & Descriptors.TABLE_INDICATOR) != 0) {
      throw wrong;
    }
    long descriptor = Descriptors.read(cpu, table, GuestFault.TS, ext);
    boolean present = (Descriptors.attributes(descriptor) & Segment.PRESENT) != 0;
    if (Descriptors.type(descriptor) != Descriptors.LDT || !present) {
      throw wrong;
    }
    SegmentLoader.set(s, CpuState.LDTR, table, descriptor);
  }

  private void loadCode() {
    int code = selectors[CpuState.CS];
    int error = code & Descriptors.INDEX | ext;
    if (Descriptors.isNull(code)) {
      throw GuestFault.of(GuestFault.TS, error);
    }
    long descriptor = Descriptors.read(cpu, code, GuestFault.TS, ext);
    int attributes = Descriptors.attributes(descriptor);
    int kind = Segment.CODE_OR_DATA | Segment.CODE;
    int dpl = Segment.dpl(attributes);
    boolean conforming = (attributes & Segment.EXPAND_CONFORM) != 0;
    boolean level = conforming ? dpl <= (code & 3) : dpl == (code & 3);
    if ((attributes & kind) != kind || !level) {
      throw GuestFault.of(GuestFault.TS, error);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, error);
    }
    SegmentLoader.set(s, CpuState.CS, code, Descriptors.touch(cpu, code, descriptor));
  }

  private void loadStack() {
    int stack = selectors[CpuState.SS];
    if (Descriptors.isNull(stack)) {
      throw GuestFault.of(GuestFault.TS, stack & Descriptors.INDEX | ext);
    }
    long descriptor = SegmentLoader.stack(cpu, stack, s.cpl, GuestFault.TS, ext);
    SegmentLoader.set(s, CpuState.SS, stack, Descriptors.touch(cpu, stack, descriptor));
  }

  private void pushError(int error) {
    int size = next.wide() ? 4 : 2;
    long top = s.gpr[CpuState.RSP] - size & s.stackMask;
    cpu.memory.store(CpuState.SS, top, size, error);
    s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~s.stackMask | top;
  }
}
