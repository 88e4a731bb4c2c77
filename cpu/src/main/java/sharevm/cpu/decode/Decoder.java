package sharevm.cpu.decode;

import sharevm.cpu.CpuState;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.opcode.OperandType;

/**
 * Bytes to instructions (Intel SDM Vol. 2A chapter 2). Reads no byte past the instruction's end and
 * never more than 15; what the table does not have comes out as {@link Outcome#UNDEFINED}. Not safe
 * for several threads.
 */
public final class Decoder {
  /** The longest encoding (Intel SDM Vol. 2A 2.3.11). */
  public static final int MAX_LENGTH = 15;

  /** What became of the bytes. */
  public enum Outcome {
    /** {@link #instruction()} has it. */
    DECODED,
    /** More bytes are needed than were given. */
    TRUNCATED,
    /** Longer than 15 bytes: a general-protection fault. */
    TOO_LONG,
    /** No instruction: an invalid-opcode fault. */
    UNDEFINED
  }

  private static final int[] BASE_16 = {
    CpuState.RBX,
    CpuState.RBX,
    CpuState.RBP,
    CpuState.RBP,
    CpuState.RSI,
    CpuState.RDI,
    CpuState.RBP,
    CpuState.RBX
  };
  private static final int[] INDEX_16 = {
    CpuState.RSI,
    CpuState.RDI,
    CpuState.RSI,
    CpuState.RDI,
    CpuState.ZERO,
    CpuState.ZERO,
    CpuState.ZERO,
    CpuState.ZERO
  };

  private final OpcodeTable table;
  private final Binder binder;
  private final InstructionPool pool;

  private byte[] bytes;
  private int position;
  private int end;
  private boolean truncated;
  private boolean tooLong;

  Opcode opcode;
  int offset;
  int length;
  int size;
  int operandSize;
  int addressSize;
  final int[] operand = new int[4];
  boolean memory;
  int base;
  int index;
  int scale;
  long displacement;
  int segment;
  long immediate;
  int immediate2;
  boolean lock;
  int repeat;
  boolean rexW;
  int codeSize;
  int modrm;

  private int start;
  private int rex;
  private boolean operandSizePrefix;
  private boolean addressSizePrefix;
  private int segmentPrefix;
  private Instruction instruction;

  /** Makes a decoder whose instructions do what a binder says. */
  public Decoder(OpcodeTable table, Binder binder) {
    this(table, binder, new InstructionPool(0));
  }

  /**
   * Makes one that takes instructions from a pool.
   *
   * @param pool only decoders with the same table and binder may share it
   */
  public Decoder(OpcodeTable table, Binder binder, InstructionPool pool) {
    this.table = table;
    this.binder = binder;
    this.pool = pool;
  }

  /** Returns what the last call of {@link #decode} that returned DECODED decoded. */
  public Instruction instruction() {
    return instruction;
  }

  /** Returns how many bytes the last decode looked at: how far a fetch fault may lie. */
  public int bytesRead() {
    return position - start;
  }

  /**
   * Decodes one instruction.
   *
   * @param code bytes; those from {@code from} to before {@code to} may be looked at
   * @param mode default size in bytes: 2, 4, or 8 for 64-bit mode
   * @param offsetInBlock the instruction's offset from the start of its block
   */
  public Outcome decode(byte[] code, int from, int to, int mode, int offsetInBlock) {
    bytes = code;
    start = from;
    position = from;
    end = to;
    codeSize = mode;
    offset = offsetInBlock;
    truncated = false;
    tooLong = false;
    boolean defined = prefixes() && body();
    if (tooLong) {
      return Outcome.TOO_LONG;
    }
    if (truncated) {
      return Outcome.TRUNCATED;
    }
    if (!defined) {
      return Outcome.UNDEFINED;
    }
    length = position - start;
    instruction = length <= InstructionPool.LONGEST ? pooled() : new Instruction(this, binder);
    return Outcome.DECODED;
  }

