package sharevm.translator;

import java.util.Arrays;

/**
 * Puts together x86-64 machine code in a buffer (Intel SDM Vol. 2A chapter 2). An instruction is
 * given as prefix, map, opcode and operands, so that a guest's instruction is emitted again with
 * other operands without a method of its own.
 */
final class Assembler {
  /** Host registers. */
  static final int RAX = 0;

  static final int RCX = 1;
  static final int RDX = 2;
  static final int RBX = 3;
  static final int RSP = 4;
  static final int RBP = 5;
  static final int RSI = 6;
  static final int RDI = 7;
  static final int R8 = 8;
  static final int R11 = 11;
  static final int R12 = 12;
  static final int R13 = 13;
  static final int R14 = 14;
  static final int R15 = 15;

  /** Conditions, as they are encoded in Jcc (Intel SDM Vol. 1 appendix B, table B-1). */
  static final int BELOW = 2;

  static final int NOT_BELOW = 3;
  static final int EQUAL = 4;
  static final int NOT_EQUAL = 5;
  static final int NOT_ABOVE = 6;
  static final int ABOVE = 7;
  static final int SIGN = 8;
  static final int GREATER = 15;

  /** No register: the index or base that an address does not have. */
  static final int NONE = -1;

  /** Opcode maps, numbered as in the opcode table. */
  static final int ONE_BYTE = 0;

  static final int MAP_0F = 1;

  private byte[] code = new byte[4096];
  private int length;
  private boolean addressTouched;

  /** Whether R13 may have been written to since {@link #addressKept}. */
  boolean addressTouched() {
    return addressTouched;
  }

  /** Says that what R13 now holds is known. */
  void addressKept() {
    addressTouched = false;
  }

  int position() {
    return length;
  }

  void clear() {
    length = 0;
  }

  byte[] bytes() {
    return Arrays.copyOf(code, length);
  }

  void byte1(int value) {
    if (length == code.length) {
      code = Arrays.copyOf(code, 2 * length);
    }
    code[length++] = (byte) value;
  }

  void byte4(int value) {
    for (int i = 0; i < 4; i++) {
      byte1(value >> 8 * i);
    }
  }

  void byte8(long value) {
    byte4((int) value);
    byte4((int) (value >> 32));
  }

  /** An instruction's bytes before ModRM. */
  record Code(int prefix, boolean lock, boolean wide, int byteOperands, int map, int opcode) {
    /**
     * Bits of byteOperands: the operand in ModRM.reg, and that in ModRM.rm or the opcode, is a
     * byte.
     */
    static final int BYTE_REG = 1;

    static final int BYTE_RM = 2;

    /** MOVZX of a word, from memory or a register. */
    static final Code LOAD_WORD = of0f(0xb7);

    /** MOV of a word to memory or a register. */
    static final Code STORE_WORD = new Code(0x66, false, false, 0, ONE_BYTE, 0x89);

    static Code of(int opcode) {
      return new Code(0, false, false, 0, ONE_BYTE, opcode);
    }

    static Code wide(int opcode) {
      return new Code(0, false, true, 0, ONE_BYTE, opcode);
    }

    static Code of0f(int opcode) {
      return new Code(0, false, false, 0, MAP_0F, opcode);
    }
  }

  /** A place in memory: base + index * 2^scale + displacement. */
  record Place(int base, int index, int scale, int displacement, boolean address32) {
    static Place at(int base, int displacement) {
      return new Place(base, NONE, 0, displacement, false);
    }
  }

  /** Emits an instruction with a register (or opcode extension) and a register in ModRM.rm. */
  void registers(Code code, int register, int rm) {
    addressTouched |= register == R13 || rm == R13;
    boolean lowByte =
        (code.byteOperands & Code.BYTE_REG) != 0 && isLowByte(register)
            || (code.byteOperands & Code.BYTE_RM) != 0 && isLowByte(rm);
    int rex = rex(code, register, 0, rm) | (lowByte ? 0x40 : 0);
    begin(code, rex, isHigh(register) || isHigh(rm));
    byte1(0xc0 | (number(register) & 7) << 3 | number(rm) & 7);
  }

  /** Emits an instruction with a register (or opcode extension) and a place in memory. */
  void memory(Code code, int register, Place place) {
    addressTouched |= register == R13;
    if (place.address32) {
      byte1(0x67);
    }
    int lowByte = (code.byteOperands & Code.BYTE_REG) != 0 && isLowByte(register) ? 0x40 : 0;
    int rex = rex(code, register, Math.max(place.index, 0), Math.max(place.base, 0)) | lowByte;
    begin(code, rex, isHigh(register));
    int reg = (number(register) & 7) << 3;
    if (place.base == NONE) {
      byte1(reg | 4);
      byte1(place.scale << 6 | (place.index == NONE ? 4 : place.index & 7) << 3 | 5);
      byte4(place.displacement);
      return;
    }
    boolean sib = place.index != NONE || (place.base & 7) == 4;
    boolean none = place.displacement == 0 && (place.base & 7) != 5;
    boolean small = place.displacement == (byte) place.displacement;
    int mod = none ? 0 : small ? 0x40 : 0x80;
    byte1(mod | reg | (sib ? 4 : place.base & 7));
    if (sib) {
      byte1(place.scale << 6 | (place.index == NONE ? 4 : place.index & 7) << 3 | place.base & 7);
    }
    if (!none) {
      if (small) {
        byte1(place.displacement);
      } else {
        byte4(place.displacement);
      }
    }
  }

