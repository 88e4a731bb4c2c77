package sharevm.lab.segmented;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.cpu.opcode.OperandType.Kind;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Shape;
import sharevm.lab.lockstep.InstructionMaker;
import sharevm.lab.lockstep.InstructionRows;

/** Random instances of rows of the opcode table that compute something. */
final class Instructions {
  private static final InstructionRows ROWS = new InstructionRows(false);
  private static final List<Opcode> GENERAL = ROWS.general();
  private static final List<Opcode> VECTOR = ROWS.vector();
  private static final List<Opcode> FLOATING = ROWS.floating();

  /** What only code that is not 64-bit code has, and is mostly found in old programs. */
  private static final List<Opcode> OLD =
      ROWS.named(Set.of("DAA", "DAS", "AAA", "AAS", "AAM", "AAD", "XLATB"));

  private static final int[] DATA = {CpuState.RAX, CpuState.RCX, CpuState.RDX};

  private final Emitter emitter;
  private final Operands operands;

  Instructions(Emitter emitter, Operands operands) {
    this.emitter = emitter;
    this.operands = operands;
  }

  static int data(SplittableRandom random) {
    return DATA[random.nextInt(DATA.length)];
  }

  /** Emits a random instruction. */
  void any(SplittableRandom random) {
    List<Opcode> rows =
        switch (random.nextInt(16)) {
          case 0, 1 -> VECTOR;
          case 2 -> FLOATING;
          case 3 -> OLD;
          default -> GENERAL;
        };
    Opcode row = rows.get(random.nextInt(rows.size()));
    if (row.is(Attribute.X87) && row.exactModrm() >= 0) {
      emitter.code.put(row.code(), row.exactModrm());
    } else {
      one(row, random);
    }
  }

  /** Emits an instance of a row. */
  void one(Opcode row, SplittableRandom random) {
    boolean takes = InstructionRows.takesAnySize(row) && random.nextInt(3) == 0;
    boolean otherSize = takes || emitter.size == 2 && InstructionRows.neverWord(row);
    int size = otherSize ? emitter.otherSize() : emitter.size;
    boolean memory = InstructionRows.wantsMemory(row, false, random);
    emitter.flags.want(row.flagsRead() & Flags.STATUS);
    Registers registers = registers(row, random);
    boolean writes = memory && writesMemory(row);
    boolean locked = writes && row.is(Attribute.LOCK) && random.nextInt(6) == 0;
    Address address = memory ? address(row, writes, random) : null;
    int register = registers.register;
    if (memory && row.mnemonic().startsWith("BT") && row.digit() < 0) {
      register = CpuState.RCX;
      emitter.constant(register, random.nextInt(-64, 64), size);
    }
    if (random.nextBoolean()) {
      register = InstructionRows.highByte(row, Field.REG, register);
    }
    boolean narrow =
        address == null ? emitter.size == 2 ^ random.nextInt(8) == 0 : address.narrow();
    byte[] immediate = immediate(row, size, narrow, random);
    boolean otherAddress = (memory || row.has(Field.OFFSET)) && narrow != (emitter.size == 2);
    emitter.code.row(
        row,
        new Shape(
            register,
            registers.rm,
            address,
            immediate,
            otherSize,
            false,
            otherAddress,
            locked,
            false));
    emitter.flags.account(row, size);
  }

  private static boolean writesMemory(Opcode row) {
    int operand = 0;
    while (row.operands().get(operand).field() != Field.RM) {
      operand++;
    }
    return InstructionRows.isWritten(row, operand);
  }

  /** Numbers in ModRM or the opcode. */
  private record Registers(int register, int rm) {}

  private static Registers registers(Opcode row, SplittableRandom random) {
    int register = 0;
    int rm = 0;
    for (int n = 0; n < row.operands().size(); n++) {
      OperandType type = row.operands().get(n);
      int number = number(row, type, n, random);
      if (type.field() == Field.REG || type.field() == Field.OPCODE) {
        register = number;
      } else if (type.field() == Field.RM) {
        rm = number;
      }
    }
    return new Registers(register, rm);
  }

  private static int number(Opcode row, OperandType type, int operand, SplittableRandom random) {
    boolean vector = type.kind() == Kind.XMM || type.kind() == Kind.X87 || type.kind() == Kind.MMX;
    boolean any = vector || !InstructionRows.isWritten(row, operand) && random.nextInt(3) == 0;
    return any ? random.nextInt(8) : data(random);
  }

  private Address address(Opcode row, boolean writes, SplittableRandom random) {
    boolean aligned = row.is(Attribute.ALIGN) && random.nextInt(40) != 0;
    return operands.any(writes, aligned, random);
  }

  private byte[] immediate(Opcode row, int size, boolean narrow, SplittableRandom random) {
    int bytes = 0;
    for (OperandType type : row.operands()) {
      if (type.field() == Field.OFFSET) {
        boolean possible = !narrow || operands.current[CpuState.DS].narrow() != null;
        long place = possible ? operands.place(CpuState.DS, narrow, random) : 0;
        return InstructionMaker.little(place, narrow ? 2 : 4);
      }
      if (type.field() == Field.IMMEDIATE) {
        bytes +=
            switch (type.size()) {
              case 0, 8 -> size;
              default -> type.size();
            };
      }
    }
    long value = random.nextInt(3) == 0 ? random.nextInt(-2, 34) : random.nextLong();
    return InstructionMaker.little(value, bytes);
  }
}
