package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.CodeBuffer;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Label;
import sharevm.lab.lockstep.UndefinedFlags;
import sharevm.lab.segmented.GuestSegment.Range;

/** Instructions of 16- and 32-bit code, with the prefixes that sizes want. */
final class Emitter {
  static final int OPERAND_SIZE = 0x66;
  static final int ADDRESS_SIZE = 0x67;
  static final int FULL = 0xffff;

  /** Prefixes that name ES, CS, SS, DS, FS and GS. */
  private static final int[] SEGMENT_PREFIXES = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

  /** POP of ES, SS, DS, FS and GS; PUSH is one less, and there is no POP CS. */
  private static final int[][] POPS = {{0x07}, {}, {0x17}, {0x1f}, {0x0f, 0xa1}, {0x0f, 0xa9}};

  /** LES, LSS, LDS, LFS and LGS; there is no LCS. */
  private static final int[][] POINTERS = {
    {0xc4}, {}, {0x0f, 0xb2}, {0xc5}, {0x0f, 0xb4}, {0x0f, 0xb5}
  };

  final Setting setting;
  final CodeBuffer code;
  final UndefinedFlags flags;

  /** Where code is of the other size than the rest. */
  final List<Range> otherCode = new ArrayList<>();

  /** Default size of operands and addresses. */
  int size;

  Emitter(Setting setting) {
    this.setting = setting;
    this.size = setting.mode().size;
    code = new CodeBuffer(false, 0);
    flags = new UndefinedFlags(code);
  }

  /** Emits code for a segment of the other size. */
  void otherCode(Runnable what) {
    long from = code.here();
    size = otherSize();
    what.run();
    size = otherSize();
    otherCode.add(new Range(from, code.here() - 1));
  }

  int otherSize() {
    return 6 - size;
  }

  static int prefix(int segment) {
    return SEGMENT_PREFIXES[segment];
  }

  /** Emits an instruction whose operands have a size. */
  void sized(int operandSize, int... bytes) {
    if (operandSize != size) {
      code.put(OPERAND_SIZE);
    }
    code.put(bytes);
  }

  /** Emits an instruction with a memory operand; a size of 1 needs no prefix. */
  void memory(int operandSize, Address address, int reg, int... opcode) {
    if (address.segment() != 0) {
      code.put(address.segment());
    }
    if (address.narrow() != (size == 2)) {
      code.put(ADDRESS_SIZE);
    }
    sized(operandSize == 1 ? size : operandSize, opcode);
    code.memory(address, reg);
  }

  /** MOV of a constant to a register of 2 or 4 bytes. */
  void constant(int register, long value, int operandSize) {
    sized(operandSize, 0xb8 | register);
    code.number(value, operandSize);
  }

  /** MOV of a label's offset to a register. */
  void constant(int register, Label label, int operandSize) {
    sized(operandSize, 0xb8 | register);
    code.address(label, operandSize, 0);
  }

  /** An address that is a displacement alone. */
  Address absolute(int segment, long offset) {
    return new Address(
        prefix(segment),
        CodeBuffer.NONE,
        CodeBuffer.NONE,
        0,
        offset,
        size == 2 && offset >= 0 && offset <= FULL);
  }

  /** The address of a numbered place of the program's own. */
  Address slot(int number) {
    return absolute(CpuState.SS, setting.slot(number));
  }

  /** MOV [slot], register. */
  void store(int number, int register, int operandSize) {
    memory(operandSize, slot(number), register, 0x89);
  }

  /** MOV [slot], constant. */
  void storeConstant(int number, long value, int operandSize) {
    memory(operandSize, slot(number), 0, 0xc7);
    code.number(value, operandSize);
  }

  /** MOV register, [slot]. */
  void load(int register, int number, int operandSize) {
    memory(operandSize, slot(number), register, 0x8b);
  }

  /** MOV of a segment register from a general register. */
  void loadSegment(int segment, int register) {
    code.put(0x8e, 0xc0 | segment << 3 | register);
  }

  /** MOV of a selector to a segment register, by way of AX. */
  void loadSegment(int segment, GuestSegment to) {
    constant(CpuState.RAX, to.selector(), size);
    loadSegment(segment, CpuState.RAX);
  }

  void pushSegment(int segment, int operandSize) {
    if (segment == CpuState.CS) {
      sized(operandSize, 0x0e);
    } else if (segment >= CpuState.FS) {
      sized(operandSize, 0x0f, POPS[segment][1] - 1);
    } else {
      sized(operandSize, POPS[segment][0] - 1);
    }
  }

  void popSegment(int segment, int operandSize) {
    sized(operandSize, POPS[segment]);
  }

  /** LES and the like. */
  void loadPointer(int segment, int register, Address from, int operandSize) {
    memory(operandSize, from, register, POINTERS[segment]);
  }

  /** PUSH of a constant. */
  void push(long value, int operandSize) {
    sized(operandSize, 0x68);
    code.number(value, operandSize);
  }

  /** PUSH of a label's offset. */
  void push(Label label, long added, int operandSize) {
    sized(operandSize, 0x68);
    code.address(label, operandSize, added);
  }

  /** Jcc of the default size. */
  void jumpIf(int condition, Label label) {
    code.put(0x0f, 0x80 | condition);
    code.distance(label, size);
  }

  /** JMP or CALL (E9H or E8H) of a label. */
  void near(int opcode, Label label, int operandSize) {
    sized(operandSize, opcode);
    code.distance(label, operandSize);
  }

  /** MOV of the stack pointer to a slot. */
  void saveStack(int number) {
    store(number, CpuState.RSP, setting.stackSize());
  }

  /** MOV of the stack pointer from a slot. */
  void restoreStack(int number) {
    load(CpuState.RSP, number, setting.stackSize());
  }
}