  /** Emits an instruction whose register is in the opcode's low three bits. */
  void inOpcode(Code code, int register) {
    addressTouched |= register == R13;
    int lowByte = (code.byteOperands & Code.BYTE_RM) != 0 && isLowByte(register) ? 0x40 : 0;
    int rex = rex(code, 0, 0, register) | lowByte;
    prefixes(code, rex, isHigh(register));
    byte1(code.opcode | number(register) & 7);
  }

  /** Emits an instruction without ModRM. */
  void plain(Code code) {
    begin(code, rex(code, 0, 0, 0), false);
  }

  private void begin(Code code, int rex, boolean high) {
    prefixes(code, rex, high);
    byte1(code.opcode);
  }

  private void prefixes(Code code, int rex, boolean high) {
    if (code.lock) {
      byte1(0xf0);
    }
    if (code.prefix > 0xff) {
      byte1(0x66);
    }
    if (code.prefix != 0) {
      byte1(code.prefix & 0xff);
    }
    if (rex != 0) {
      if (high) {
        throw new IllegalStateException("AH, BH, CH or DH in an instruction with REX");
      }
      byte1(rex);
    }
    if (code.map != ONE_BYTE) {
      byte1(0x0f);
    }
    if (code.map > MAP_0F) {
      byte1(code.map == 2 ? 0x38 : 0x3a);
    }
  }

  private static int rex(Code code, int register, int index, int base) {
    int bits =
        (code.wide ? 8 : 0)
            | (!isHigh(register) && register >= 8 ? 4 : 0)
            | (index >= 8 ? 2 : 0)
            | (!isHigh(base) && base >= 8 ? 1 : 0);
    return bits != 0 ? 0x40 | bits : 0;
  }

  /** Whether a number is that of SPL, BPL, SIL or DIL when it names a byte. */
  private static boolean isLowByte(int register) {
    return register >= 4 && register < 8;
  }

  /** Whether a number is that of AH, CH, DH or BH. */
  static boolean isHigh(int register) {
    return register >= 32;
  }

  private static int number(int register) {
    return isHigh(register) ? register - 28 : register;
  }

  // The few instructions of our own.

  void move(int destination, int source) {
    registers(Code.wide(0x89), source, destination);
  }

  void load(int register, Place place) {
    memory(Code.wide(0x8b), register, place);
  }

  void load32(int register, Place place) {
    memory(Code.of(0x8b), register, place);
  }

  void store(Place place, int register) {
    memory(Code.wide(0x89), register, place);
  }

  void lea(int register, Place place) {
    memory(Code.wide(0x8d), register, place);
  }

  void lea32(int register, Place place) {
    memory(Code.of(0x8d), register, place);
  }

  /** Loads a constant in the shortest way. */
  void constant(int register, long value) {
    if (value >>> 32 == 0) {
      inOpcode(Code.of(0xb8), register);
      byte4((int) value);
    } else if (value == (int) value) {
      registers(Code.wide(0xc7), 0, register);
      byte4((int) value);
    } else {
      inOpcode(Code.wide(0xb8), register);
      byte8(value);
    }
  }

  /** Stores a sign-extended 32-bit constant to 8 bytes. */
  void storeConstant(Place place, int value) {
    memory(Code.wide(0xc7), 0, place);
    byte4(value);
  }

  /** CMP of a byte in memory with zero: sets ZF when it is. */
  void compareByteWithZero(Place place) {
    memory(new Code(0, false, false, 0, 0, 0x80), 7, place);
    byte1(0);
  }

  /** Group 1 arithmetic (ADD /0, OR /1, AND /4, SUB /5, XOR /6, CMP /7) with a constant. */
  void arithmetic(boolean wide, int digit, int register, int value) {
    boolean small = value == (byte) value;
    int opcode = small ? 0x83 : 0x81;
    registers(wide ? Code.wide(opcode) : Code.of(opcode), digit, register);
    if (small) {
      byte1(value);
    } else {
      byte4(value);
    }
  }

  /** TEST of a register's low four bytes with a constant. */
  void test(int register, int mask) {
    registers(Code.of(0xf7), 0, register);
    byte4(mask);
  }

  /** TEST of four bytes in memory with a constant. */
  void test(Place place, int mask) {
    memory(Code.of(0xf7), 0, place);
    byte4(mask);
  }

  /**
   * BEXTR of 32 bits (Intel SDM Vol. 2A, VEX.LZ.0F38.W0 F7): takes out of a source the bits that a
   * control register's low 16 bits name.
   */
  void bitField(int destination, int source, int control) {
    addressTouched |= destination == R13;
    byte1(0xc4);
    byte1((destination < 8 ? 0x80 : 0) | 0x40 | (source < 8 ? 0x20 : 0) | 2);
    byte1((control ^ 15) << 3);
    byte1(0xf7);
    byte1(0xc0 | (destination & 7) << 3 | source & 7);
  }

  /**
   * Emits a near conditional jump ({@code condition} as in Jcc) and returns the position behind it,
   * to be patched.
   */
  int jumpIf(int condition) {
    byte1(0x0f);
    byte1(0x80 | condition);
    byte4(0);
    return length;
  }

  /** Emits a near jump and returns the position behind it, to be patched. */
  int jump() {
    byte1(0xe9);
    byte4(0);
    return length;
  }

  /** Makes the jump that ends at a position go to another position of this buffer. */
  void patch(int jumpEnd, int target) {
    int distance = target - jumpEnd;
    for (int i = 0; i < 4; i++) {
      code[jumpEnd - 4 + i] = (byte) (distance >> 8 * i);
    }
  }

  /** Makes the jump that ends at a position go to here. */
  void patchToHere(int jumpEnd) {
    patch(jumpEnd, length);
  }
}
