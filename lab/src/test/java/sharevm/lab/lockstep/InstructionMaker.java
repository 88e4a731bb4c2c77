package sharevm.lab.lockstep;

import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.Flags;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.cpu.opcode.OperandType.Kind;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Shape;

/**
 * Random instances of rows of the opcode table that compute something, by the rules of {@link
 * GuestRegisters}, none of which reads flags that the manual leaves undefined.
 */
public final class InstructionMaker {
  /** What the instructions so far have left undefined. */
  final UndefinedFlags flags;

  private final boolean is64;
  private final CodeBuffer code;
  private final GuestRegisters registers;
  private final Pools pools;
  private final List<Opcode> general;
  private final List<Opcode> vector;

  /** Of x87 and MMX; empty in programs that are to have none. */
  private final List<Opcode> floating;

  /** Where the program has data of its own among its code. */
  @FunctionalInterface
  interface Pools {
    /** Returns the linear address of some bytes, or 0 when there are none yet. */
    long any(SplittableRandom random);
  }

  /**
   * Makes one.
   *
   * @param withX87 whether there are x87 and MMX instructions among those it makes
   */
  InstructionMaker(
      boolean is64, CodeBuffer code, GuestRegisters registers, Pools pools, boolean withX87) {
    this.is64 = is64;
    this.code = code;
    this.registers = registers;
    this.pools = pools;
    InstructionRows rows = new InstructionRows(is64);
    general = rows.general();
    vector = rows.vector();
    floating = withX87 ? rows.floating() : List.of();
    flags = new UndefinedFlags(code);
  }

  /** Emits a random instruction. */
  void any(SplittableRandom random) {
    if (!floating.isEmpty() && random.nextInt(3) == 0) {
      floating(floating.get(random.nextInt(floating.size())), random);
      return;
    }
    List<Opcode> rows = random.nextInt(4) == 0 ? vector : general;
    one(rows.get(random.nextInt(rows.size())), random);
  }

  private void floating(Opcode row, SplittableRandom random) {
    if (row.exactModrm() >= 0) {
      code.put(row.code(), row.exactModrm());
    } else {
      one(row, random);
    }
  }

  private void one(Opcode row, SplittableRandom random) {
    boolean word = InstructionRows.takesAnySize(row) && random.nextInt(7) == 0;
    boolean wide = is64 && (row.rexW() == 1 || row.rexW() < 0 && random.nextBoolean());
    word &= !wide;
    int size = wide ? 8 : word ? 2 : 4;
    boolean memory = InstructionRows.wantsMemory(row, wide, random);
    flags.want(row.flagsRead() & Flags.STATUS);
    int register = 0;
    int rm = 0;
    boolean named = false;
    for (int n = 0; n < row.operands().size(); n++) {
      OperandType type = row.operands().get(n);
      boolean bytes = type.kind() == Kind.GENERAL && type.size() == 1;
      int number = number(row, type, n, random);
      if (type.field() == Field.RM && memory) {
        continue;
      }
      if (bytes && type.field() != Field.IMPLICIT) {
        named |= is64 && number >= 4;
      }
      if (type.field() == Field.REG || type.field() == Field.OPCODE) {
        register = number;
      } else if (type.field() == Field.RM) {
        rm = number;
      }
    }
    boolean locked =
        memory
            && row.is(Attribute.LOCK)
            && InstructionRows.isWritten(row, 0)
            && random.nextInt(6) == 0;
    boolean narrow = is64 && memory && random.nextInt(40) == 0;
    boolean bitString = memory && row.mnemonic().startsWith("BT") && row.digit() < 0;
    if (bitString) {
      register = registers.index(random);
    }
    Address address = memory ? address(row, random) : null;
    boolean rex =
        wide || named || register >= 8 || memory && (address.base() >= 8 || address.index() >= 8);
    if (!rex && rm < 8 && random.nextBoolean()) {
      register = InstructionRows.highByte(row, Field.REG, register);
    }
    byte[] immediate = immediate(row, size, random);
    code.row(row, new Shape(register, rm, address, immediate, word, wide, narrow, locked, named));
    flags.account(row, size);
  }

