package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * RETF and the part of IRET that is like it: back to a code segment of the same or an outer level
 * (Intel SDM Vol. 2 RET).
 */
final class FarReturn {
  /** What comes off the stack. */
  record Frame(
      int size, long rip, int code, long flags, boolean interrupt, long bytes, long released) {}

  private FarReturn() {}

  static void bind(Semantics s) {
    s.put("RETF", FarReturn::retf);
  }

  private static void retf(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int size = i.size;
    long rip = word(cpu, 0, size);
    int code = (int) word(cpu, size, size) & 0xffff;
    long released = i.immediate & 0xffff;
    if (s.realSegments()) {
      checkLimit(s.segmentLimit[CpuState.CS], rip);
      SegmentLoader.loadReal(s, CpuState.CS, code);
      s.rip = rip;
      Stack.drop(s, 2L * size + released);
      cpu.contextChanged();
      return;
    }
    toProtected(cpu, new Frame(size, rip, code, 0, false, 2L * size, released));
  }

  /** Reads the word of a size at an offset from the top of the stack. */
  static long word(Cpu cpu, long offset, int size) {
    CpuState s = cpu.state;
    return cpu.memory.load(Stack.segment(s), s.gpr[CpuState.RSP] + offset & s.stackMask, size);
  }

  /** Checks an offset against the limit of a code segment that is about to be loaded. */
  static void checkLimit(int limit, long rip) {
    if (Long.compareUnsigned(rip, limit & 0xffff_ffffL) > 0) {
      throw GuestFault.generalProtection();
    }
  }

  /** Returns in protected or IA-32e mode. */
  static void toProtected(Cpu cpu, Frame f) {
    CpuState s = cpu.state;
    long code = codeSegment(cpu, f.code);
    int rpl = f.code & 3;
    boolean to64 = s.longMode() && (Descriptors.attributes(code) & Segment.LONG) != 0;
    boolean popsStack = rpl != s.cpl || f.interrupt && s.code64;
    if (!popsStack) {
      checkTarget(code, to64, f.rip);
      int oldCpl = s.cpl;
      code = Descriptors.touch(cpu, f.code, code);
      Stack.drop(s, f.bytes + f.released);
      enter(cpu, f, code, oldCpl);
      return;
    }
    long newRsp = word(cpu, f.bytes + f.released, f.size);
    int stack = (int) word(cpu, f.bytes + f.released + f.size, f.size) & 0xffff;
    toOuter(cpu, f, code, stack, newRsp);
  }

  private static void toOuter(Cpu cpu, Frame f, long code, int stack, long newRsp) {
    CpuState s = cpu.state;
    int rpl = f.code & 3;
    boolean to64 = s.longMode() && (Descriptors.attributes(code) & Segment.LONG) != 0;
    boolean none = Descriptors.isNull(stack);
    if (none && (!to64 || rpl == 3 || (stack & 3) != rpl)) {
      throw GuestFault.generalProtection();
    }
    long stackDescriptor = none ? 0 : SegmentLoader.stack(cpu, stack, rpl, GuestFault.GP, 0);
    checkTarget(code, to64, f.rip);
    if (!none) {
      stackDescriptor = Descriptors.touch(cpu, stack, stackDescriptor);
    }
    long touched = Descriptors.touch(cpu, f.code, code);
    int oldCpl = s.cpl;
    if (none) {
      SegmentLoader.setNull(s, CpuState.SS, stack);
    } else {
      SegmentLoader.set(s, CpuState.SS, stack, stackDescriptor);
    }
    enter(cpu, f, touched, oldCpl);
    long mask =
        to64
            ? -1L
            : (s.segmentAttributes[CpuState.SS] & Segment.DEFAULT_BIG) != 0 ? 0xffff_ffffL : 0xffff;
    if (f.size == 8 || to64) {
      s.gpr[CpuState.RSP] = newRsp;
    } else {
      s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~mask | newRsp & mask;
    }
    Stack.drop(s, f.released);
    if (s.cpl > oldCpl) {
      SegmentLoader.dropPrivileged(s);
      cpu.contextChanged();
    }
  }

  private static void enter(Cpu cpu, Frame f, long code, int oldCpl) {
    CpuState s = cpu.state;
    SegmentLoader.set(s, CpuState.CS, f.code, code);
    s.cpl = f.code & 3;
    s.rip = f.rip;
    if (f.interrupt) {
      InterruptReturn.flags(cpu, f.flags, f.size, oldCpl);
    }
    cpu.contextChanged();
  }

  private static long codeSegment(Cpu cpu, int selector) {
    CpuState s = cpu.state;
    if (Descriptors.isNull(selector)) {
      throw GuestFault.generalProtection();
    }
    long code = Descriptors.read(cpu, selector, GuestFault.GP, 0);
    int attributes = Descriptors.attributes(code);
    int rpl = selector & 3;
    int kind = Segment.CODE_OR_DATA | Segment.CODE;
    boolean conforming = (attributes & Segment.EXPAND_CONFORM) != 0;
    int dpl = Segment.dpl(attributes);
    int longAndBig = Segment.LONG | Segment.DEFAULT_BIG;
    boolean contradictory = s.longMode() && (attributes & longAndBig) == longAndBig;
    if (rpl < s.cpl
        || (attributes & kind) != kind
        || contradictory
        || (conforming ? dpl > rpl : dpl != rpl)) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX);
    }
    return code;
  }

  private static void checkTarget(long code, boolean to64, long rip) {
    if (to64) {
      if (rip << 16 >> 16 != rip) {
        throw GuestFault.generalProtection();
      }
    } else {
      checkLimit(Descriptors.limit(code), rip);
    }
  }
}
