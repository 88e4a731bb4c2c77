package sharevm.cpu.opcode;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import sharevm.cpu.CpuFeature;

/**
 * One row of the opcode table: an instruction form.
 *
 * @param text the row as it is written in the table
 * @param mnemonic the manual's name
 * @param map opcode map: 0 one byte, 1 behind 0F, 2 behind 0F 38, 3 behind 0F 3A
 * @param code the opcode's last byte (the lowest of eight where the register is in it)
 * @param prefix what the row wants of mandatory prefixes
 * @param digit the ModRM.reg that the row wants, or -1
 * @param modrm whether a ModRM byte follows
 * @param exactModrm the one ModRM byte that the row wants, or -1
 * @param rexW REX.W that the row wants: 1 or 0, or -1 for either
 * @param operands operands as written
 * @param operandNames the same in the table's words
 * @param flagsRead status flags read, in their places in RFLAGS
 * @param flagsWritten status flags written or left undefined
 * @param flagsUndefined those among them that the manual leaves undefined
 * @param needs the feature without which a processor does not have the form
 * @param attributes words of the last column that concern decoding and translation
 */
public record Opcode(
    String text,
    String mnemonic,
    int map,
    int code,
    Prefix prefix,
    int digit,
    boolean modrm,
    int exactModrm,
    int rexW,
    List<OperandType> operands,
    List<String> operandNames,
    int flagsRead,
    int flagsWritten,
    int flagsUndefined,
    Optional<CpuFeature> needs,
    Set<Attribute> attributes) {

  /** What a row says about 66, F2 and F3. */
  public enum Prefix {
    /** 66 gives the operand size, F2 and F3 are REP or ignored. */
    ANY,
    /** None of the three. */
    NONE,
    P66,
    F2,
    F3
  }

  /** Words of a row's last column. */
  public enum Attribute {
    /** LOCK is allowed with a memory destination. */
    LOCK,
    /** Undefined in 64-bit mode. */
    I64,
    /** Only in 64-bit mode. */
    O64,
    /** Operand size is 64 bits in 64-bit mode unless 66 makes it 16. */
    D64,
    /** Operand size is 64 bits in 64-bit mode whatever the prefixes. */
    F64,
    /** Only in protected mode outside virtual-8086 mode. */
    PROTECTED,
    /** Privileged: CPL must be 0. */
    CPL0,
    /** A string instruction that takes REP. */
    REP,
    /** The last instruction of a block: control transfer, mode or mapping change, serialising. */
    END,
    /** Translator policy: the host's own instruction does it. */
    COPY,
    /** Translator policy: translated with changes. */
    REWRITE,
    /** Translator policy: Java does it. */
    CALL,
    /** The memory operand is only an address. */
    ADDRESS_ONLY,
    /** Memory operand of 16 bytes must be aligned. */
    ALIGN,
    /** Register operand is XMM or MMX: CR0.EM, CR0.TS and CR4.OSFXSR are checked. */
    SSE,
    MMX,
    X87,
    /** The ModRM.mod field is ignored: always a register (MOV CR, MOV DR). */
    MOD_IGNORED
  }

  /** Returns whether the row has an attribute. */
  public boolean is(Attribute attribute) {
    return attributes.contains(attribute);
  }

  /**
   * Returns whether an operand is in a field. Not by a stream: it is asked for every row when the
   * program starts, and for every instruction that is translated.
   */
  public boolean has(OperandType.Field field) {
    for (int n = 0; n < operands.size(); n++) {
      if (operands.get(n).field() == field) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return text;
  }
}
