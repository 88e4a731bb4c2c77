package sharevm.lab.processor;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.Opcode.Prefix;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.opcode.OperandType;

/** Makes random instances of a row of the opcode table, each with a random state it runs in. */
final class CaseGenerator {
  private static final int[] SEGMENT_PREFIXES = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

  /** Choices after which something else than chance must be wrong. */
  private static final int MOST_ATTEMPTS = 100;

  /** The longest code that a case takes; more than 15 bytes are a fault of their own. */
  private static final int MOST_BYTES = 20;

  /** Bytes of a case's own where its operand is: as many as IRET pops. */
  private static final int PATCH_BYTES = 40;

  private static final OpcodeTable TABLE = OpcodeTable.load();

  private final Opcode row;
  private final Mode mode;
  private final SplittableRandom random;
  private final SpecialValues values;
  private final StateGenerator states;

  private final List<Integer> legacy = new ArrayList<>();
  private int rex = -1;
  private int segment = -1;
  private int operandSize;
  private int addressSize;
  private boolean locked;

  private CaseGenerator(Opcode row, Mode mode, long seed, HostKind kind) {
    this.row = row;
    this.mode = mode;
    this.random = new SplittableRandom(seed);
    this.values = new SpecialValues(random);
    this.states = new StateGenerator(random, kind);
  }

  /** Returns whether a row means something in a mode. */
  static boolean existsIn(Opcode row, Mode mode) {
    return mode == Mode.LONG ? !row.is(Attribute.I64) : !row.is(Attribute.O64) && row.rexW() != 1;
  }

