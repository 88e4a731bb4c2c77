package sharevm.lab.processor;

import java.util.BitSet;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OperandType;

/** What the bytes of a case say by themselves, read without the decoder that is on trial. */
record Encoding(BitSet prefixes, int rex, int opcodeAt, int modrm, boolean imm8Count, int imm8) {
  /** Each character is a prefix: 26H, 2EH, 36H, 3EH, 64H to 67H, F0H, F2H and F3H. */
  private static final String PREFIXES = "&.6>defg\u00f0\u00f2\u00f3";

  static Encoding of(Opcode row, CpuCase input) {
    BitSet prefixes = new BitSet(256);
    byte[] code = input.code();
    int at = 0;
    int rex = 0;
    while (at < code.length) {
      int b = code[at] & 0xff;
      boolean isRex = input.mode() == Mode.LONG && (b & 0xf0) == 0x40;
      if (!isRex && PREFIXES.indexOf(b) < 0) {
        break;
      }
      rex = isRex ? b : 0; // one that another prefix follows counts for nothing
      prefixes.set(b, !isRex);
      at++;
    }
    int modrmAt = at + (row.map() > 1 ? 3 : row.map() + 1);
    int modrm = row.modrm() && modrmAt < code.length ? code[modrmAt] & 0xff : -1;
    boolean imm8 =
        !row.operands().isEmpty()
            && row.operands().getLast().field() == OperandType.Field.IMMEDIATE
            && row.operands().getLast().size() == 1;
    return new Encoding(prefixes, rex, at, modrm, imm8, code[code.length - 1] & 0xff);
  }

  boolean has(int prefix) {
    return prefixes.get(prefix);
  }

  /** Returns the number of the register that ModRM.reg names. */
  int reg() {
    return modrm >> 3 & 7 | (rex & 4) << 1;
  }

  /** Returns the number of the register that ModRM.rm names. */
  int rm() {
    return modrm & 7 | (rex & 1) << 3;
  }

  /** Returns whether ModRM.rm names a register. */
  boolean rmIsRegister() {
    return modrm >= 0xc0;
  }

  /** Returns the width of the row's first operand in bits. */
  int operandBits(Opcode row) {
    int size = row.operands().isEmpty() ? 0 : row.operands().getFirst().size();
    if (size > 0) {
      return 8 * size;
    }
    return (rex & 8) != 0 ? 64 : has(0x66) ? 16 : 32;
  }

  /** Returns the count of a shift or rotate instruction, masked as the processor masks it. */
  int shiftCount(CpuCase input) {
    int mask = (rex & 8) != 0 ? 63 : 31;
    if (imm8Count) {
      return imm8 & mask;
    }
    int opcode = input.code()[opcodeAt] & 0xff;
    return opcode == 0xd0 || opcode == 0xd1 ? 1 : (int) input.state().gpr[1] & mask;
  }
}
