package sharevm.lab.lockstep;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import sharevm.cpu.Flags;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.Opcode.Prefix;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.cpu.opcode.OperandType.Kind;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Shape;

/**
 * Random instances of rows of the opcode table that compute something, by the rules of {@link
 * GuestRegisters}. Keeps account of flags that the manual leaves undefined, so that no instruction
 * reads them.
 */
final class InstructionMaker {
  private static final OpcodeTable TABLE = OpcodeTable.load();

  private static final Set<String> GENERAL =
      Set.of(
          "ADD",
          "OR",
          "ADC",
          "SBB",
          "AND",
          "SUB",
          "XOR",
          "CMP",
          "TEST",
          "NOT",
          "NEG",
          "INC",
          "DEC",
          "MUL",
          "IMUL",
          "ROL",
          "ROR",
          "RCL",
          "RCR",
          "SHL",
          "SHR",
          "SAR",
          "SHLD",
          "SHRD",
          "BT",
          "BTS",
          "BTR",
          "BTC",
          "POPCNT",
          "CRC32",
          "BSWAP",
          "MOV",
          "MOVZX",
          "MOVSX",
          "MOVSXD",
          "XCHG",
          "XADD",
          "CMPXCHG",
          "CMPXCHG8B",
          "CMPXCHG16B",
          "MOVBE",
          "CBW",
          "CWD",
          "CLC",
          "STC",
          "CMC",
          "LAHF",
          "SAHF",
          "LEA",
          "MOVNTI");

  private static final Set<String> READ_ONLY = Set.of("CMP", "TEST", "BT", "MUL");
  private static final Set<String> EXCHANGES = Set.of("XCHG", "XADD");
  private static final Set<String> SHIFTS =
      Set.of("ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAR", "SHLD", "SHRD");

  /** 66 changes what these are, or their result is undefined with it. */
  private static final Set<String> NEVER_WORD = Set.of("BSWAP", "SHLD", "SHRD", "MOVSXD");

  private static final int ALIAS_OF_80 = 0x82;

  private final boolean is64;
  private final CodeBuffer code;
  private final GuestRegisters registers;
  private final Pools pools;
  private final List<Opcode> general;
  private final List<Opcode> vector;

  /** Of x87 and MMX; empty in programs that are to have none. */
  private final List<Opcode> floating;