  /** Returns the case of a row with a number, the same each time, that a kind of host can run. */
  static CpuCase make(Opcode row, Mode mode, long seed, int number, HostKind kind) {
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      CpuCase made = attempt(row, mode, seed + attempt, number, kind);
      if (isOf(row, made)) {
        return made;
      }
    }
    throw new IllegalStateException("no instance can be made of: " + row.text());
  }

  /**
   * Whether bytes are of a row and not, by a prefix, of a neighbour; bytes of no row may be of it.
   */
  private static boolean isOf(Opcode row, CpuCase input) {
    byte[] code = input.code();
    if (code.length > MOST_BYTES) {
      return false;
    }
    Decoder decoder = new Decoder(TABLE, _ -> null);
    Decoder.Outcome outcome = decoder.decode(code, 0, code.length, input.mode().bits / 8, 0);
    return switch (outcome) {
      case DECODED -> decoder.instruction().opcode.text().equals(row.text());
      case UNDEFINED, TOO_LONG -> true;
      case TRUNCATED -> false;
    };
  }

  private static CpuCase attempt(Opcode row, Mode mode, long seed, int number, HostKind kind) {
    long mixed = seed;
    for (char c : (row.text() + mode).toCharArray()) {
      mixed = mixed * 0x5851_f42d_4c95_7f2dL + c;
    }
    String origin =
        "-Dsharevm.seed=%d -Dsharevm.row='%s' -Dsharevm.mode=%s -Dsharevm.case=%d"
            .formatted(seed, row.text(), mode, number);
    long own = mixed * 0x9e37_79b9_7f4a_7c15L + number;
    return new CaseGenerator(row, mode, own, kind).make(origin);
  }

  private CpuCase make(String origin) {
    ProcessorState state = states.next(mode);
    choosePrefixes();
    boolean memory = wantsMemory();
    MemoryOperand operand = memory ? new MemoryOperand(random, mode, addressSize) : null;
    int reg = row.digit() >= 0 ? row.digit() : random.nextInt(8);
    if (mode == Mode.LONG) {
      chooseRex(operand);
    }
    byte[] modrm = new byte[0];
    if (row.exactModrm() >= 0) {
      modrm = new byte[] {(byte) row.exactModrm()};
    } else if (row.modrm()) {
      modrm =
          memory
              ? operand.encode(reg)
              : new byte[] {(byte) (registerMod() << 6 | reg << 3 | random.nextInt(8))};
    }
    byte[] head = head();
    byte[] immediates = immediates(state);
    byte[] code = join(head, modrm, immediates);
    List<CpuCase.Patch> patches = new ArrayList<>();
    new ImplicitOperands(row, mode, random).prepare(state, addressSize);
    long linear = -1;
    if (memory) {
      long next = state.rip + code.length;
      operand.steer(state, target() - segmentBase(state), next, mode);
      modrm = operand.encode(reg);
      code = join(head, modrm, immediates);
      long address = segmentBase(state) + operand.offset(state, next);
      linear = address & (mode == Mode.LONG ? -1L : 0xffff_ffffL);
      patch(patches, linear);
    } else if (random.nextInt(3) == 0 || row.mnemonic().equals("IRET")) {
      boolean stack = random.nextInt(2) == 0 || row.mnemonic().equals("IRET");
      patch(patches, state.gpr[stack ? 4 : 6]);
    }
    return new CpuCase(mode, state, code, List.copyOf(patches), linear, origin);
  }

  private int registerMod() {
    return row.is(Attribute.MOD_IGNORED) ? random.nextInt(4) : 3;
  }

  private boolean wantsMemory() {
    if (!row.modrm() || row.exactModrm() >= 0 || row.is(Attribute.MOD_IGNORED)) {
      return false;
    }
    for (OperandType operand : row.operands()) {
      if (operand.field() == OperandType.Field.RM) {
        return operand.allowsMemory() && (!operand.allowsRegister() || random.nextInt(2) == 0);
      }
    }
    return random.nextInt(2) == 0;
  }

  private void choosePrefixes() {
    switch (row.prefix()) {
      case P66 -> legacy.add(0x66);
      case F2 -> legacy.add(0xf2);
      case F3 -> legacy.add(0xf3);
      case ANY -> {
        if (random.nextInt(4) == 0) {
          legacy.add(0x66);
        }
        if (row.is(Attribute.REP) ? random.nextBoolean() : random.nextInt(32) == 0) {
          legacy.add(random.nextBoolean() ? 0xf2 : 0xf3);
        }
      }
      case NONE -> {}
    }
    boolean ambiguous = row.prefix() == Prefix.F2 || row.prefix() == Prefix.F3;
    if (ambiguous && random.nextInt(16) == 0) {
      legacy.add(0x66);
    }
    if (random.nextInt(8) == 0) {
      legacy.add(0x67);
    }
    for (int n = random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0; n > 0; n--) {
      legacy.add(SEGMENT_PREFIXES[random.nextInt(6)]);
    }
    locked = random.nextInt(row.is(Attribute.LOCK) ? 4 : 64) == 0;
    if (locked) {
      legacy.add(0xf0);
    }
    for (int i = legacy.size(); i > 1; i--) {
      int j = random.nextInt(i);
      legacy.set(i - 1, legacy.set(j, legacy.get(i - 1)));
    }
    for (int prefix : legacy) {
      for (int s = 0; s < 6; s++) {
        if (prefix == SEGMENT_PREFIXES[s] && (mode == Mode.COMPATIBILITY || s >= 4)) {
          segment = s;
        }
      }
    }
    boolean other = legacy.contains(0x67);
    addressSize = mode == Mode.LONG ? (other ? 4 : 8) : (other ? 2 : 4);
    if (addressSize == 2 && segment < 0 && random.nextInt(4) != 0) {
      legacy.addFirst(0x64); // the low 64 KiB are not mapped: reach the data through a base
      segment = 4;
    }
    operandSize = legacy.contains(0x66) ? 2 : 4;
  }

  private void chooseRex(MemoryOperand operand) {
    int bits = random.nextInt(16);
    boolean present = random.nextInt(2) == 0;
    if (row.rexW() >= 0) {
      bits = bits & 7 | row.rexW() << 3;
      present |= row.rexW() == 1;
    }
    if (operand != null) {
      bits = bits & ~3 | operand.rex;
      present |= operand.rex != 0;
    }
    if (present) {
      rex = 0x40 | bits;
    }
    if (rex >= 0 && (rex & 8) != 0) {
      operandSize = 8;
    } else if (row.is(Attribute.F64) || row.is(Attribute.D64) && operandSize == 4) {
      operandSize = 8;
    }
  }

  /** Returns prefixes and opcode. */
  private byte[] head() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    if (mode == Mode.LONG && !legacy.isEmpty() && random.nextInt(32) == 0) {
      bytes.write(
          0x40 | random.nextInt(16)); // a REX that is not the last prefix counts for nothing
    }
    legacy.forEach(bytes::write);
    if (rex >= 0) {
      bytes.write(rex);
    }
    if (row.map() > 0) {
      bytes.write(0x0f);
    }
    if (row.map() > 1) {
      bytes.write(row.map() == 2 ? 0x38 : 0x3a);
    }
    boolean register = row.has(OperandType.Field.OPCODE);
    bytes.write(row.code() + (register ? random.nextInt(8) : 0));
    return bytes.toByteArray();
  }

  private byte[] immediates(ProcessorState state) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (OperandType operand : row.operands()) {
      int size = operand.size() == 0 ? operandSize : operand.size();
      switch (operand.kind()) {
        case IMMEDIATE -> {
          if (operand.field() == OperandType.Field.IMMEDIATE) {
            long value = values.integer();
            append(bytes, value, immediateSize(operand));
          }
        }
        case RELATIVE -> relative(bytes, operand.size() == 1 ? 1 : Math.min(size, 4));
        case FAR_POINTER -> {
          long inCode = HostLayout.CODE_ADDRESS + 0x1000 + random.nextInt(0x1000);
          append(bytes, random.nextInt(8) == 0 ? values.integer() : inCode, size);
          append(bytes, ImplicitOperands.codeSelector(random, mode), 2);
        }
        default -> {
          if (operand.field() == OperandType.Field.OFFSET) {
            long base = segment < 4 ? 0 : segment == 4 ? state.fsBase : state.gsBase;
            append(bytes, target() - base, addressSize);
          }
        }
      }
    }
    return bytes.toByteArray();
  }

  private int immediateSize(OperandType operand) {
    return switch (operand.size()) {
      case 0 -> Math.min(operandSize, 4);
      case 8 -> operandSize;
      default -> operand.size();
    };
  }

  /**
   * A jump's displacement: back or forth inside the code pages, never into the instruction itself.
   */
  private void relative(ByteArrayOutputStream bytes, int size) {
    int distance =
        switch (size) {
          case 1 -> random.nextInt(2) == 0 ? random.nextInt(128) : random.nextInt(-128, -16);
          case 2 -> random.nextInt(0x100, 0x7fff);
          default -> {
            int inside =
                random.nextInt(2) == 0 ? random.nextInt(0x1000) : -random.nextInt(16, 0x1000);
            int outside = random.nextInt();
            yield random.nextInt(4) != 0 || outside > -16 && outside < 0 ? inside : outside;
          }
        };
    append(bytes, distance, size);
  }

  private static void append(ByteArrayOutputStream bytes, long value, int size) {
    for (int i = 0; i < size; i++) {
      bytes.write((int) (value >>> 8 * i));
    }
  }

  private long segmentBase(ProcessorState state) {
    return switch (segment) {
      case 4 -> {
        if (addressSize == 2) {
          state.fsBase = HostLayout.DATA_ADDRESS - random.nextInt(0x100);
        }
        yield state.fsBase;
      }
      case 5 -> state.gsBase;
      default -> 0;
    };
  }

  /** Returns where the memory operand should be. */
  private long target() {
    if (random.nextInt(24) == 0) {
      return values.integer();
    }
    long address = states.dataAddress();
    if (row.is(Attribute.ALIGN) && random.nextInt(4) != 0) {
      address &= -16;
    }
    return address;
  }

  /** Puts a value of a kind that the row reads where its operand is. */
  private void patch(List<CpuCase.Patch> patches, long address) {
    boolean onStack = address >= HostLayout.STACK_ADDRESS;
    long start = onStack ? HostLayout.STACK_ADDRESS : HostLayout.DATA_ADDRESS;
    long room = (onStack ? HostLayout.STACK_SIZE : HostLayout.DATA_SIZE) - (address - start);
    byte[] bytes = new byte[PATCH_BYTES];
    if (row.is(Attribute.SSE)) {
      values.vector(bytes, 0);
      values.vector(bytes, 16);
    } else if (row.is(Attribute.X87)) {
      realOperand(bytes);
    } else {
      for (int i = 0; i < bytes.length; i += 8) {
        SpecialValues.put(bytes, i, 8, values.integer());
      }
      new ImplicitOperands(row, mode, random).preparePointer(bytes, operandSize);
    }
    if (address >= start && room > 0) {
      int offset = (int) (address - start) + (onStack ? HostLayout.DATA_SIZE : 0);
      byte[] inside = Arrays.copyOf(bytes, (int) Math.min(bytes.length, room));
      patches.add(new CpuCase.Patch(offset, inside));
    }
  }

  private void realOperand(byte[] bytes) {
    int size = 8;
    for (OperandType operand : row.operands()) {
      if (operand.memorySize() > 0) {
        size = operand.memorySize();
      }
    }
    switch (random.nextInt(5) == 0 ? 0 : size) {
      case 4 -> SpecialValues.put(bytes, 0, 4, values.single());
      case 8 -> SpecialValues.put(bytes, 0, 8, values.real());
      case 10 -> values.extended(bytes, 0);
      default -> SpecialValues.put(bytes, 0, 8, values.integer());
    }
    if (size == 10 && random.nextInt(2) == 0) {
      for (int i = 0; i < 10; i++) {
        bytes[i] = (byte) (random.nextInt(10) << 4 | random.nextInt(10)); // packed decimal
      }
    }
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      bytes.writeBytes(part);
    }
    return bytes.toByteArray();
  }
}