  /** Returns the instruction that has just been decoded: the one from the pool if it is there. */
  private Instruction pooled() {
    long encoding = 0;
    for (int n = start; n < position; n++) {
      encoding = encoding << 8 | bytes[n] & 0xff;
    }
    int context = offset << 8 | codeSize << 4 | length;
    Instruction known = pool.find(encoding, context);
    if (known != null) {
      return known;
    }
    Instruction made = new Instruction(this, binder);
    pool.keep(encoding, context, made);
    return made;
  }

  static long mask(int addressSize) {
    return addressSize == 8 ? -1L : addressSize == 4 ? 0xffff_ffffL : 0xffffL;
  }

  private int next() {
    if (position - start >= MAX_LENGTH) {
      tooLong = true;
      return 0;
    }
    if (position >= end) {
      truncated = true;
      return 0;
    }
    return bytes[position++] & 0xff;
  }

  private long signed(int count) {
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (long) next() << 8 * i;
    }
    int shift = 64 - 8 * count;
    return value << shift >> shift;
  }

  private boolean failed() {
    return truncated || tooLong;
  }

  private boolean prefixes() {
    rex = 0;
    lock = false;
    repeat = Instruction.NO_REPEAT;
    operandSizePrefix = false;
    addressSizePrefix = false;
    segmentPrefix = -1;
    while (true) {
      int b = next();
      if (failed()) {
        return false;
      }
      switch (b) {
        case 0xf0 -> lock = true;
        case 0xf2, 0xf3 -> repeat = b;
        case 0x66 -> operandSizePrefix = true;
        case 0x67 -> addressSizePrefix = true;
        case 0x26, 0x2e, 0x36, 0x3e -> segmentPrefix = segmentOverride(b >> 3 & 3);
        case 0x64, 0x65 -> segmentPrefix = b & 7;
        default -> {
          if (codeSize != 8 || (b & 0xf0) != 0x40) {
            position--;
            return true;
          }
          rex = b;
          continue;
        }
      }
      rex = 0;
    }
  }

  /**
   * In 64-bit mode overrides other than FS and GS are ignored, and do not cancel an earlier FS or
   * GS.
   */
  private int segmentOverride(int number) {
    return codeSize == 8 ? segmentPrefix : number;
  }

  private boolean body() {
    rexW = (rex & 8) != 0;
    int map = 0;
    int code = next();
    if (code == 0x0f) {
      map = 1;
      code = next();
      if (code == 0x38 || code == 0x3a) {
        map = code == 0x38 ? 2 : 3;
        code = next();
      }
    }
    if (failed()) {
      return false;
    }
    Opcode[] rows = table.at(map, code);
    if (rows == null || !select(rows)) {
      return false;
    }
    sizes();
    return operands(code) && lockAllowed();
  }

  private boolean select(Opcode[] rows) {
    boolean wantsModrm = false;
    for (Opcode row : rows) {
      wantsModrm |= row.modrm() && modeFits(row);
    }
    modrm = -1;
    if (wantsModrm) {
      modrm = next();
      if (truncated || tooLong) {
        return false;
      }
      position--;
    }
    for (Opcode row : rows) {
      if (modeFits(row) && prefixFits(row) && modrmFits(row)) {
        opcode = row;
        if (row.modrm()) {
          position++;
        }
        return true;
      }
    }
    return false;
  }

  private boolean modeFits(Opcode row) {
    return !row.is(codeSize == 8 ? Attribute.I64 : Attribute.O64);
  }

  private boolean prefixFits(Opcode row) {
    return (row.rexW() < 0 || row.rexW() == 1 == rexW)
        && switch (row.prefix()) {
          case ANY -> true;
          case NONE -> repeat == 0 && !operandSizePrefix;
          case P66 -> repeat == 0 && operandSizePrefix;
          case F2 -> repeat == Instruction.REPNE;
          case F3 -> repeat == Instruction.REP && !exchangesR8(row);
        };
  }

  /**
   * F3 90 is PAUSE, but with REX.B it exchanges R8 and RAX as without F3 (Intel SDM Vol. 2B XCHG).
   */
  private boolean exchangesR8(Opcode row) {
    return row.map() == 0 && row.code() == 0x90 && (rex & 1) != 0;
  }

  private boolean modrmFits(Opcode row) {
    if (!row.modrm()) {
      return true;
    }
    if (row.exactModrm() >= 0) {
      return modrm == row.exactModrm();
    }
    if (row.digit() >= 0 && row.digit() != (modrm >> 3 & 7)) {
      return false;
    }
    if (row.is(Attribute.MOD_IGNORED)) {
      return true;
    }
    boolean register = modrm >= 0xc0;
    for (int n = 0; n < row.operands().size(); n++) {
      OperandType type = row.operands().get(n);
      if (type.field() == OperandType.Field.RM) {
        return register ? type.allowsRegister() : type.allowsMemory();
      }
    }
    return true;
  }

  private void sizes() {
    addressSize = codeSize;
    if (addressSizePrefix) {
      addressSize = codeSize == 4 ? 2 : 4;
    }
    operandSize = codeSize == 2 ^ operandSizePrefix ? 2 : 4;
    if (codeSize == 8) {
      if (rexW || opcode.is(Attribute.F64)) {
        operandSize = 8;
      } else if (opcode.is(Attribute.D64)) {
        operandSize = operandSizePrefix ? 2 : 8;
      } else {
        operandSize = operandSizePrefix ? 2 : 4;
      }
    }
    size = operandSize;
    for (int n = 0; n < opcode.operands().size(); n++) {
      OperandType type = opcode.operands().get(n);
      if (type.kind() == OperandType.Kind.GENERAL || type.kind() == OperandType.Kind.MEMORY) {
        size =
            sizeOf(
                type.kind() == OperandType.Kind.MEMORY ? type.memorySize() : type.size(),
                operandSize);
        break;
      }
    }
  }

  private int sizeOf(int typeSize, int operandSize) {
    return switch (typeSize) {
      case 0, OperandType.SIZE_ANY -> operandSize;
      case OperandType.SIZE_Y -> rexW ? 8 : 4;
      default -> typeSize;
    };
  }

  private boolean operands(int code) {
    memory = false;
    base = CpuState.ZERO;
    index = CpuState.ZERO;
    scale = 0;
    displacement = 0;
    immediate = 0;
    immediate2 = 0;
    operand[0] = CpuState.ZERO;
    operand[1] = CpuState.ZERO;
    operand[2] = CpuState.ZERO;
    segment = effectiveSegment(CpuState.DS);
    if (opcode.modrm()
        && modrm < 0xc0
        && !opcode.is(Attribute.MOD_IGNORED)
        && opcode.exactModrm() < 0) {
      memory = true;
      address();
    }
    boolean valid = true;
    for (int n = 0; n < opcode.operands().size(); n++) {
      OperandType type = opcode.operands().get(n);
      int number =
          switch (type.field()) {
            case REG -> register(type, (modrm >> 3 & 7) | (rex & 4) << 1);
            case RM -> memory ? Instruction.MEMORY : register(type, modrm & 7 | (rex & 1) << 3);
            case OPCODE -> register(type, code & 7 | (rex & 1) << 3);
            case IMMEDIATE -> immediate(type);
            case OFFSET -> absolute();
            case IMPLICIT -> implicit(opcode.operandNames().get(n));
          };
      valid &= number != INVALID;
      operand[n] = number;
    }
    return valid && !failed();
  }

  private static final int INVALID = -2;

  private int register(OperandType type, int number) {
    return switch (type.kind()) {
      case GENERAL ->
          type.size() == 1 && rex == 0 && number >= 4 && number < 8 ? 28 + number : number;
      case SEGMENT -> segmentRegister(number & 7);
      case MMX, X87 -> number & 7;
      case DEBUG -> number < 8 ? number : INVALID;
      case CONTROL -> controlRegister(number);
      default -> number;
    };
  }

  /** Segment registers 6 and 7 do not exist, and CS is no destination of MOV. */
  private int segmentRegister(int number) {
    boolean loadsCs =
        number == CpuState.CS && opcode.operands().getFirst().kind() == OperandType.Kind.SEGMENT;
    return number > CpuState.GS || loadsCs ? INVALID : number;
  }

  private int controlRegister(int number) {
    int which = lock && number == 0 && codeSize != 8 ? 8 : number;
    return which == 1 || which > 4 && which != 8 ? INVALID : which;
  }

  private int immediate(OperandType type) {
    switch (type.kind()) {
      case FAR_POINTER -> {
        immediate = signed(size == 2 ? 2 : 4);
        immediate2 = (int) signed(2) & 0xffff;
      }
      case RELATIVE -> immediate = signed(type.size() == 1 ? 1 : size == 2 ? 2 : 4);
      default -> {
        int bytes = type.size() == 0 ? Math.min(size, 4) : type.size() == 8 ? size : type.size();
        long value = signed(bytes);
        if (immediateSeen(type)) {
          immediate2 = (int) value;
        } else {
          immediate = value;
        }
      }
    }
    return CpuState.ZERO;
  }

  /** Whether this is the second of two immediates (ENTER imm16, imm8). */
  private boolean immediateSeen(OperandType type) {
    OperandType first = opcode.operands().getFirst();
    return !first.equals(type) && first.field() == OperandType.Field.IMMEDIATE;
  }

  private int absolute() {
    memory = true;
    displacement = signed(addressSize);
    return Instruction.MEMORY;
  }

  private int implicit(String name) {
    return switch (name) {
      case "CL", "CS" -> 1;
      case "DX", "SS" -> 2;
      case "DS" -> 3;
      case "FS" -> 4;
      case "GS" -> 5;
      case "1" -> {
        immediate = 1;
        yield CpuState.ZERO;
      }
      default -> 0;
    };
  }

  private int effectiveSegment(int standard) {
    int wanted = segmentPrefix >= 0 ? segmentPrefix : standard;
    if (codeSize != 8 || wanted >= CpuState.FS) {
      return wanted;
    }
    return wanted == CpuState.SS ? CpuState.FLAT_STACK : CpuState.FLAT;
  }

  private void address() {
    if (addressSize == 2) {
      address16();
    } else {
      address32();
    }
  }

  private void address16() {
    int mod = modrm >> 6;
    int rm = modrm & 7;
    if (mod == 0 && rm == 6) {
      displacement = signed(2);
      return;
    }
    base = BASE_16[rm];
    index = INDEX_16[rm];
    displacement = mod == 0 ? 0 : signed(mod);
    segment = effectiveSegment(base == CpuState.RBP ? CpuState.SS : CpuState.DS);
  }

  private void address32() {
    int mod = modrm >> 6;
    int rm = modrm & 7;
    int number = rm;
    boolean sib = rm == 4;
    if (sib) {
      int b = next();
      number = b & 7;
      int i = b >> 3 & 7 | (rex & 2) << 2;
      if (i != CpuState.RSP) {
        index = i;
        scale = b >> 6;
      }
    }
    if (mod == 0 && number == 5) {
      displacement = signed(4);
      if (!sib && codeSize == 8) {
        base = CpuState.BLOCK_RIP;
      }
      return;
    }
    base = number | (rex & 1) << 3;
    displacement = mod == 0 ? 0 : signed(mod == 1 ? 1 : 4);
    boolean stack = base == CpuState.RSP || base == CpuState.RBP;
    segment = effectiveSegment(stack ? CpuState.SS : CpuState.DS);
  }

  private boolean lockAllowed() {
    if (!lock) {
      return true;
    }
    boolean toMemory = memory && operand[0] == Instruction.MEMORY;
    boolean isCr8 = operand[0] == 8 || operand[1] == 8;
    return opcode.is(Attribute.LOCK) && (toMemory || opcode.is(Attribute.MOD_IGNORED) && isCr8);
  }
}
