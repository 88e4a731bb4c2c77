package sharevm.translator;

import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import java.util.List;
import java.util.Set;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.cpu.opcode.OperandType.Kind;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.Tuning.Means;

/**
 * Emits a guest instruction as itself, with host registers for guest registers and a host address
 * for its memory operand. A guest register without a host register goes through a scratch register.
 */
final class Copy {
  /** General-purpose instructions that the host executes as the guest would. */
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
          "BSF",
          "BSR",
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
          "DIV",
          "IDIV");

  /** Instructions that read their first operand and leave it alone. */
  private static final Set<String> READ_ONLY =
      Set.of("CMP", "TEST", "BT", "DIV", "IDIV", "MUL", "PUSH", "CALL", "JMP");

  /** Instructions that write their second operand as well. */
  private static final Set<String> EXCHANGES = Set.of("XCHG", "XADD");

  /** Instructions whose first operand is written and not read. */
  private static final Set<String> MOVES =
      Set.of("MOV", "MOVZX", "MOVSX", "MOVSXD", "MOVBE", "POPCNT");

  /** Instructions whose outcome is the same whatever is in a register that is both operands. */
  private static final Set<String> ZEROING = Set.of("XOR", "SUB");

  /** The second encoding of opcode 80, which 64-bit mode does not have. */
  private static final int ALIAS_OF_80 = 0x82;

  private final BlockTranslator t;
  private final Assembler a;
  private final Instruction i;
  private final Opcode row;
  private int register;
  private int rm;
  private int registerOperand = -1;
  private int rmOperand = -1;
  private Place place;

  private Copy(BlockTranslator translator, Instruction instruction) {
    t = translator;
    a = translator.assembler();
    i = instruction;
    row = instruction.opcode;
  }

  /** Whether an instruction can be copied in a block's mode. */
  static boolean fits(Instruction i, int modeKey) {
    Opcode row = i.opcode;
    boolean vector = row.is(Attribute.SSE);
    boolean mmx = row.is(Attribute.MMX);
    if (vector || mmx) {
      int wanted = (vector ? ModeKey.SSE : 0) | (mmx ? ModeKey.X87 : 0);
      return (modeKey & wanted) == wanted && row.is(Attribute.COPY);
    }
    String mnemonic = row.mnemonic();
    boolean narrowSum = mnemonic.equals("CRC32") && i.operandSize == 2;
    return isGeneral(row) && plainOperands(i) && !narrowSum;
  }

  /** Whether a row is a general-purpose instruction that the host executes as the guest would. */
  static boolean isGeneral(Opcode row) {
    String mnemonic = row.mnemonic();
    boolean conditional = mnemonic.startsWith("SET") || mnemonic.startsWith("CMOV");
    return conditional || GENERAL.contains(mnemonic);
  }

  private static boolean plainOperands(Instruction i) {
    for (int n = 0; n < i.opcode.operands().size(); n++) {
      OperandType type = i.opcode.operands().get(n);
      if (type.kind() == Kind.SEGMENT || type.kind() == Kind.CONTROL || type.kind() == Kind.DEBUG) {
        return false;
      }
    }
    boolean high = Assembler.isHigh(i.destination) || Assembler.isHigh(i.source);
    boolean stack = i.destination == CpuState.RSP || i.source == CpuState.RSP;
    boolean usesAl = i.opcode.mnemonic().equals("CMPXCHG");
    return !isBitString(i) && !(high && (stack || i.memory && (i.lock || usesAl)));
  }

  /** Whether an instruction tests a bit of memory, however far from its operand's address. */
  static boolean isBitString(Instruction i) {
    boolean tests = i.opcode.mnemonic().startsWith("BT");
    return tests && i.memory && i.source != CpuState.ZERO;
  }

  /**
   * Emits BT, BTS, BTR or BTC with a bit number in a register: the word that the bit is in is found
   * first, signed, then the bit in it.
   */
  static void emitBitString(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    boolean wide = i.size == 8;
    Runnable loadBit =
        () -> {
          if (Registers.mapped(i.source)) {
            a.registers(InstructionTranslator.sized(i.size, 0x89), Registers.host(i.source), TEMP);
          } else {
            a.memory(InstructionTranslator.sized(i.size, 0x8b), TEMP, Context.register(i.source));
          }
        };
    t.freeFlags();
    t.memory()
        .probe(
            () -> {
              t.memory().offset(i, ADDRESS);
              loadBit.run();
              a.registers(wide ? Code.wide(0xc1) : Code.of(0xc1), 7, TEMP);
              a.byte1(wide ? 6 : 5);
              if (!wide) {
                a.registers(Code.wide(0x63), TEMP, TEMP);
              }
              t.memory().lea(ADDRESS, new Place(ADDRESS, TEMP, wide ? 3 : 2, 0, false));
              t.memory().linear(i.segment, i.size, writesMemory(i));
            },
            i.size,
            writesMemory(i));
    loadBit.run();
    a.arithmetic(false, 4, TEMP, wide ? 63 : 31);
    a.store(Context.at(Context.SCRATCH), TEMP);
    Copy copy = new Copy(t, i);
    if (copy.needsFlags()) {
      t.restoreFlags();
    }
    a.load(TEMP, Context.at(Context.SCRATCH));
    a.memory(copy.code(i.opcode.code()), TEMP, Place.at(ADDRESS, 0));
    t.flagsWritten();
  }

  /** Emits an instruction for which {@link #fits} holds. */
  static void emit(BlockTranslator t, Instruction i) {
    new Copy(t, i).emit();
  }

  private void emit() {
    if (isNop()) {
      return;
    }
    flagsFirst();
    Field first = row.operands().isEmpty() ? Field.IMPLICIT : row.operands().getFirst().field();
    if (i.memory) {
      probe();
    }
    if (needsFlags()) {
      t.restoreFlags();
    }
    if (row.modrm() || first == Field.OFFSET || row.has(Field.OFFSET)) {
      withModrm();
    } else if (first == Field.OPCODE) {
      inOpcode();
    } else {
      plain();
    }
    if (row.flagsWritten() != 0) {
      t.flagsWritten();
    }
  }

  private boolean isNop() {
    boolean exchange =
        row.mnemonic().equals("XCHG") && row.operands().getFirst().field() == Field.OPCODE;
    return exchange && i.destination == CpuState.RAX && i.source == CpuState.RAX;
  }

  /**
   * An instruction that writes some flags only, or perhaps none, works on those that are wanted
   * later.
   */
  private boolean needsFlags() {
    int written = row.flagsWritten() & Flags.STATUS;
    boolean partly = written != 0 && (written != Flags.STATUS || Liveness.keepsSome(i));
    boolean kept =
        partly && (t.liveAfter() & (Liveness.keepsSome(i) ? Flags.STATUS : ~written)) != 0;
    return (row.flagsRead() & Flags.STATUS) != 0 || kept;
  }

  private void flagsFirst() {
    if (!i.memory && needsFlags()) {
      t.restoreFlags();
    }
  }

  private void probe() {
    boolean aligned = row.is(Attribute.ALIGN) || row.mnemonic().equals("CMPXCHG16B");
    place = t.memory().probe(i, memorySize(i), writesMemory(i), aligned, !needsFlags() && !loads());
  }

  /** Whether the operand in ModRM.reg goes through the scratch register. */
  private boolean loads() {
    for (int n = 0; n < row.operands().size(); n++) {
      if (row.operands().get(n).field() == Field.REG && inContext(n)) {
        return true;
      }
    }
    return false;
  }

  /** Whether an instruction with a memory operand writes to it, or may. */
  static boolean writesMemory(Instruction i) {
    boolean written = isWritten(i.opcode, 0) && i.destination == Instruction.MEMORY;
    return written || i.lock || i.opcode.mnemonic().equals("XCHG");
  }

  /** Returns the size in bytes of an instruction's memory operand. */
  static int memorySize(Instruction i) {
    for (OperandType type : i.opcode.operands()) {
      if (type.field() == Field.RM || type.field() == Field.OFFSET) {
        return switch (type.memorySize()) {
          case 0 -> i.size;
          case OperandType.SIZE_Y -> i.rexW ? 8 : 4;
          default -> type.memorySize();
        };
      }
    }
    throw new IllegalStateException("no memory operand in " + i.opcode);
  }

  /** Whether an instruction writes its operand with a number. */
  static boolean isWritten(Opcode row, int operand) {
    String mnemonic = row.mnemonic();
    if (row.is(Attribute.X87)) {
      return operand == 0 && FloatingPoint.writes(row);
    }
    if (operand == 0) {
      boolean oneOperandMultiply = mnemonic.equals("IMUL") && row.operands().size() == 1;
      return !READ_ONLY.contains(mnemonic) && !oneOperandMultiply;
    }
    return operand == 1 && EXCHANGES.contains(mnemonic);
  }

  private void withModrm() {
    List<OperandType> operands = row.operands();
    register = row.digit() >= 0 ? row.digit() : 0;
    for (int n = 0; n < operands.size(); n++) {
      if (operands.get(n).field() == Field.REG) {
        registerOperand = n;
      } else if (operands.get(n).field() == Field.RM || operands.get(n).field() == Field.OFFSET) {
        rmOperand = n;
      }
    }
    int opcode = row.code() == ALIAS_OF_80 && row.map() == 0 ? 0x80 : row.code();
    if (row.has(Field.OFFSET)) {
      opcode = row.code() - 0xa0 < 2 ? row.code() - 0xa0 + 0x8a : row.code() - 0xa2 + 0x88;
    }
    if (i.memory) {
      loadRegister();
      withMemory(opcode);
    } else if (isSame()) {
      withSame(opcode);
    } else {
      withRegisters(opcode);
    }
    out(registerOperand, TEMP);
  }

  private void loadRegister() {
    if (registerOperand >= 0) {
      register = general(registerOperand) ? in(registerOperand, TEMP) : operand(registerOperand);
    }
  }

  private void withRegisters(int opcode) {
    boolean swaps = !inContext(rmOperand) && inContext(registerOperand) && hasReverse();
    if (swaps) {
      int other = registerOperand;
      registerOperand = rmOperand;
      rmOperand = other;
    }
    int turned = swaps ? opcode ^ 2 : opcode;
    loadRegister();
    if (inContext(rmOperand) && worksInContext()) {
      a.memory(code(turned), register, Context.register(operand(rmOperand)));
      immediate();
      return;
    }
    rm = general(rmOperand) ? in(rmOperand, ADDRESS) : operand(rmOperand);
    a.registers(code(turned), register, rm);
    immediate();
    out(rmOperand, ADDRESS);
  }

  /** Whether both operands are the same register, which has no host register. */
  private boolean isSame() {
    return inContext(registerOperand)
        && inContext(rmOperand)
        && operand(registerOperand) == operand(rmOperand);
  }

  private void withSame(int opcode) {
    register = in(registerOperand, TEMP);
    a.registers(code(opcode), register, register);
    immediate();
    out(rmOperand, TEMP);
  }

  /** Whether an operand is a general register without a host register. */
  private boolean inContext(int operand) {
    return general(operand) && !Registers.mapped(operand(operand));
  }

  /** Whether there is the same instruction with its two registers in each other's fields. */
  private boolean hasReverse() {
    int code = row.code();
    return row.map() == 0 && (code < 0x40 && (code & 4) == 0 || (code & ~3) == 0x88);
  }

  /**
   * Whether the operand in ModRM.rm may be memory instead of a register: bit tests would not stay
   * in it, exchanges would lock the bus, and what writes four bytes of a register clears the rest.
   */
  private boolean worksInContext() {
    boolean plain =
        t.has(Means.OPERANDS) && isGeneral(row) && !row.mnemonic().startsWith("BT") && !exchanges();
    boolean whole = i.size == 8 && row.operands().get(rmOperand).size() == 0;
    return plain && (whole || !isWritten(row, rmOperand));
  }

  private boolean exchanges() {
    return EXCHANGES.contains(row.mnemonic()) || row.mnemonic().equals("CMPXCHG");
  }

  /**
   * AH, BH, CH and DH cannot be named beside R13, so they change places with their low bytes
   * meanwhile.
   */
  private void withMemory(int opcode) {
    boolean high = Assembler.isHigh(register);
    int low = high ? register - 32 : register;
    if (high) {
      swapBytes(low);
    }
    a.memory(code(opcode), low, place);
    immediate();
    if (high) {
      swapBytes(low);
    }
  }

  private void swapBytes(int low) {
    a.byte1(0x86);
    a.byte1(0xc0 | low + 4 << 3 | low);
  }

  private boolean general(int operand) {
    return operand >= 0 && row.operands().get(operand).kind() == Kind.GENERAL;
  }

  private int operand(int n) {
    return n == 0 ? i.destination : n == 1 ? i.source : i.third;
  }

  /**
   * Returns the host register of a general register that is an operand, loaded into a scratch
   * register where it has none, and somebody reads it.
   */
  private int in(int operand, int scratch) {
    int guest = operand(operand);
    if (Registers.mapped(guest)) {
      return Registers.host(guest);
    }
    if (!isOverwritten(operand)) {
      a.load(scratch, Context.register(guest));
    }
    return scratch;
  }

  /** Whether an operand is written as a whole without being read. */
  private boolean isOverwritten(int operand) {
    boolean product = row.mnemonic().equals("IMUL") && row.operands().size() == 3;
    boolean moves = operand == 0 && (product || MOVES.contains(row.mnemonic()));
    boolean unread = isSame() ? ZEROING.contains(row.mnemonic()) : moves;
    return i.size >= 4 && unread;
  }

  /** Stores a scratch register back to the guest register that has no host register. */
  private void out(int operand, int scratch) {
    if (general(operand) && !Registers.mapped(operand(operand)) && isWritten(row, operand)) {
      a.store(Context.register(operand(operand)), scratch);
    }
  }

  /** BSWAP, XCHG with rAX, INC and DEC of old, MOV of a small constant. */
  private void inOpcode() {
    int guest = i.destination;
    int host = in(0, ADDRESS);
    switch (row.mnemonic()) {
      case "BSWAP" -> a.inOpcode(code(0xc8), host);
      case "INC" -> a.registers(code(0xff), 0, host);
      case "DEC" -> a.registers(code(0xff), 1, host);
      case "XCHG" -> a.registers(code(0x87), Assembler.RAX, host);
      case "MOV" -> {
        a.registers(code(i.size == 1 ? 0xc6 : 0xc7), 0, host);
        immediateBytes(i.size);
      }
      default -> throw new IllegalStateException("no translation of " + row);
    }
    if (!Registers.mapped(guest)) {
      a.store(Context.register(guest), ADDRESS);
    }
  }

  /** Instructions on rAX and flags alone. */
  private void plain() {
    a.plain(code(row.code()));
    immediate();
  }

  private Code code(int opcode) {
    int prefix =
        switch (row.prefix()) {
          case P66 -> 0x66;
          case F2 -> 0xf2;
          case F3 -> 0xf3;
          default -> 0;
        };
    boolean sized = row.operands().isEmpty() && isGeneral(row);
    int bytes = 0;
    for (int n = 0; n < row.operands().size(); n++) {
      OperandType type = row.operands().get(n);
      boolean memory = i.memory && (type.field() == Field.RM || type.field() == Field.OFFSET);
      sized |= type.size() == 0 && type.kind() == Kind.GENERAL || memory && type.memorySize() == 0;
      if (type.kind() == Kind.GENERAL && type.size() == 1 && !memory) {
        bytes |= n == registerOperand ? Code.BYTE_REG : Code.BYTE_RM;
      }
    }
    boolean word = sized && i.size == 2 && prefix != 0x66;
    int all = word ? prefix == 0 ? 0x66 : 0x6600 | prefix : prefix;
    boolean wide = sized ? i.size == 8 : i.rexW;
    return new Code(all, i.lock, wide, bytes, row.map(), opcode);
  }

  private void immediate() {
    for (OperandType type : row.operands()) {
      if (type.field() == Field.IMMEDIATE) {
        immediateBytes(type.size() == 0 ? Math.min(i.size, 4) : type.size());
      }
    }
  }

  private void immediateBytes(int bytes) {
    for (int n = 0; n < bytes; n++) {
      a.byte1((int) (i.immediate >> 8 * n));
    }
  }
}
