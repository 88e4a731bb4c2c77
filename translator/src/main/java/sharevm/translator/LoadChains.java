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

  /** For each general register how many instructions were there when it was written last. */
  private final int[] written = new int[16];

  private int instructions;
  private long addresses;
  private long bases;

  private LoadChains() {}

  /** Returns what is known of a block that is no loop. */
  static LoadChains none() {
    return new LoadChains();
  }

  /** Returns those of a block that is a loop. */
  static LoadChains of(Instruction[] code) {
    LoadChains chains = new LoadChains();
    chains.turn(code);
    chains.turn(code);
    return chains;
  }

  /** Whether an instruction's address depends on a load. */
  boolean hasAddress(int index) {
    return (addresses >>> index & 1) != 0;
  }

  /** Whether what such an address is counted from is known later than what is added to it. */
  boolean endsWithBase(int index) {
    return (bases >>> index & 1) != 0;
  }

  private void turn(Instruction[] code) {
    for (int n = 0; n < code.length; n++) {
      Instruction i = code[n];
      boolean accesses = i.memory && !i.opcode.is(Attribute.ADDRESS_ONLY);
      int address = i.memory ? bit(i.base) | bit(i.index) : 0;
      addresses |= accesses && (address & loaded) != 0 ? 1L << n : 0;
      boolean baseIsLast =
          bit(i.index) == 0 || bit(i.base) != 0 && written[i.base] > written[i.index];
      bases = baseIsLast ? bases | 1L << n : bases & ~(1L << n);
      instructions++;
      follow(i, accesses, address);
    }
  }

  private void follow(Instruction i, boolean accesses, int address) {
    int results = 0;
    int read = accesses ? 0 : address;
    int[] numbers = {i.destination, i.source, i.third};
    List<OperandType> operands = i.opcode.operands();
    for (int n = 0; n < operands.size() && n < numbers.length; n++) {
      int register = operands.get(n).kind() == Kind.GENERAL ? bit(numbers[n]) : 0;
      boolean writes = Copy.isWritten(i.opcode, n);
      results |= writes ? register : 0;
      if (writes && register != 0) {
        written[numbers[n]] = instructions;
      }
      read |= writes && REPLACE.contains(i.opcode.mnemonic()) ? 0 : register;
    }
    boolean depends = accesses || (read & loaded) != 0;
    loaded = depends ? loaded | results : loaded & ~results;
  }

  private static int bit(int register) {
    return register >= 0 && register < 16 ? 1 << register : 0;
  }
}
