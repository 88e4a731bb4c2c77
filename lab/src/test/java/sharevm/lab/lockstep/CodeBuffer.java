package sharevm.lab.lockstep;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OperandType.Field;

/** Bytes of guest code as they grow, with places that are known later. */
final class CodeBuffer {
  /** No register: the base or index that an address does not have. */
  static final int NONE = -1;

  /** The base of an address that is counted from the next instruction. */
  static final int RIP = -2;

  /** A place that jumps lead to, before or behind. */
  static final class Label {
    private int at = -1;
    private final List<Integer> jumps = new ArrayList<>();
  }

  /**
   * A memory operand.
   *
   * @param segment prefix byte, or 0
   * @param displacement of {@link #RIP} the linear address itself
   */
  record Address(int segment, int base, int index, int scale, long displacement) {
    static Address at(int base, long displacement) {
      return new Address(0, base, NONE, 0, displacement);
    }
  }

  /**
   * How a row is to be encoded.
   *
   * @param register number for ModRM.reg, or for the register in the opcode
   * @param rm register for ModRM.rm where there is no memory operand
   * @param memory the memory operand, or null
   * @param immediate bytes behind
   * @param bytesNamed whether a byte register 4 to 7 wants REX, to be SPL, BPL, SIL or DIL
   */
  record Shape(
      int register,
      int rm,
      Address memory,
      byte[] immediate,
      boolean word,
      boolean wide,
      boolean narrowAddress,
      boolean locked,
      boolean bytesNamed) {}

  private final boolean is64;
  private byte[] bytes = new byte[4096];
  private int length;

  CodeBuffer(boolean is64) {
    this.is64 = is64;
  }

  byte[] bytes() {
    return Arrays.copyOf(bytes, length);
  }

  int length() {
    return length;
  }

  /** Returns the linear address of what comes next. */
  long here() {
    return GuestLayout.CODE + length;
  }

  void put(int... values) {
    for (int value : values) {
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, 2 * length);
      }
      bytes[length++] = (byte) value;
    }
  }

  void number(long value, int size) {
    for (int n = 0; n < size; n++) {
      put((int) (value >>> 8 * n));
    }
  }

  void patch(int at, int value) {
    for (int n = 0; n < 4; n++) {
      bytes[at + n] = (byte) (value >> 8 * n);
    }
  }

  void bind(Label label) {
    label.at = length;
    for (int jump : label.jumps) {
      patch(jump, length - jump - 4);
    }
  }

  /** Emits four bytes that lead to a label from behind them. */
  void distance(Label label) {
    if (label.at >= 0) {
      number(label.at - length - 4, 4);
    } else {
      label.jumps.add(length);
      number(0, 4);
    }
  }

  void jump(Label label) {
    put(0xe9);
    distance(label);
  }

  void jumpIf(int condition, Label label) {
    put(0x0f, 0x80 | condition);
    distance(label);
  }

  void call(Label label) {
    put(0xe8);
    distance(label);
  }

  /** Emits a row of the opcode table. */
  void row(Opcode row, Shape s) {
    if (s.locked) {
      put(0xf0);
    }
    if (s.memory != null && s.memory.segment != 0) {
      put(s.memory.segment);
    }
    if (s.narrowAddress) {
      put(0x67);
    }
    if (s.word) {
      put(0x66);
    }
    switch (row.prefix()) {
      case P66 -> put(0x66);
      case F2 -> put(0xf2);
      case F3 -> put(0xf3);
      default -> {}
    }
    boolean opcodeRegister = row.has(Field.OPCODE);
    rex(row, s, opcodeRegister);
    if (row.map() > 0) {
      put(0x0f);
    }
    if (row.map() > 1) {
      put(row.map() == 2 ? 0x38 : 0x3a);
    }
    put(row.code() + (opcodeRegister ? s.register & 7 : 0));
    if (row.modrm()) {
      int reg = row.digit() >= 0 ? row.digit() : s.register & 7;
      if (s.memory == null) {
        put(0xc0 | reg << 3 | s.rm & 7);
      } else {
        memory(s.memory, reg, s.immediate.length);
      }
    }
    for (byte b : s.immediate) {
      put(b);
    }
  }

  private void rex(Opcode row, Shape s, boolean opcodeRegister) {
    if (!is64) {
      return;
    }
    boolean reg = row.modrm() && row.digit() < 0 && s.register >= 8;
    int bits = (s.wide ? 8 : 0) | (reg ? 4 : 0);
    if (s.memory == null) {
      bits |= (opcodeRegister ? s.register : row.modrm() ? s.rm : 0) >= 8 ? 1 : 0;
    } else {
      bits |= (s.memory.index >= 8 ? 2 : 0) | (s.memory.base >= 8 ? 1 : 0);
    }
    if (bits != 0 || s.bytesNamed) {
      put(0x40 | bits);
    }
  }

  /** Emits ModRM, SIB and displacement. */
  private void memory(Address address, int reg, int behind) {
    int displacement = (int) address.displacement;
    if (address.base == RIP) {
      put(reg << 3 | 5);
      number(is64 ? (int) (address.displacement - here() - 4 - behind) : displacement, 4);
      return;
    }
    if (address.base == NONE) {
      put(reg << 3 | 4, address.scale << 6 | indexBits(address) | 5);
      number(displacement, 4);
      return;
    }
    boolean small = displacement == (byte) displacement;
    int mod = displacement == 0 && (address.base & 7) != 5 ? 0 : small ? 1 : 2;
    boolean sib = address.index != NONE || (address.base & 7) == 4;
    put(mod << 6 | reg << 3 | (sib ? 4 : address.base & 7));
    if (sib) {
      put(address.scale << 6 | indexBits(address) | address.base & 7);
    }
    number(displacement, mod == 0 ? 0 : mod == 1 ? 1 : 4);
  }

  private static int indexBits(Address address) {
    return (address.index == NONE ? 4 : address.index & 7) << 3;
  }
}
