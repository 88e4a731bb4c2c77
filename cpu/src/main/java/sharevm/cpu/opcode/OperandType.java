package sharevm.cpu.opcode;

import java.util.Map;

/**
 * What an operand of an opcode row is: where its number comes from, of which kind it is and how
 * wide.
 *
 * @param field which part of the encoding names it
 * @param kind what it is when it is no memory
 * @param size bytes of the register or immediate; 0: the operand size; {@link #SIZE_Y}: 4 or 8 by
 *     REX.W
 * @param memorySize bytes of the memory form where it differs, -1 where there is no memory form
 */
public record OperandType(Field field, Kind kind, int size, int memorySize) {
  /** A size of 4 bytes, or 8 with REX.W. */
  public static final int SIZE_Y = -2;

  /** A memory size that the instruction itself knows best (FXSAVE, LEA, ...). */
  public static final int SIZE_ANY = 0x1000;

  /** Where an operand is encoded. */
  public enum Field {
    /** ModRM.reg. */
    REG,
    /** ModRM.rm, register or memory. */
    RM,
    /** The low three bits of the opcode. */
    OPCODE,
    /** Bytes behind the instruction. */
    IMMEDIATE,
    /** A fixed register or value. */
    IMPLICIT,
    /** An absolute address behind the opcode (MOV moffs). */
    OFFSET
  }

  /** What an operand is. */
  public enum Kind {
    GENERAL,
    SEGMENT,
    CONTROL,
    DEBUG,
    X87,
    MMX,
    XMM,
    /** A signed or unsigned number. */
    IMMEDIATE,
    /** A displacement from the next instruction. */
    RELATIVE,
    /** A far pointer in the instruction. */
    FAR_POINTER,
    /** Memory only. */
    MEMORY
  }

