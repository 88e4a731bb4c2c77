package sharevm.lab.lockstep;

import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.Opcode.Prefix;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.cpu.opcode.OperandType.Kind;

/** The rows of the opcode table that compute something, and what random programs mind in them. */
public final class InstructionRows {
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

  /** With 16 bits these are others, or their result is undefined. */
  private static final Set<String> NEVER_WORD = Set.of("BSWAP", "SHLD", "SHRD", "MOVSXD");

  private static final int ALIAS_OF_80 = 0x82;

  private final boolean is64;

  /** Those of 64-bit code, or those of other code. */
  public InstructionRows(boolean is64) {
    this.is64 = is64;
  }

  /** Returns those of general registers whose results the manual tells. */
  public List<Opcode> general() {
    return rows(InstructionRows::isGeneral);
  }

  /** Returns those of SSE. */
  public List<Opcode> vector() {
    return rows(InstructionRows::isVector);
  }

  /** Returns those of x87 and MMX. */
  public List<Opcode> floating() {
    return rows(InstructionRows::isFloating);
  }

  /** Returns those with some mnemonics. */
  public List<Opcode> named(Set<String> mnemonics) {
    return rows(row -> mnemonics.contains(row.mnemonic()));
  }

  private List<Opcode> rows(Predicate<Opcode> wanted) {
    return TABLE.rows().stream().filter(row -> wanted.test(row) && exists(row)).toList();
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

  /** Whether a row has operands of 16 or 32 bits, and its result is defined with both. */
  public static boolean takesAnySize(Opcode row) {
    return row.prefix() == Prefix.ANY && !neverWord(row);
  }

  /** Whether a row is not to have operands of 16 bits. */
  public static boolean neverWord(Opcode row) {
    return NEVER_WORD.contains(row.mnemonic());
  }

  /** Returns AH, CH or DH for AL, CL or DL where a field of a row is a byte register. */
  public static int highByte(Opcode row, Field field, int register) {
    for (OperandType type : row.operands()) {
      if (type.field() == field && type.kind() == Kind.GENERAL && type.size() == 1) {
        return register < 3 ? register + 4 : register;
      }
    }
    return register;
  }

  /** Whether a row writes one of its operands. */
  public static boolean isWritten(Opcode row, int operand) {
    if (operand == 0) {
      boolean oneOperandMultiply = row.mnemonic().equals("IMUL") && row.operands().size() == 1;
      return !READ_ONLY.contains(row.mnemonic()) && !oneOperandMultiply;
    }
    return operand == 1 && EXCHANGES.contains(row.mnemonic());
  }

  /** Whether the operand that may be in memory is to be there. */
  public static boolean wantsMemory(Opcode row, boolean wide, SplittableRandom random) {
    for (OperandType type : row.operands()) {
      if (type.field() == Field.RM) {
        boolean differs = row.mnemonic().equals("CMPXCHG") && !wide;
        return type.allowsMemory() && (!type.allowsRegister() || differs || random.nextInt(5) < 3);
      }
    }
    return false;
  }
}
