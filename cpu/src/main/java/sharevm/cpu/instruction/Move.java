package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * MOV between general registers, memory and immediates, MOVZX and MOVSX, an operation for each
 * form.
 */
final class Move {
  private Move() {}

  /**
   * Chooses the operation of a MOV, or null: segment, control and debug registers are another
   * group's.
   */
  static Operation bind(Instruction i) {
    for (OperandType type : i.opcode.operands()) {
      Kind kind = type.kind();
      if (kind == Kind.SEGMENT || kind == Kind.CONTROL || kind == Kind.DEBUG) {
        return null;
      }
    }
    if (i.destination == Instruction.MEMORY) {
      return store(i.size);
    }
    return i.source == Instruction.MEMORY ? load(i.size) : set(i.size);
  }

  private static Operation store(int size) {
    return switch (size) {
      case 1 -> (c, i) -> c.memory.store8(i, byteSource(c.state, i));
      case 2 -> (c, i) -> c.memory.store16(i, (int) i.sourceValue(c.state));
      case 4 -> (c, i) -> c.memory.store32(i, (int) i.sourceValue(c.state));
      default -> (c, i) -> c.memory.store64(i, i.sourceValue(c.state));
    };
  }

  private static Operation load(int size) {
    return switch (size) {
      case 1 -> (c, i) -> c.state.r8(i.destination, c.memory.load8(i));
      case 2 -> (c, i) -> c.state.r16(i.destination, c.memory.load16(i));
      case 4 -> (c, i) -> c.state.gpr[i.destination] = c.memory.load32(i) & 0xffff_ffffL;
      default -> (c, i) -> c.state.gpr[i.destination] = c.memory.load64(i);
    };
  }

  private static Operation set(int size) {
    return switch (size) {
      case 1 -> (c, i) -> c.state.r8(i.destination, byteSource(c.state, i));
      case 2 -> (c, i) -> c.state.r16(i.destination, (int) i.sourceValue(c.state));
      case 4 -> (c, i) -> c.state.gpr[i.destination] = i.sourceValue(c.state) & 0xffff_ffffL;
      default -> (c, i) -> c.state.gpr[i.destination] = i.sourceValue(c.state);
    };
  }

  private static int byteSource(CpuState s, Instruction i) {
    return i.source == CpuState.ZERO ? (int) i.immediate : s.r8(i.source);
  }

  static Operation zeroExtending(Instruction i) {
    boolean fromByte = isFromByte(i);
    if (i.source == Instruction.MEMORY) {
      return fromByte
          ? (c, n) -> c.state.r(n.destination, n.size, c.memory.load8(n))
          : (c, n) -> c.state.r(n.destination, n.size, c.memory.load16(n));
    }
    return fromByte
        ? (c, n) -> c.state.r(n.destination, n.size, c.state.r8(n.source))
        : (c, n) -> c.state.r(n.destination, n.size, c.state.r16(n.source));
  }

  static Operation signExtending(Instruction i) {
    if (i.opcode.code() == 0x63) {
      return Move::signExtend32;
    }
    return isFromByte(i) ? Move::signExtend8 : Move::signExtend16;
  }

  private static boolean isFromByte(Instruction i) {
    return (i.opcode.code() & 1) == 0;
  }

  private static void signExtend8(Cpu c, Instruction i) {
    c.state.r(i.destination, i.size, (byte) Operands.read(c, i, i.source, 1));
  }

  private static void signExtend16(Cpu c, Instruction i) {
    c.state.r(i.destination, i.size, (short) Operands.read(c, i, i.source, 2));
  }

  private static void signExtend32(Cpu c, Instruction i) {
    int size = i.size == 2 ? 2 : 4;
    int value = (int) Operands.read(c, i, i.source, size);
    c.state.r(i.destination, i.size, value);
  }
}
