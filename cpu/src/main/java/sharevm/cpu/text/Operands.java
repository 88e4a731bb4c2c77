package sharevm.cpu.text;

import java.util.Map;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType;

/** Names of registers and of sizes of memory operands. */
final class Operands {
  static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};

  /** What stands before a memory operand of a size in bytes. */
  static final Map<Integer, String> POINTERS =
      Map.of(
          1, "byte ptr ",
          2, "word ptr ",
          4, "dword ptr ",
          6, "fword ptr ",
          8, "qword ptr ",
          10, "tbyte ptr ",
          16, "xmmword ptr ");

  private static final String[] WORDS = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
  private static final String[] LOW_BYTES = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
  private static final String[] HIGH_BYTES = {"ah", "ch", "dh", "bh"};

  /** Byte registers from here on are bits 15:8 of a register: see {@link CpuState#r8(int)}. */
  private static final int HIGH_BYTE = 32;

  private Operands() {}

  static long mask(int size) {
    return size == 8 ? -1L : (1L << 8 * size) - 1;
  }

  /** Returns the name of a general register of a size in bytes. */
  static String general(int number, int size) {
    if (size == 1) {
      return number >= HIGH_BYTE
          ? HIGH_BYTES[number - HIGH_BYTE]
          : number < 8 ? LOW_BYTES[number] : "r" + number + "b";
    }
    if (number >= 8) {
      return "r" + number + (size == 8 ? "" : size == 4 ? "d" : "w");
    }
    return (size == 8 ? "r" : size == 4 ? "e" : "") + WORDS[number];
  }

  /** Returns the name of a base or index register. */
  static String address(Instruction i, int number) {
    if (number == CpuState.BLOCK_RIP) {
      return i.addressSize == 8 ? "rip" : "eip";
    }
    return general(number, i.addressSize);
  }

  /** Returns the name of a register operand. */
  static String register(Instruction i, OperandType type, String name, int number) {
    return switch (type.kind()) {
      case GENERAL -> general(number, size(i, type, name));
      case SEGMENT -> SEGMENTS[number];
      case CONTROL -> "cr" + number;
      case DEBUG -> "dr" + number;
      case X87 -> type.field() == OperandType.Field.IMPLICIT ? "st" : "st(" + number + ")";
      case MMX -> "mm" + number;
      case XMM -> "xmm" + number;
      default -> throw new IllegalArgumentException("no register: " + name);
    };
  }

  private static int size(Instruction i, OperandType type, String name) {
    return switch (name) {
      case "rs", "rs(rm)" -> i.codeSize == 8 ? 8 : 4;
      case "eAX" -> Math.min(i.operandSize, 4);
      default -> size(i, type.size());
    };
  }

  private static int size(Instruction i, int size) {
    return switch (size) {
      case 0 -> i.operandSize;
      case OperandType.SIZE_Y -> i.rexW ? 8 : 4;
      default -> size;
    };
  }

  /**
   * Returns what stands before a memory operand: its size, or nothing where only the instruction
   * knows it.
   */
  static String pointer(Instruction i, OperandType type) {
    int memorySize = type.memorySize();
    if (memorySize != OperandType.SIZE_ANY) {
      return POINTERS.get(size(i, memorySize));
    }
    boolean far = i.opcode.operandNames().contains("m16:v");
    return far ? POINTERS.get(2 + i.operandSize) : "";
  }
}