  private int undefined = Flags.STATUS;

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
    general = TABLE.rows().stream().filter(row -> isGeneral(row) && exists(row)).toList();
    vector = TABLE.rows().stream().filter(row -> isVector(row) && exists(row)).toList();
    floating =
        TABLE.rows().stream().filter(row -> withX87 && isFloating(row) && exists(row)).toList();
  }

  private boolean exists(Opcode row) {
    return is64
        ? !row.is(Attribute.I64)
        : !row.is(Attribute.O64) && row.rexW() != 1 && row.code() != ALIAS_OF_80;
  }

  private static boolean isGeneral(Opcode row) {
    String mnemonic = row.mnemonic();
    boolean conditional = mnemonic.startsWith("SET") || mnemonic.startsWith("CMOV");
    boolean plain =
        row.operands().stream()
            .noneMatch(
                type ->
                    type.kind() == Kind.SEGMENT
                        || type.kind() == Kind.CONTROL
                        || type.kind() == Kind.DEBUG);
    return plain && (conditional || GENERAL.contains(mnemonic));
  }

  private static boolean isVector(Opcode row) {
    boolean approximate = row.mnemonic().startsWith("RCP") || row.mnemonic().startsWith("RSQRT");
    return row.is(Attribute.SSE)
        && row.is(Attribute.COPY)
        && !row.is(Attribute.MMX)
        && !row.is(Attribute.X87)
        && !approximate;
  }

  private static boolean isFloating(Opcode row) {
    boolean registers = row.is(Attribute.X87) || row.is(Attribute.MMX);
    return registers && row.is(Attribute.COPY);
  }

  /** Says that flags are as on any way to a place: of the undefined ones only AF may be. */
  void settle() {
    if ((undefined & ~Flags.AF) != 0) {
      define();
    }
    undefined = Flags.AF;
  }

  /** Sees to it that flags are defined. */
  void want(int flags) {
    if ((undefined & flags) != 0) {
      define();
    }
  }

  /** CMP EAX, EDX: defines all. */
  private void define() {
    code.put(0x39, 0xd0);
    undefined = 0;
  }

  /** Says that an instruction put by others has written all flags. */
  void defined() {
    undefined = 0;
  }

  /** Says that an instruction put by others has left some flags undefined. */
  void undefined(int flags) {
    undefined |= flags;
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
    boolean sized = row.prefix() == Prefix.ANY || row.prefix() == Prefix.NONE;
    boolean word =
        row.prefix() == Prefix.ANY
            && !NEVER_WORD.contains(row.mnemonic())
            && random.nextInt(7) == 0;
    boolean wide = is64 && (row.rexW() == 1 || row.rexW() < 0 && random.nextBoolean());
    word &= !wide && sized;
    int size = wide ? 8 : word ? 2 : 4;
    boolean memory = wantsMemory(row, wide, random);
    want(row.flagsRead() & Flags.STATUS);
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
        memory && row.is(Attribute.LOCK) && isWritten(row, 0) && random.nextInt(6) == 0;
    boolean narrow = is64 && memory && random.nextInt(40) == 0;
    boolean bitString = memory && row.mnemonic().startsWith("BT") && row.digit() < 0;
    if (bitString) {
      register = registers.index(random);
    }
    Address address = memory ? address(row, random) : null;
    boolean rex =
        wide || named || register >= 8 || memory && (address.base() >= 8 || address.index() >= 8);
    if (!rex && rm < 8 && random.nextBoolean()) {
      register = highByte(row, Field.REG, register);
    }
    byte[] immediate = immediate(row, size, random);
    code.row(row, new Shape(register, rm, address, immediate, word, wide, narrow, locked, named));
    account(row, size);
  }

  /** AH, CH or DH for AL, CL or DL. */
  private static int highByte(Opcode row, Field field, int register) {
    for (OperandType type : row.operands()) {
      if (type.field() == field && type.kind() == Kind.GENERAL && type.size() == 1) {
        return register < 3 ? register + 4 : register;
      }
    }
    return register;
  }

  private int number(Opcode row, OperandType type, int operand, SplittableRandom random) {
    if (type.kind() == Kind.XMM) {
      return random.nextInt(registers.count);
    }
    if (type.kind() == Kind.X87 || type.kind() == Kind.MMX) {
      return random.nextInt(8);
    }
    return isWritten(row, operand) ? registers.data(random) : registers.any(random);
  }

  private static boolean isWritten(Opcode row, int operand) {
    if (operand == 0) {
      boolean oneOperandMultiply = row.mnemonic().equals("IMUL") && row.operands().size() == 1;
      return !READ_ONLY.contains(row.mnemonic()) && !oneOperandMultiply;
    }
    return operand == 1 && EXCHANGES.contains(row.mnemonic());
  }

  private static boolean wantsMemory(Opcode row, boolean wide, SplittableRandom random) {
    for (OperandType type : row.operands()) {
      if (type.field() == Field.RM) {
        boolean differs = row.mnemonic().equals("CMPXCHG") && !wide;
        return type.allowsMemory() && (!type.allowsRegister() || differs || random.nextInt(5) < 3);
      }
    }
    return false;
  }

  /** Notes what the manual says of flags. */
  private void account(Opcode row, int size) {
    if (SHIFTS.contains(row.mnemonic())) {
      undefined |= row.flagsUndefined() | Flags.OF | (size < 4 ? Flags.CF : 0);
      boolean bytes = row.operands().getFirst().size() == 1;
      undefined |= bytes ? Flags.CF : 0;
    } else {
      undefined = undefined & ~row.flagsWritten() | row.flagsUndefined();
    }
    undefined &= Flags.STATUS;
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

  static byte[] little(long value, int size) {
    byte[] bytes = new byte[size];
    for (int n = 0; n < size; n++) {
      bytes[n] = n < 8 ? (byte) (value >>> 8 * n) : 0;
    }
    return bytes;
  }
}