  private int number(Opcode row, OperandType type, int operand, SplittableRandom random) {
    if (type.kind() == Kind.XMM) {
      return random.nextInt(registers.count);
    }
    if (type.kind() == Kind.X87 || type.kind() == Kind.MMX) {
      return random.nextInt(8);
    }
    return InstructionRows.isWritten(row, operand) ? registers.data(random) : registers.any(random);
  }

  // Operands.

  /** A memory operand for a row, near where pointers point. */
  private Address address(Opcode row, SplittableRandom random) {
    boolean aligned = row.is(Attribute.ALIGN) || row.mnemonic().equals("CMPXCHG16B");
    return address(aligned && random.nextInt(40) != 0, random);
  }

  Address address(boolean aligned, SplittableRandom random) {
    int kind = random.nextInt(16);
    long pool = pools.any(random);
    if (kind == 0 && pool != 0) {
      return new Address(0, CodeBuffer.RIP, CodeBuffer.NONE, 0, aligned ? pool & -16 : pool);
    }
    if (kind == 1) {
      long at = GuestLayout.DATA + random.nextInt(GuestLayout.DATA_PAGES * 4096 - 64);
      int base = random.nextBoolean() ? CodeBuffer.RIP : CodeBuffer.NONE;
      return new Address(0, base, CodeBuffer.NONE, 0, aligned ? at & -16 : at);
    }
    if (kind < 5 && !aligned) {
      int base = random.nextInt(3) == 0 ? GuestRegisters.RBP : GuestRegisters.RSP;
      int from = base == GuestRegisters.RBP ? -64 : 0;
      return Address.at(base, from + (random.nextInt(48) & -4));
    }
    if (aligned) {
      return Address.at(registers.alignedPointer(random), displacement(true, random));
    }
    int segment = random.nextInt(12) == 0 ? 0x64 + random.nextInt(2) : 0;
    int base = registers.pointer(random);
    boolean indexed = random.nextInt(4) == 0;
    int index = indexed ? registers.index(random) : CodeBuffer.NONE;
    int scale = indexed ? random.nextInt(4) : 0;
    return new Address(segment, base, index, scale, displacement(false, random));
  }

  private static int displacement(boolean aligned, SplittableRandom random) {
    int near =
        switch (random.nextInt(8)) {
          case 0 -> 0;
          case 1 -> random.nextInt(-600, 600);
          case 2 -> random.nextInt(-5000, 5000);
          case 3 -> random.nextInt(-128, 128);
          default -> random.nextInt(-8, 9) * 8;
        };
    return aligned ? near & -16 : near;
  }

  private byte[] immediate(Opcode row, int size, SplittableRandom random) {
    int bytes = 0;
    for (OperandType type : row.operands()) {
      if (type.field() == Field.OFFSET) {
        long at = GuestLayout.DATA + random.nextInt(GuestLayout.DATA_PAGES * 4096 - 64);
        return little(at, is64 ? 8 : 4);
      }
      if (type.field() == Field.IMMEDIATE) {
        bytes +=
            switch (type.size()) {
              case 0 -> Math.min(size, 4);
              case 8 -> size;
              default -> type.size();
            };
      }
    }
    long value = random.nextInt(3) == 0 ? random.nextInt(-2, 34) : random.nextLong();
    return little(value, bytes);
  }

  /** Returns the bytes of a number, the lowest first. */
  public static byte[] little(long value, int size) {
    byte[] bytes = new byte[size];
    for (int n = 0; n < size; n++) {
      bytes[n] = n < 8 ? (byte) (value >>> 8 * n) : 0;
    }
    return bytes;
  }
}
