package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * MOV, PUSH and POP of segment registers, and LDS, LES, LSS, LFS, LGS (Intel SDM Vol. 1 7.3.17).
 */
final class SegmentMoves {
  private SegmentMoves() {}

  static void bind(Semantics s) {
    s.choose(
        "MOV",
        Kind.SEGMENT,
        i -> i.opcode.code() == 0x8e ? SegmentMoves::load : SegmentMoves::store);
    s.choose("PUSH", Kind.SEGMENT, i -> SegmentMoves::push);
    s.choose("POP", Kind.SEGMENT, i -> SegmentMoves::pop);
    s.put("LES", (cpu, i) -> pointer(cpu, i, CpuState.ES));
    s.put("LSS", (cpu, i) -> pointer(cpu, i, CpuState.SS));
    s.put("LDS", (cpu, i) -> pointer(cpu, i, CpuState.DS));
    s.put("LFS", (cpu, i) -> pointer(cpu, i, CpuState.FS));
    s.put("LGS", (cpu, i) -> pointer(cpu, i, CpuState.GS));
  }

  private static void load(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = i.memory ? cpu.memory.load16(i) : s.r16(i.source);
    SegmentLoader.load(cpu, i.destination, selector);
    if (i.destination == CpuState.SS) {
      s.interruptShadow = true;
      s.trapShadow = true;
    }
  }

  private static void store(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = s.selector[i.source];
    if (i.memory) {
      cpu.memory.store16(i, selector);
    } else {
      s.r(i.destination, i.size, selector);
    }
  }

  /**
   * The word behind a 16-bit selector that a 32-bit push leaves is unchanged (Intel SDM Vol. 2
   * PUSH).
   */
  private static void push(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = s.selector[i.destination];
    if (i.size != 4) {
      Stack.push(cpu, i.size, selector);
      return;
    }
    long top = s.gpr[CpuState.RSP] - 4 & s.stackMask;
    cpu.memory.store16(Stack.segment(s), top, selector);
    Stack.pointer(s, top);
  }

  private static void pop(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = (int) Stack.peek(cpu, i.size) & 0xffff;
    if (i.destination == CpuState.SS) {
      long oldMask = s.stackMask;
      long after = s.gpr[CpuState.RSP] + i.size;
      SegmentLoader.load(cpu, CpuState.SS, selector);
      s.gpr[CpuState.RSP] = s.gpr[CpuState.RSP] & ~oldMask | after & oldMask;
      s.interruptShadow = true;
      s.trapShadow = true;
      return;
    }
    SegmentLoader.load(cpu, i.destination, selector);
    Stack.drop(s, i.size);
  }

  private static void pointer(Cpu cpu, Instruction i, int segment) {
    CpuState s = cpu.state;
    long offset = cpu.memory.load(i, i.size);
    int selector = cpu.memory.load16(i.segment, i.address(s) + i.size & i.addressMask);
    SegmentLoader.load(cpu, segment, selector);
    s.r(i.destination, i.size, offset);
  }
}
