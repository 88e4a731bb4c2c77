package sharevm.translator;

import java.util.List;
import java.util.Set;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Kind;

/**
 * Which memory operands of a loop have addresses that are made of what the loop loads: where a load
 * takes long, the next turn takes as long.
 */
final class LoadChains {
  /** What writes its first operand without reading it. */
  private static final Set<String> REPLACE =
      Set.of("MOV", "MOVZX", "MOVSX", "MOVSXD", "LEA", "POP");

  /** A bit for each general register: whether it depends on a load. */
  private int loaded;

  private LoadChains() {}

  /** Returns a bit for each instruction of a block that is a loop: whether its address does. */
  static long of(Instruction[] code) {
    LoadChains chains = new LoadChains();
    chains.turn(code);
    return chains.turn(code);
  }

  private long turn(Instruction[] code) {
    long found = 0;
    for (int n = 0; n < code.length; n++) {
      Instruction i = code[n];
      boolean accesses = i.memory && !i.opcode.is(Attribute.ADDRESS_ONLY);
      int address = i.memory ? bit(i.base) | bit(i.index) : 0;
      found |= accesses && (address & loaded) != 0 ? 1L << n : 0;
      follow(i, accesses, address);
    }
    return found;
  }

  private void follow(Instruction i, boolean accesses, int address) {
    int written = 0;
    int read = accesses ? 0 : address;
    int[] numbers = {i.destination, i.source, i.third};
    List<OperandType> operands = i.opcode.operands();
    for (int n = 0; n < operands.size() && n < numbers.length; n++) {
      int register = operands.get(n).kind() == Kind.GENERAL ? bit(numbers[n]) : 0;
      boolean writes = Copy.isWritten(i.opcode, n);
      written |= writes ? register : 0;
      read |= writes && REPLACE.contains(i.opcode.mnemonic()) ? 0 : register;
    }
    boolean depends = accesses || (read & loaded) != 0;
    loaded = depends ? loaded | written : loaded & ~written;
  }

  private static int bit(int register) {
    return register >= 0 && register < 16 ? 1 << register : 0;
  }
}
