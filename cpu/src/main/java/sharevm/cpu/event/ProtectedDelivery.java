package sharevm.cpu.event;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.address.StackFrame;

/**
 * Delivery in protected and virtual-8086 mode: interrupt, trap and task gates (Intel SDM Vol. 3A
 * 6.12, Vol. 3B 20.3).
 */
final class ProtectedDelivery {
  /** Interrupt redirection bitmap: the 32 bytes below the I/O map (Intel SDM Vol. 3B 20.3.3). */
  private static final int IO_MAP_BASE = 102;

  private ProtectedDelivery() {}

  static void deliver(Cpu cpu, Event event) {
    CpuState s = cpu.state;
    if (event.kind() == Event.Kind.SOFTWARE && s.virtual8086() && redirected(cpu, event.vector())) {
      VirtualDelivery.deliver(cpu, event);
      return;
    }
    int at = event.vector() * 8;
    if (at + 7 > s.idtLimit) {
      throw GuestFault.of(GuestFault.GP, InterruptDelivery.gateError(event));
    }
    long gate = cpu.memory.loadSystem(s.idtBase + at, 8);
    int type = Descriptors.type(gate);
    int attributes = Descriptors.attributes(gate);
    boolean known =
        type == Descriptors.TASK_GATE
            || type == Descriptors.INTERRUPT_GATE_16
            || type == Descriptors.TRAP_GATE_16
            || type == Descriptors.INTERRUPT_GATE_32
            || type == Descriptors.TRAP_GATE_32;
    if (!known || event.isSoftware() && Segment.dpl(attributes) < s.cpl) {
      throw GuestFault.of(GuestFault.GP, InterruptDelivery.gateError(event));
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, InterruptDelivery.gateError(event));
    }
    int selector = (int) (gate >>> 16) & 0xffff;
    if (type == Descriptors.TASK_GATE) {
      TaskSwitch.byInterrupt(cpu, selector, event);
    } else {
      throughGate(cpu, event, type, selector, gate & 0xffff | gate >>> 32 & 0xffff_0000L);
    }
  }

  /** Whether CR4.VME and the bitmap send INT n to the virtual-8086 program's own handler. */
  private static boolean redirected(Cpu cpu, int vector) {
    CpuState s = cpu.state;
    if ((s.cr4 & Control.CR4_VME) == 0) {
      return false;
    }
    long limit = s.segmentLimit[CpuState.TR] & 0xffff_ffffL;
    long tss = s.segmentBase[CpuState.TR];
    if (limit < IO_MAP_BASE + 1) {
      throw GuestFault.generalProtection();
    }
    long at = cpu.memory.loadSystem(tss + IO_MAP_BASE, 2) - 32 + (vector >>> 3);
    if (at < 0 || at > limit) {
      throw GuestFault.generalProtection();
    }
    boolean monitored = (cpu.memory.loadSystem(tss + at, 1) >>> (vector & 7) & 1) != 0;
    boolean iopl3 = (s.flagsSystem & Flags.IOPL) == Flags.IOPL;
    if (monitored && !iopl3) {
      throw GuestFault.generalProtection();
    }
    return !monitored;
  }

  private static void throughGate(Cpu cpu, Event event, int type, int selector, long offset) {
    CpuState s = cpu.state;
    long code = codeSegment(cpu, event, selector);
    int attributes = Descriptors.attributes(code);
    boolean conforming = (attributes & Segment.EXPAND_CONFORM) != 0;
    int cpl = conforming ? s.cpl : Segment.dpl(attributes);
    boolean virtual = s.virtual8086();
    if (virtual && cpl != 0) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX | event.ext());
    }
    int size = type >= Descriptors.INTERRUPT_GATE_32 ? 4 : 2;
    boolean inner = cpl < s.cpl;
    StackFrame frame =
        inner
            ? StackFrame.inner(cpu, cpl, event.ext(), size)
            : StackFrame.present(cpu, event.ext(), size);
    fill(s, frame, event, inner, virtual);
    if (Long.compareUnsigned(offset, Descriptors.limit(code) & 0xffff_ffffL) > 0) {
      throw GuestFault.of(GuestFault.GP, event.ext());
    }
    Descriptors.probeTouch(cpu, selector, code);
    frame.store();
    if (virtual) {
      leaveVirtual(s);
    }
    int cleared = Flags.TF | Flags.NT | Flags.RF | Flags.VM;
    boolean masks = type == Descriptors.INTERRUPT_GATE_16 || type == Descriptors.INTERRUPT_GATE_32;
    s.flagsSystem &= ~(masks ? cleared | Flags.IF : cleared);
    SegmentLoader.set(
        s, CpuState.CS, selector & Descriptors.INDEX | cpl, Descriptors.touch(cpu, selector, code));
    s.cpl = cpl;
    s.rip = offset;
    frame.switchStack();
    cpu.contextChanged();
  }

  private static void fill(
      CpuState s, StackFrame frame, Event event, boolean inner, boolean virtual) {
    if (virtual) {
      frame.add(s.selector[CpuState.GS]);
      frame.add(s.selector[CpuState.FS]);
      frame.add(s.selector[CpuState.DS]);
      frame.add(s.selector[CpuState.ES]);
    }
    if (inner) {
      frame.add(s.selector[CpuState.SS]);
      frame.add(s.gpr[CpuState.RSP]);
    }
    frame.add(s.rflags() | (event.isFault() ? Flags.RF : 0));
    frame.add(s.selector[CpuState.CS]);
    frame.add(s.rip);
    if (event.hasErrorCode()) {
      frame.add(event.errorCode());
    }
  }

  private static void leaveVirtual(CpuState s) {
    SegmentLoader.setNull(s, CpuState.ES, 0);
    SegmentLoader.setNull(s, CpuState.DS, 0);
    SegmentLoader.setNull(s, CpuState.FS, 0);
    SegmentLoader.setNull(s, CpuState.GS, 0);
  }

  private static long codeSegment(Cpu cpu, Event event, int selector) {
    int ext = event.ext();
    if (Descriptors.isNull(selector)) {
      throw GuestFault.of(GuestFault.GP, ext);
    }
    long code = Descriptors.read(cpu, selector, GuestFault.GP, ext);
    int attributes = Descriptors.attributes(code);
    int kind = Segment.CODE_OR_DATA | Segment.CODE;
    if ((attributes & kind) != kind || Segment.dpl(attributes) > cpu.state.cpl) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX | ext);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX | ext);
    }
    return code;
  }
}