  private static final Map<String, OperandType> BY_NAME =
      Map.ofEntries(
          entry("r8", Field.REG, Kind.GENERAL, 1, -1),
          entry("r16", Field.REG, Kind.GENERAL, 2, -1),
          entry("r32", Field.REG, Kind.GENERAL, 4, -1),
          entry("r64", Field.REG, Kind.GENERAL, 8, -1),
          entry("r", Field.REG, Kind.GENERAL, 0, -1),
          entry("r32/64", Field.REG, Kind.GENERAL, SIZE_Y, -1),
          entry("r8(op)", Field.OPCODE, Kind.GENERAL, 1, -1),
          entry("r(op)", Field.OPCODE, Kind.GENERAL, 0, -1),
          entry("r/m8", Field.RM, Kind.GENERAL, 1, 1),
          entry("r/m16", Field.RM, Kind.GENERAL, 2, 2),
          entry("r/m32", Field.RM, Kind.GENERAL, 4, 4),
          entry("r/m64", Field.RM, Kind.GENERAL, 8, 8),
          entry("r/m", Field.RM, Kind.GENERAL, 0, 0),
          entry("r/m32/64", Field.RM, Kind.GENERAL, SIZE_Y, SIZE_Y),
          entry("r32/m8", Field.RM, Kind.GENERAL, 4, 1),
          entry("r32/m16", Field.RM, Kind.GENERAL, 4, 2),
          entry("r/m16v", Field.RM, Kind.GENERAL, 0, 2),
          entry("r32(rm)", Field.RM, Kind.GENERAL, 4, -1),
          entry("r(rm)", Field.RM, Kind.GENERAL, 0, -1),
          entry("r32/64(rm)", Field.RM, Kind.GENERAL, SIZE_Y, -1),
          entry("m", Field.RM, Kind.MEMORY, 0, SIZE_ANY),
          entry("m8", Field.RM, Kind.MEMORY, 0, 1),
          entry("m16", Field.RM, Kind.MEMORY, 0, 2),
          entry("m32", Field.RM, Kind.MEMORY, 0, 4),
          entry("m64", Field.RM, Kind.MEMORY, 0, 8),
          entry("m80", Field.RM, Kind.MEMORY, 0, 10),
          entry("m128", Field.RM, Kind.MEMORY, 0, 16),
          entry("mv", Field.RM, Kind.MEMORY, 0, 0),
          entry("m32/64", Field.RM, Kind.MEMORY, 0, SIZE_Y),
          entry("m16:v", Field.RM, Kind.MEMORY, 0, SIZE_ANY),
          entry("imm8", Field.IMMEDIATE, Kind.IMMEDIATE, 1, -1),
          entry("imm16", Field.IMMEDIATE, Kind.IMMEDIATE, 2, -1),
          entry("imm", Field.IMMEDIATE, Kind.IMMEDIATE, 0, -1),
          entry("imm64", Field.IMMEDIATE, Kind.IMMEDIATE, 8, -1),
          entry("rel8", Field.IMMEDIATE, Kind.RELATIVE, 1, -1),
          entry("rel", Field.IMMEDIATE, Kind.RELATIVE, 0, -1),
          entry("ptr16:v", Field.IMMEDIATE, Kind.FAR_POINTER, 0, -1),
          entry("moffs8", Field.OFFSET, Kind.MEMORY, 1, 1),
          entry("moffs", Field.OFFSET, Kind.MEMORY, 0, 0),
          entry("AL", Field.IMPLICIT, Kind.GENERAL, 1, -1),
          entry("AX", Field.IMPLICIT, Kind.GENERAL, 2, -1),
          entry("rAX", Field.IMPLICIT, Kind.GENERAL, 0, -1),
          entry("eAX", Field.IMPLICIT, Kind.GENERAL, 0, -1),
          entry("CL", Field.IMPLICIT, Kind.GENERAL, 1, -1),
          entry("DX", Field.IMPLICIT, Kind.GENERAL, 2, -1),
          entry("1", Field.IMPLICIT, Kind.IMMEDIATE, 1, -1),
          entry("ES", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("CS", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("SS", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("DS", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("FS", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("GS", Field.IMPLICIT, Kind.SEGMENT, 2, -1),
          entry("Sreg", Field.REG, Kind.SEGMENT, 2, -1),
          entry("CR", Field.REG, Kind.CONTROL, 8, -1),
          entry("DR", Field.REG, Kind.DEBUG, 8, -1),
          entry("rs", Field.REG, Kind.GENERAL, 8, -1),
          entry("rs(rm)", Field.RM, Kind.GENERAL, 8, -1),
          entry("ST(i)", Field.RM, Kind.X87, 10, -1),
          entry("ST", Field.IMPLICIT, Kind.X87, 10, -1),
          entry("mm", Field.REG, Kind.MMX, 8, -1),
          entry("mm(rm)", Field.RM, Kind.MMX, 8, -1),
          entry("mm/m32", Field.RM, Kind.MMX, 8, 4),
          entry("mm/m64", Field.RM, Kind.MMX, 8, 8),
          entry("xmm", Field.REG, Kind.XMM, 16, -1),
          entry("xmm(rm)", Field.RM, Kind.XMM, 16, -1),
          entry("xmm/m16", Field.RM, Kind.XMM, 16, 2),
          entry("xmm/m32", Field.RM, Kind.XMM, 16, 4),
          entry("xmm/m64", Field.RM, Kind.XMM, 16, 8),
          entry("xmm/m128", Field.RM, Kind.XMM, 16, 16),
          entry("<XMM0>", Field.IMPLICIT, Kind.XMM, 16, -1));

  private static Map.Entry<String, OperandType> entry(
      String name, Field field, Kind kind, int size, int memorySize) {
    return Map.entry(name, new OperandType(field, kind, size, memorySize));
  }

  /** Returns the type with a name in the table's notation. */
  static OperandType named(String name) {
    OperandType type = BY_NAME.get(name);
    if (type == null) {
      throw new IllegalArgumentException("unknown operand \"" + name + "\"");
    }
    return type;
  }

  /** Returns whether the operand can be in memory. */
  public boolean allowsMemory() {
    return memorySize >= 0 || memorySize == SIZE_Y;
  }

  /** Returns whether the operand can be in a register. */
  public boolean allowsRegister() {
    return kind != Kind.MEMORY;
  }
}
