package sharevm.cpu.text;

import java.util.Locale;
import java.util.Set;
import sharevm.cpu.decode.Instruction;

/** Names of instructions where the opcode table has one for several sizes. */
final class Mnemonics {
  private static final Set<String> STATE =
      Set.of("FXSAVE", "FXRSTOR", "XSAVE", "XRSTOR", "XSAVEOPT", "XSAVEC");

  private static final Set<String> FENCES = Set.of("LFENCE", "MFENCE", "SFENCE");

  private static final int XCHG_WITH_ACCUMULATOR = 0x90;

  private Mnemonics() {}

  /** Returns whether an instruction is written without operands, whatever its ModRM byte says. */
  static boolean hasNoOperands(Instruction i) {
    return isNop(i) || FENCES.contains(i.opcode.mnemonic());
  }

  /** Returns whether an instruction is XCHG EAX, EAX, which is NOP. */
  private static boolean isNop(Instruction i) {
    return i.opcode.mnemonic().equals("XCHG")
        && i.opcode.code() == XCHG_WITH_ACCUMULATOR
        && i.destination == i.source;
  }

  static String of(Instruction i) {
    String name = i.opcode.mnemonic();
    int size = i.operandSize;
    return switch (name) {
      case "CBW" -> size == 2 ? "cbw" : size == 4 ? "cwde" : "cdqe";
      case "CWD" -> size == 2 ? "cwd" : size == 4 ? "cdq" : "cqo";
      case "JRCXZ" -> i.addressSize == 2 ? "jcxz" : i.addressSize == 4 ? "jecxz" : "jrcxz";
      case "PUSHA", "POPA" -> name.toLowerCase(Locale.ROOT) + (size == 2 ? "" : "d");
      case "PUSHF", "POPF", "IRET" -> name.toLowerCase(Locale.ROOT) + suffix(size);
      case "MOVD" -> i.rexW ? "movq" : "movd";
      case "PINSRD" -> i.rexW ? "pinsrq" : "pinsrd";
      case "PEXTRD" -> i.rexW ? "pextrq" : "pextrd";
      case "HINT" -> "nop";
      case "FSTPNCE" -> "fstp";
      case "XCHG" -> isNop(i) ? "nop" : "xchg";
      default ->
          STATE.contains(name) && i.rexW
              ? name.toLowerCase(Locale.ROOT) + "64"
              : name.toLowerCase(Locale.ROOT);
    };
  }

  private static String suffix(int size) {
    return size == 2 ? "" : size == 4 ? "d" : "q";
  }
}
