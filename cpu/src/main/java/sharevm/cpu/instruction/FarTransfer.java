package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.event.TaskSwitch;

/**
 * Far JMP and CALL: to code segments and through call gates, task gates and TSSs (Intel SDM Vol. 2
 * CALL and JMP).
 */
final class FarTransfer {
  private FarTransfer() {}

  static void bind(Semantics s) {
    s.choose("JMP", i -> isFar(i) ? (cpu, j) -> transfer(cpu, j, false) : null);
    s.choose("CALL", i -> isFar(i) ? (cpu, j) -> transfer(cpu, j, true) : null);
  }

  private static boolean isFar(Instruction i) {
    return i.opcode.operandNames().getFirst().contains("16:");
  }

  private static void transfer(Cpu cpu, Instruction i, boolean call) {
    CpuState s = cpu.state;
    long offset;
    int selector;
    if (i.memory) {
      offset = cpu.memory.load(i, i.size);
      selector = cpu.memory.load16(i.segment, i.address(s) + i.size & i.addressMask);
    } else {
      offset = i.immediate & (i.size == 2 ? 0xffffL : 0xffff_ffffL);
      selector = i.immediate2 & 0xffff;
    }
    if (s.realSegments()) {
      real(cpu, i.size, selector, offset, call);
    } else {
      protectedMode(cpu, i.size, selector, offset, call);
    }
  }

  private static void real(Cpu cpu, int size, int selector, long offset, boolean call) {
    CpuState s = cpu.state;
    FarReturn.checkLimit(s.segmentLimit[CpuState.CS], offset);
    if (call) {
      pushReturn(cpu, size);
    }
    SegmentLoader.loadReal(s, CpuState.CS, selector);
    s.rip = offset;
    cpu.contextChanged();
  }

  /** Pushes CS and RIP on the present stack, all or nothing. */
  private static void pushReturn(Cpu cpu, int size) {
    CpuState s = cpu.state;
    int stack = Stack.segment(s);
    long top = s.gpr[CpuState.RSP];
    long first = top - size & s.stackMask;
    long second = top - 2L * size & s.stackMask;
    cpu.memory.probeWrite(stack, first, size);
    cpu.memory.probeWrite(stack, second, size);
    cpu.memory.store(stack, first, size, s.selector[CpuState.CS]);
    cpu.memory.store(stack, second, size, s.rip);
    Stack.pointer(s, second);
  }

  private static void protectedMode(Cpu cpu, int size, int selector, long offset, boolean call) {
    if (Descriptors.isNull(selector)) {
      throw GuestFault.generalProtection();
    }
    long descriptor = Descriptors.read(cpu, selector, GuestFault.GP, 0);
    int attributes = Descriptors.attributes(descriptor);
    if ((attributes & Segment.CODE_OR_DATA) == 0) {
      system(cpu, selector, descriptor, call);
      return;
    }
    checkDirect(cpu, selector, attributes);
    boolean to64 = checkCode(cpu.state, selector, attributes);
    checkOffset(descriptor, to64, offset);
    Descriptors.probeTouch(cpu, selector, descriptor);
    if (call) {
      pushReturn(cpu, size);
    }
    enter(cpu, selector, descriptor, cpu.state.cpl, offset);
  }

  /** Privilege rules for a code segment that is named directly. */
  private static void checkDirect(Cpu cpu, int selector, int attributes) {
    int cpl = cpu.state.cpl;
    boolean code = (attributes & Segment.CODE) != 0;
    int dpl = Segment.dpl(attributes);
    boolean conforming = (attributes & Segment.EXPAND_CONFORM) != 0;
    boolean allowed = conforming ? dpl <= cpl : dpl == cpl && (selector & 3) <= cpl;
    if (!code || !allowed) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
  }

  /** Checks presence and size bits; returns whether it is a 64-bit segment. */
  private static boolean checkCode(CpuState s, int selector, int attributes) {
    int both = Segment.LONG | Segment.DEFAULT_BIG;
    if (s.longMode() && (attributes & both) == both) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    if ((attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX);
    }
    return s.longMode() && (attributes & Segment.LONG) != 0;
  }

  private static void checkOffset(long descriptor, boolean to64, long offset) {
    if (!to64) {
      FarReturn.checkLimit(Descriptors.limit(descriptor), offset);
    } else if (offset << 16 >> 16 != offset) {
      throw GuestFault.generalProtection();
    }
  }

  private static void enter(Cpu cpu, int selector, long descriptor, int cpl, long offset) {
    CpuState s = cpu.state;
    long touched = Descriptors.touch(cpu, selector, descriptor);
    SegmentLoader.set(s, CpuState.CS, selector & Descriptors.INDEX | cpl, touched);
    s.cpl = cpl;
    s.rip = offset;
    cpu.contextChanged();
  }

  private static void system(Cpu cpu, int selector, long descriptor, boolean call) {
    CpuState s = cpu.state;
    int type = Descriptors.type(descriptor);
    switch (type) {
      case Descriptors.CALL_GATE_32 -> CallGate.enter(cpu, selector, descriptor, call);
      case Descriptors.CALL_GATE_16,
          Descriptors.TASK_GATE,
          Descriptors.TSS_16,
          Descriptors.TSS_32 -> {
        if (s.longMode()) {
          throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
        }
        if (type == Descriptors.CALL_GATE_16) {
          CallGate.enter(cpu, selector, descriptor, call);
        } else {
          task(cpu, selector, descriptor, call);
        }
      }
      default -> throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
  }

  private static void task(Cpu cpu, int selector, long descriptor, boolean call) {
    int attributes = Descriptors.attributes(descriptor);
    int error = selector & Descriptors.INDEX;
    if (Segment.dpl(attributes) < Math.max(cpu.state.cpl, selector & 3)) {
      throw GuestFault.of(GuestFault.GP, error);
    }
    boolean gate = Descriptors.type(descriptor) == Descriptors.TASK_GATE;
    if (gate && (attributes & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, error);
    }
    int tss = gate ? (int) (descriptor >>> 16) & 0xffff : selector;
    TaskSwitch.byTransfer(cpu, tss, call);
  }
}
