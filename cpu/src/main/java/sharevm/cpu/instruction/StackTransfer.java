package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType;

/**
 * PUSH, POP, PUSHA, POPA, ENTER, LEAVE of general registers, memory and immediates (Intel SDM Vol.
 * 1 6.2, 6.6).
 */
final class StackTransfer {
  private StackTransfer() {}

  static void bind(Semantics s) {
    s.choose("PUSH", i -> isSegment(i) ? null : StackTransfer::push);
    s.choose("POP", i -> isSegment(i) ? null : StackTransfer::pop);
    s.put("PUSHA", StackTransfer::pusha);
    s.put("POPA", StackTransfer::popa);
    s.put("ENTER", StackTransfer::enter);
    s.put("LEAVE", StackTransfer::leave);
  }

  private static boolean isSegment(Instruction i) {
    return i.opcode.operands().getFirst().kind() == OperandType.Kind.SEGMENT;
  }

  private static void push(Cpu c, Instruction i) {
    CpuState s = c.state;
    long value =
        i.destination == Instruction.MEMORY
            ? c.memory.load(i, i.size)
            : s.gpr[i.destination] + i.immediate;
    Stack.push(c, i.size, value);
  }

  /** POP to memory addressed by rSP uses rSP after the pop (Intel SDM Vol. 2B POP). */
  private static void pop(Cpu c, Instruction i) {
    CpuState s = c.state;
    long value = Stack.peek(c, i.size);
    if (i.destination != Instruction.MEMORY) {
      Stack.drop(s, i.size);
      s.r(i.destination, i.size, value);
      return;
    }
    long old = s.gpr[CpuState.RSP];
    Stack.drop(s, i.size);
    long offset = i.address(s);
    long popped = s.gpr[CpuState.RSP];
    s.gpr[CpuState.RSP] = old;
    c.memory.store(i.segment, offset, i.size, value);
    s.gpr[CpuState.RSP] = popped;
  }

  private static void pusha(Cpu c, Instruction i) {
    CpuState s = c.state;
    long top = Stack.pointer(s);
    long bottom = top - 8L * i.size & s.stackMask;
    c.memory.probeWrite(CpuState.SS, bottom, 1);
    c.memory.probeWrite(CpuState.SS, top - i.size & s.stackMask, i.size);
    for (int n = 0; n < 8; n++) {
      long offset = top - (n + 1L) * i.size & s.stackMask;
      c.memory.store(CpuState.SS, offset, i.size, s.gpr[n]);
    }
    Stack.pointer(s, bottom);
  }

  private static void popa(Cpu c, Instruction i) {
    CpuState s = c.state;
    long top = Stack.pointer(s);
    c.memory.probeRead(CpuState.SS, top, 1);
    c.memory.probeRead(CpuState.SS, top + 7L * i.size & s.stackMask, i.size);
    for (int n = 7; n >= 0; n--) {
      long offset = top + (7L - n) * i.size & s.stackMask;
      long value = c.memory.load(CpuState.SS, offset, i.size);
      if (n != CpuState.RSP) {
        s.r(n, i.size, value);
      }
    }
    Stack.drop(s, 8L * i.size);
  }

  private static void enter(Cpu c, Instruction i) {
    CpuState s = c.state;
    int size = i.size;
    int level = i.immediate2 & 31;
    long bytes = i.immediate & 0xffff;
    int segment = Stack.segment(s);
    long top = Stack.pointer(s);
    long frame = top - size & s.stackMask;
    long end = frame - (long) level * size - bytes & s.stackMask;
    c.memory.probeWrite(segment, end, 1);
    c.memory.store(segment, frame, size, s.gpr[CpuState.RBP]);
    long source = s.gpr[CpuState.RBP] & s.stackMask;
    long destination = frame;
    for (int n = 1; n < level; n++) {
      source = source - size & s.stackMask;
      destination = destination - size & s.stackMask;
      c.memory.store(segment, destination, size, c.memory.load(segment, source, size));
    }
    if (level > 0) {
      c.memory.store(segment, destination - size & s.stackMask, size, frameValue(s, frame));
    }
    s.r(CpuState.RBP, size, frameValue(s, frame));
    Stack.pointer(s, end);
  }

  /** Returns the frame pointer as ENTER stores it: all of rSP, whatever of it the stack uses. */
  private static long frameValue(CpuState s, long frame) {
    return s.gpr[CpuState.RSP] & ~s.stackMask | frame;
  }

  private static void leave(Cpu c, Instruction i) {
    CpuState s = c.state;
    long frame = s.gpr[CpuState.RBP] & s.stackMask;
    long value = c.memory.load(Stack.segment(s), frame, i.size);
    Stack.pointer(s, frame + i.size);
    s.r(CpuState.RBP, i.size, value);
  }
}
