package sharevm.lab.lockstep;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OperandType.Field;

/** Bytes of guest code as they grow, with places that are known later. */
public final class CodeBuffer {
  /** No register: the base or index that an address does not have. */
  public static final int NONE = -1;

  /** The base of an address that is counted from the next instruction. */
  static final int RIP = -2;

  /** Base and index of the eight 16-bit forms (Intel SDM Vol. 2A table 2-1). */
  private static final int[][] NARROW_FORMS = {
    {3, 6}, {3, 7}, {5, 6}, {5, 7}, {NONE, 6}, {NONE, 7}, {5, NONE}, {3, NONE}
  };

  /** ModRM.rm of the 16-bit form of a displacement alone. */
  private static final int NARROW_DISPLACEMENT = 6;

  /** A place that jumps lead to, before or behind. */
  public static final class Label {
    private int at = -1;
    private final List<Reference> references = new ArrayList<>();
  }

  /**
   * Bytes that tell where a label is.
   *
   * @param relative whether they count from behind themselves, else from the code's start
   * @param added to what they tell
   */
  private record Reference(int place, int size, boolean relative, long added) {}

  /**
   * A memory operand.
   *
   * @param segment prefix byte, or 0
   * @param displacement of {@link #RIP} the linear address itself
   * @param narrow whether it is one of the 16-bit forms
   */
  public record Address(
      int segment, int base, int index, int scale, long displacement, boolean narrow) {
    Address(int segment, int base, int index, int scale, long displacement) {
      this(segment, base, index, scale, displacement, false);
    }

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
   * @param otherSize whether a prefix makes the operand size the other of 16 and 32 bits
   * @param otherAddress whether a prefix makes the address size the other one
   * @param bytesNamed whether a byte register 4 to 7 wants REX, to be SPL, BPL, SIL or DIL
   */
  public record Shape(
      int register,
      int rm,
      Address memory,
      byte[] immediate,
      boolean otherSize,
      boolean wide,
      boolean otherAddress,
      boolean locked,
      boolean bytesNamed) {}

  private final boolean is64;
  private final long start;
  private byte[] bytes = new byte[4096];
  private int length;
  private int end;

  CodeBuffer(boolean is64) {
    this(is64, GuestLayout.CODE);
  }

  /**
   * Begins with nothing.
   *
   * @param start the address of the first byte
   */
  public CodeBuffer(boolean is64, long start) {
    this.is64 = is64;
    this.start = start;
  }

  /** Returns all up to the last byte that was put. */
  public byte[] bytes() {
    return Arrays.copyOf(bytes, Math.max(length, end));
  }

  int length() {
    return length;
  }

  /** Returns the address of what comes next. */
  public long here() {
    return start + length;
  }

  /** Goes on at another address. */
  public void seek(long address) {
    end = Math.max(length, end);
    length = (int) (address - start);
    if (length >= bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * length);
    }
  }

  /** Emits bytes. */
  public void put(int... values) {
    for (int value : values) {
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, 2 * length);
      }
      bytes[length++] = (byte) value;
    }
  }

  /** Emits a number of some bytes. */
  public void number(long value, int size) {
    for (int n = 0; n < size; n++) {
      put((int) (value >>> 8 * n));
    }
  }

  void patch(int at, int value) {
    patch(at, value, 4);
  }

  private void patch(int at, long value, int size) {
    for (int n = 0; n < size; n++) {
      bytes[at + n] = (byte) (value >> 8 * n);
    }
  }

  /** Says that a label is here. */
  public void bind(Label label) {
    label.at = length;
    label.references.forEach(reference -> resolve(label, reference));
  }

  private void resolve(Label label, Reference r) {
    long value = label.at + r.added + (r.relative ? -r.place - r.size : start);
    if (r.relative && r.size == 1 && value != (byte) value) {
      throw new IllegalStateException("too far for a short jump: " + value);
    }
    patch(r.place, value, r.size);
  }

  private void refer(Label label, int size, boolean relative, long added) {
    Reference reference = new Reference(length, size, relative, added);
    number(0, size);
    if (label.at >= 0) {
      resolve(label, reference);
    } else {
      label.references.add(reference);
    }
  }

  /** Emits four bytes that lead to a label from behind them. */
  void distance(Label label) {
    distance(label, 4);
  }

  /** Emits bytes that lead to a label from behind them. */
  public void distance(Label label, int size) {
    refer(label, size, true, 0);
  }

  /** Emits bytes that are a label's address and something added. */
  public void address(Label label, int size, long added) {
    refer(label, size, false, added);
  }

  /** Returns how far behind what comes next a label is that is bound already. */
  public long since(Label label) {
    return length - label.at;
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
  public void row(Opcode row, Shape s) {
    if (s.locked) {
      put(0xf0);
    }
    if (s.memory != null && s.memory.segment != 0) {
      put(s.memory.segment);
    }
    if (s.otherAddress) {
      put(0x67);
    }
    if (s.otherSize) {
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

  /** Emits ModRM, SIB and displacement of a memory operand that is not relative to RIP. */
  public void memory(Address address, int reg) {
    memory(address, reg, 0);
  }

  /** Emits ModRM, SIB and displacement. */
  private void memory(Address address, int reg, int behind) {
    int displacement = (int) address.displacement;
    if (address.narrow) {
      narrow(address, reg);
      return;
    }
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

  private void narrow(Address address, int reg) {
    short displacement = (short) address.displacement;
    if (address.base == NONE && address.index == NONE) {
      put(reg << 3 | NARROW_DISPLACEMENT);
      number(displacement, 2);
      return;
    }
    int rm = 0;
    while (NARROW_FORMS[rm][0] != address.base || NARROW_FORMS[rm][1] != address.index) {
      rm++;
    }
    boolean none = displacement == 0 && rm != NARROW_DISPLACEMENT;
    int mod = none ? 0 : displacement == (byte) displacement ? 1 : 2;
    put(mod << 6 | reg << 3 | rm);
    number(displacement, mod);
  }

  private static int indexBits(Address address) {
    return (address.index == NONE ? 4 : address.index & 7) << 3;
  }
}
