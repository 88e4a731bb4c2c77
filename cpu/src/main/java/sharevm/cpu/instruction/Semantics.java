package sharevm.cpu.instruction;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Binder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** What every mnemonic of the opcode table does: the groups put their bindings together here. */
public final class Semantics implements Binder {
  private static final Operation UNDEFINED =
      (cpu, i) -> {
        throw GuestFault.undefined();
      };

  private final Map<String, Binder> byMnemonic = new HashMap<>();

  /** Makes the semantics of all groups. */
  public Semantics() {}

  /** Binds a mnemonic to one operation for all forms. */
  void put(String mnemonic, Operation operation) {
    choose(mnemonic, i -> operation);
  }

  /** Binds a mnemonic to an operation that depends on the form. */
  void choose(String mnemonic, Binder binder) {
    if (byMnemonic.put(mnemonic, binder) != null) {
      throw new IllegalStateException(mnemonic + " is bound twice");
    }
  }

  /** Returns the mnemonics that have a meaning. */
  public Set<String> mnemonics() {
    return byMnemonic.keySet();
  }

  @Override
  public Operation bind(Instruction instruction) {
    Binder binder = byMnemonic.get(instruction.opcode.mnemonic());
    return binder == null ? UNDEFINED : binder.bind(instruction);
  }
}
