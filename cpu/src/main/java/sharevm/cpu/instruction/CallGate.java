package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.address.StackFrame;
import sharevm.cpu.event.GuestFault;

/** Transfers through call gates of 16, 32 and 64 bits (Intel SDM Vol. 3A 5.8.3 to 5.8.5). */
final class CallGate {
  /** Offset of RSP0 in the 64-bit TSS (Intel SDM Vol. 3A figure 7-11). */
  private static final int TSS_RSP0 = 4;

  private CallGate() {}

  static void enter(Cpu cpu, int selector, long gate, boolean call) {
    CpuState s = cpu.state;
    int attributes = Descriptors.attributes(gate);
    int error = selector & Descriptors.INDEX;
    if (Segment.dpl(attributes) < Math.max(s.cpl, selector & 3)) {
      throw GuestFault.of(GuestFault.GP, error);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, error);
    }
    long offset = gate & 0xffff | gate >>> 32 & 0xffff_0000L;
    if (s.longMode()) {
      offset |= Descriptors.baseHigh(cpu, selector, GuestFault.GP, 0);
    } else if (Descriptors.type(gate) == Descriptors.CALL_GATE_16) {
      offset &= 0xffff;
    }
    int target = (int) (gate >>> 16) & 0xffff;
    long code = codeSegment(cpu, target, call);
    int codeAttributes = Descriptors.attributes(code);
    boolean conforming = (codeAttributes & Segment.EXPAND_CONFORM) != 0;
    int cpl = conforming || !call ? s.cpl : Segment.dpl(codeAttributes);
    Descriptors.probeTouch(cpu, target, code);
    if (s.longMode()) {
      enterLong(cpu, cpl, offset, call);
    } else {
      enterLegacy(cpu, gate, cpl, code, offset, call);
    }
    SegmentLoader.set(
        s, CpuState.CS, target & Descriptors.INDEX | cpl, Descriptors.touch(cpu, target, code));
    s.cpl = cpl;
    s.rip = offset;
    cpu.contextChanged();
  }

  private static long codeSegment(Cpu cpu, int selector, boolean call) {
    CpuState s = cpu.state;
    if (Descriptors.isNull(selector)) {
      throw GuestFault.generalProtection();
    }
    long code = Descriptors.read(cpu, selector, GuestFault.GP, 0);
    int attributes = Descriptors.attributes(code);
    int kind = Segment.CODE_OR_DATA | Segment.CODE;
    boolean conforming = (attributes & Segment.EXPAND_CONFORM) != 0;
    int dpl = Segment.dpl(attributes);
    boolean reachable = call || conforming ? dpl <= s.cpl : dpl == s.cpl;
    boolean fits =
        !s.longMode() || (attributes & (Segment.LONG | Segment.DEFAULT_BIG)) == Segment.LONG;
    if ((attributes & kind) != kind || !reachable || !fits) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX);
    }
    return code;
  }

  private static void enterLegacy(
      Cpu cpu, long gate, int cpl, long code, long offset, boolean call) {
    CpuState s = cpu.state;
    FarReturn.checkLimit(Descriptors.limit(code), offset);
    if (!call) {
      return;
    }
    int size = Descriptors.type(gate) == Descriptors.CALL_GATE_32 ? 4 : 2;
    boolean inner = cpl < s.cpl;
    StackFrame frame =
        inner ? StackFrame.inner(cpu, cpl, 0, size) : StackFrame.present(cpu, 0, size);
    if (inner) {
      frame.add(s.selector[CpuState.SS]);
      frame.add(s.gpr[CpuState.RSP]);
      for (int i = (int) (gate >>> 32) & 0x1f; i > 0; i--) {
        frame.add(FarReturn.word(cpu, (i - 1L) * size, size));
      }
    }
    frame.add(s.selector[CpuState.CS]);
    frame.add(s.rip);
    frame.store();
    frame.switchStack();
  }

  private static void enterLong(Cpu cpu, int cpl, long offset, boolean call) {
    CpuState s = cpu.state;
    DescriptorTables.checkCanonical(offset);
    if (!call) {
      return;
    }
    boolean inner = cpl < s.cpl;
    long top = inner ? stackOf(cpu, cpl) : s.gpr[CpuState.RSP];
    int size = inner ? 32 : 16;
    cpu.memory.probeAs(cpl, top - size, size);
    long at = top;
    if (inner) {
      cpu.memory.storeAs(cpl, at -= 8, 8, s.selector[CpuState.SS]);
      cpu.memory.storeAs(cpl, at -= 8, 8, s.gpr[CpuState.RSP]);
    }
    cpu.memory.storeAs(cpl, at -= 8, 8, s.selector[CpuState.CS]);
    cpu.memory.storeAs(cpl, at -= 8, 8, s.rip);
    if (inner) {
      SegmentLoader.setNull(s, CpuState.SS, cpl);
    }
    s.gpr[CpuState.RSP] = at;
  }

  private static long stackOf(Cpu cpu, int cpl) {
    CpuState s = cpu.state;
    int at = TSS_RSP0 + 8 * cpl;
    if (at + 7 > (s.segmentLimit[CpuState.TR] & 0xffff_ffffL)) {
      throw GuestFault.of(GuestFault.TS, s.selector[CpuState.TR] & Descriptors.INDEX);
    }
    long top = cpu.memory.loadSystem(s.segmentBase[CpuState.TR] + at, 8);
    if (top << 16 >> 16 != top) {
      throw GuestFault.of(GuestFault.SS, 0);
    }
    return top;
  }
}
