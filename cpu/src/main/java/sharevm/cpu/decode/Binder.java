package sharevm.cpu.decode;

import sharevm.cpu.Operation;

/** Chooses what an instruction does, from its row, operands and sizes. */
@FunctionalInterface
public interface Binder {
  /** Returns the operation of an instruction whose other fields are all set. */
  Operation bind(Instruction instruction);
}
