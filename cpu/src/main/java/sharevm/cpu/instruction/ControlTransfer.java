package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** Near JMP, CALL, RET, Jcc, LOOP, JRCXZ and BOUND (Intel SDM Vol. 1 5.1.7). */
final class ControlTransfer {
  private ControlTransfer() {}

  static void bind(Semantics s) {
    s.choose("JMP", i -> isNear(i) ? near(i) : null);
    s.choose("CALL", i -> isNear(i) ? nearCall(i) : null);
    s.put("RET", ControlTransfer::ret);
    s.put("LOOP", (c, i) -> loop(c, i, true));
    s.put("LOOPE", (c, i) -> loop(c, i, c.state.flagsResult == 0));
    s.put("LOOPNE", (c, i) -> loop(c, i, c.state.flagsResult != 0));
    s.put("JRCXZ", ControlTransfer::jrcxz);
    s.put("BOUND", ControlTransfer::bound);
  }

  private static boolean isNear(Instruction i) {
    return !i.opcode.operandNames().getFirst().contains("16:");
  }

  private static Operation near(Instruction i) {
    return i.destination == CpuState.ZERO ? ControlTransfer::jump : ControlTransfer::jumpIndirect;
  }

  private static Operation nearCall(Instruction i) {
    return i.destination == CpuState.ZERO ? ControlTransfer::call : ControlTransfer::callIndirect;
  }

  /** Returns where a relative branch goes. */
  private static long target(CpuState s, Instruction i) {
    return i.nextRip(s) + i.immediate;
  }

  /** Goes to an offset in the code segment, cut to the operand size. */
  static void go(CpuState s, Instruction i, long target) {
    if (i.codeSize == 8) {
      if (target << 16 >> 16 != target) {
        throw GuestFault.generalProtection();
      }
      s.rip = target;
    } else {
      s.rip = checked(s, i.size == 2 ? target & 0xffff : target & 0xffff_ffffL);
    }
  }

  private static long checked(CpuState s, long target) {
    if (target > (s.segmentLimit[CpuState.CS] & 0xffff_ffffL)) {
      throw GuestFault.generalProtection();
    }
    return target;
  }

  /** Goes to a relative branch's target. */
  static void branch(Cpu c, Instruction i) {
    go(c.state, i, target(c.state, i));
  }

  private static void jump(Cpu c, Instruction i) {
    go(c.state, i, target(c.state, i));
  }

  private static void jumpIndirect(Cpu c, Instruction i) {
    go(c.state, i, Operands.read(c, i, i.destination, i.size));
  }

  private static void call(Cpu c, Instruction i) {
    callTo(c, i, target(c.state, i));
  }

  private static void callIndirect(Cpu c, Instruction i) {
    callTo(c, i, Operands.read(c, i, i.destination, i.size));
  }

  private static void callTo(Cpu c, Instruction i, long target) {
    CpuState s = c.state;
    long old = s.rip;
    go(s, i, target);
    long gone = s.rip;
    s.rip = old;
    Stack.push(c, i.size, i.nextRip(s));
    s.rip = gone;
  }

  private static void ret(Cpu c, Instruction i) {
    CpuState s = c.state;
    go(s, i, Stack.peek(c, i.size));
    Stack.drop(s, i.size + (i.immediate & 0xffff));
  }

  private static void loop(Cpu c, Instruction i, boolean condition) {
    CpuState s = c.state;
    long count = s.gpr[CpuState.RCX] - 1 & i.addressMask;
    if (count != 0 && condition) {
      branch(c, i);
    }
    s.r(CpuState.RCX, i.addressSize, count);
  }

  private static void jrcxz(Cpu c, Instruction i) {
    if ((c.state.gpr[CpuState.RCX] & i.addressMask) == 0) {
      branch(c, i);
    }
  }

  private static void bound(Cpu c, Instruction i) {
    CpuState s = c.state;
    int shift = Arithmetic.shift(i.size);
    long offset = i.address(s);
    long index = s.gpr[i.destination] << shift >> shift;
    long lower = c.memory.load(i.segment, offset, i.size) << shift >> shift;
    long upper =
        c.memory.load(i.segment, offset + i.size & i.addressMask, i.size) << shift >> shift;
    if (index < lower || index > upper) {
      throw GuestFault.of(GuestFault.BR);
    }
  }
}
