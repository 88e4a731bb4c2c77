package sharevm.cpu.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * Instructions in Intel's syntax, for traces and reports: {@code add dword ptr [rbx+rcx*4-0x8],
 * eax}.
 *
 * <p>Names are the opcode table's, or where one name stands for several sizes (CBW), the manual's
 * for the size. Immediates are shown as what the instruction uses, without sign, in the width of
 * its operand.
 */
public final class Disassembler {
  /**
   * Operands of string instructions: D at ES:rDI, S at DS:rSI or what overrides it, A the
   * accumulator, X is DX.
   */
  private static final Map<String, String> STRINGS =
      Map.of(
          "MOVS", "DS", "CMPS", "SD", "STOS", "DA", "LODS", "AS", "SCAS", "AD", "INS", "DX", "OUTS",
          "XS");

  private static final int MAP_ONE_BYTE = 0;

  private Disassembler() {}

  /**
   * Returns an instruction as text.
   *
   * @param address the offset in the code segment where it begins: targets of branches are counted
   *     from there
   */
  public static String text(Instruction i, long address) {
    StringBuilder text = new StringBuilder();
    if (i.lock) {
      text.append("lock ");
    }
    if (i.opcode.is(Attribute.REP) && i.repeat != Instruction.NO_REPEAT) {
      boolean compares = i.opcode.flagsWritten() != 0;
      text.append(i.repeat == Instruction.REPNE ? "repne " : compares ? "repe " : "rep ");
    }
    String string = stringInstruction(i);
    if (string != null) {
      return text.append(string).toString();
    }
    text.append(Mnemonics.of(i));
    List<String> operands = operands(i, address);
    if (!operands.isEmpty()) {
      text.append(' ').append(String.join(", ", operands));
    }
    if (i.memory && i.base == CpuState.BLOCK_RIP) {
      long target = address + i.displacement - i.offset & i.addressMask;
      text.append(" # ").append(hex(target));
    }
    return text.toString();
  }

  private static List<String> operands(Instruction i, long address) {
    List<String> texts = new ArrayList<>();
    if (Mnemonics.hasNoOperands(i)) {
      return texts;
    }
    int[] numbers = {i.destination, i.source, i.third};
    boolean immediateSeen = false;
    for (int n = 0; n < i.opcode.operands().size(); n++) {
      OperandType type = i.opcode.operands().get(n);
      if (numbers[n] == Instruction.MEMORY) {
        texts.add(memory(i, type));
      } else if (type.kind() == Kind.RELATIVE) {
        texts.add(hex(address + i.length + i.immediate & Operands.mask(branchSize(i))));
      } else if (type.kind() == Kind.FAR_POINTER) {
        texts.add(hex(i.immediate2) + ":" + hex(i.immediate & Operands.mask(i.operandSize)));
      } else if (type.kind() == Kind.IMMEDIATE) {
        texts.add(immediateSeen ? hex(i.immediate2 & 0xff) : immediate(i, type));
        immediateSeen = true;
      } else {
        texts.add(Operands.register(i, type, i.opcode.operandNames().get(n), numbers[n]));
      }
    }
    return texts;
  }

  private static int branchSize(Instruction i) {
    return i.codeSize == 8 ? 8 : i.operandSize;
  }

  /** Returns an immediate in the width in which it is used. */
  private static String immediate(Instruction i, OperandType type) {
    if (type.field() == OperandType.Field.IMPLICIT) {
      return "1";
    }
    int code = i.opcode.code();
    boolean extended =
        i.opcode.map() == MAP_ONE_BYTE && (code == 0x83 || code == 0x6b || code == 0x6a);
    int size = type.size() == 0 || type.size() == 8 || extended ? i.size : type.size();
    return hex(i.immediate & Operands.mask(size));
  }

  private static String memory(Instruction i, OperandType type) {
    StringBuilder text = new StringBuilder(Operands.pointer(i, type));
    text.append(segment(i)).append('[');
    boolean first = true;
    if (i.base != CpuState.ZERO) {
      text.append(Operands.address(i, i.base));
      first = false;
    }
    if (i.index != CpuState.ZERO) {
      text.append(first ? "" : "+").append(Operands.address(i, i.index));
      text.append(i.addressSize == 2 ? "" : "*" + (1 << i.scale));
      first = false;
    }
    long displacement = i.displacement;
    if (i.base == CpuState.BLOCK_RIP) {
      displacement -= i.offset + i.length;
    }
    if (first) {
      text.append(hex(displacement & i.addressMask));
    } else if (displacement != 0) {
      text.append(displacement < 0 ? '-' : '+').append(hex(Math.abs(displacement)));
    }
    return text.append(']').toString();
  }

  /** Returns the segment where it is not the one that the address would choose by itself. */
  private static String segment(Instruction i) {
    boolean stack = i.base == CpuState.RSP || i.base == CpuState.RBP;
    int standard = stack ? CpuState.SS : CpuState.DS;
    boolean named = i.segment <= CpuState.GS && i.segment != standard;
    return named ? Operands.SEGMENTS[i.segment] + ":" : "";
  }

  /**
   * Returns the text of a string instruction or XLATB with its implied operands, or null for
   * others.
   */
  private static String stringInstruction(Instruction i) {
    String source = (i.segment <= CpuState.GS ? Operands.SEGMENTS[i.segment] : "ds") + ":[";
    if (i.opcode.mnemonic().equals("XLATB")) {
      return "xlat byte ptr " + source + Operands.address(i, CpuState.RBX) + "]";
    }
    boolean bytes = (i.opcode.code() & 1) == 0;
    String mnemonic = i.opcode.mnemonic();
    String name =
        bytes && mnemonic.endsWith("B") ? mnemonic.substring(0, mnemonic.length() - 1) : mnemonic;
    String operands = i.opcode.is(Attribute.REP) ? STRINGS.get(name) : null;
    if (operands == null) {
      return null;
    }
    int size = bytes ? 1 : operands.contains("X") ? Math.min(i.operandSize, 4) : i.operandSize;
    List<String> texts = new ArrayList<>();
    for (int n = 0; n < operands.length(); n++) {
      texts.add(
          switch (operands.charAt(n)) {
            case 'D' ->
                Operands.POINTERS.get(size) + "es:[" + Operands.address(i, CpuState.RDI) + "]";
            case 'S' ->
                Operands.POINTERS.get(size) + source + Operands.address(i, CpuState.RSI) + "]";
            case 'A' -> Operands.general(CpuState.RAX, size);
            default -> "dx";
          });
    }
    return name.toLowerCase(Locale.ROOT) + " " + String.join(", ", texts);
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }
}
