package sharevm.cpu.event;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;

/**
 * Delivery in IA-32e mode: 16-byte gates, the interrupt stack table, 64-bit handlers (Intel SDM
 * Vol. 3A 6.14).
 */
final class LongDelivery {
  /** Offsets in the 64-bit TSS (Intel SDM Vol. 3A 7.7). */
  private static final int TSS_RSP0 = 4;

  private static final int TSS_IST1 = 36;

  private LongDelivery() {}

  static void deliver(Cpu cpu, Event event) {
    CpuState s = cpu.state;
    int at = event.vector() * 16;
    if (at + 15 > s.idtLimit) {
      throw GuestFault.of(GuestFault.GP, InterruptDelivery.gateError(event));
    }
    long gate = cpu.memory.loadSystem(s.idtBase + at, 8);
    long high = cpu.memory.loadSystem(s.idtBase + at + 8, 8);
    int type = Descriptors.type(gate);
    checkGate(s, event, gate, type, high);
    int selector = (int) (gate >>> 16) & 0xffff;
    long code = codeSegment(cpu, event, selector);
    int attributes = Descriptors.attributes(code);
    int cpl = (attributes & Segment.EXPAND_CONFORM) != 0 ? s.cpl : Segment.dpl(attributes);
    long offset = gate & 0xffff | gate >>> 32 & 0xffff_0000L | high << 32;
    if (offset << 16 >> 16 != offset) {
      throw GuestFault.of(GuestFault.GP, event.ext());
    }
    boolean inner = cpl < s.cpl;
    Descriptors.probeTouch(cpu, selector, code);
    long top = stackTop(cpu, event, cpl, (int) (gate >>> 32) & 7) & -16;
    push(cpu, event, cpl, top);
    if (inner) {
      SegmentLoader.setNull(s, CpuState.SS, cpl);
    }
    s.gpr[CpuState.RSP] = top - (event.hasErrorCode() ? 48 : 40);
    SegmentLoader.set(
        s, CpuState.CS, selector & Descriptors.INDEX | cpl, Descriptors.touch(cpu, selector, code));
    s.cpl = cpl;
    s.rip = offset;
    int cleared = Flags.TF | Flags.NT | Flags.RF | Flags.VM;
    s.flagsSystem &= ~(type == Descriptors.INTERRUPT_GATE_32 ? cleared | Flags.IF : cleared);
    cpu.contextChanged();
  }

  private static void checkGate(CpuState s, Event event, long gate, int type, long high) {
    boolean usable = type == Descriptors.INTERRUPT_GATE_32 || type == Descriptors.TRAP_GATE_32;
    int attributes = Descriptors.attributes(gate);
    if (!usable
        || (high >>> 40 & 0x1f) != 0
        || event.isSoftware() && Segment.dpl(attributes) < s.cpl) {
      throw GuestFault.of(GuestFault.GP, InterruptDelivery.gateError(event));
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, InterruptDelivery.gateError(event));
    }
  }

  private static long codeSegment(Cpu cpu, Event event, int selector) {
    int ext = event.ext();
    if (Descriptors.isNull(selector)) {
      throw GuestFault.of(GuestFault.GP, ext);
    }
    long code = Descriptors.read(cpu, selector, GuestFault.GP, ext);
    int attributes = Descriptors.attributes(code);
    int kind = Segment.CODE_OR_DATA | Segment.CODE;
    boolean is64 = (attributes & (Segment.LONG | Segment.DEFAULT_BIG)) == Segment.LONG;
    if ((attributes & kind) != kind || Segment.dpl(attributes) > cpu.state.cpl || !is64) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX | ext);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX | ext);
    }
    return code;
  }

  private static long stackTop(Cpu cpu, Event event, int cpl, int ist) {
    CpuState s = cpu.state;
    long top;
    if (ist != 0) {
      top = fromTss(cpu, event, TSS_IST1 + (ist - 1) * 8);
    } else if (cpl < s.cpl) {
      top = fromTss(cpu, event, TSS_RSP0 + cpl * 8);
    } else {
      top = s.gpr[CpuState.RSP];
    }
    if (top << 16 >> 16 != top) {
      throw GuestFault.of(GuestFault.SS, event.ext());
    }
    return top;
  }

  private static long fromTss(Cpu cpu, Event event, int offset) {
    CpuState s = cpu.state;
    if (offset + 7 > (s.segmentLimit[CpuState.TR] & 0xffff_ffffL)) {
      throw GuestFault.of(GuestFault.TS, s.selector[CpuState.TR] & Descriptors.INDEX | event.ext());
    }
    return cpu.memory.loadSystem(s.segmentBase[CpuState.TR] + offset, 8);
  }

  private static void push(Cpu cpu, Event event, int cpl, long top) {
    CpuState s = cpu.state;
    int size = event.hasErrorCode() ? 48 : 40;
    cpu.memory.probeAs(cpl, top - size, size);
    cpu.memory.storeAs(cpl, top - 8, 8, s.selector[CpuState.SS]);
    cpu.memory.storeAs(cpl, top - 16, 8, s.gpr[CpuState.RSP]);
    cpu.memory.storeAs(cpl, top - 24, 8, s.rflags() | (event.isFault() ? Flags.RF : 0));
    cpu.memory.storeAs(cpl, top - 32, 8, s.selector[CpuState.CS]);
    cpu.memory.storeAs(cpl, top - 40, 8, s.rip);
    if (event.hasErrorCode()) {
      cpu.memory.storeAs(cpl, top - 48, 8, event.errorCode());
    }
  }
}
