package sharevm.cpu.instruction;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Binder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;

/** What every mnemonic of the opcode table does: the groups put their bindings together here. */
public final class Semantics implements Binder {
  private static final Operation UNDEFINED =
      (cpu, i) -> {
        throw GuestFault.undefined();
      };

  private final Map<String, List<Binder>> byMnemonic = new HashMap<>();

  /** Makes the semantics of all groups. */
  public Semantics() {
    BinaryArithmetic.bind(this);
    MultiplyDivide.bind(this);
    Decimal.bind(this);
    ShiftRotate.bind(this);
    Bits.bind(this);
    Conditions.bind(this);
    DataTransfer.bind(this);
    StackTransfer.bind(this);
    ControlTransfer.bind(this);
    Strings.bind(this);
    FlagControl.bind(this);
    SegmentMoves.bind(this);
    FarTransfer.bind(this);
    FarReturn.bind(this);
    InterruptReturn.bind(this);
    Interrupts.bind(this);
    DescriptorTables.bind(this);
    SegmentQueries.bind(this);
    ControlRegisters.bind(this);
    DebugRegisters.bind(this);
    ModelRegisters.bind(this);
    Identification.bind(this);
    SystemCalls.bind(this);
    FlagTransfer.bind(this);
    Ports.bind(this);
    ProcessorControl.bind(this);
    X87Computation.bind(this);
    X87Transfer.bind(this);
    X87Control.bind(this);
    bindVectors();
  }

  private void bindVectors() {
    SseMove.bind(this);
    SsePlain.bind(this);
    SseArithmetic.bind(this);
    SseCompare.bind(this);
    SseConvert.bind(this);
    SseShuffle.bind(this);
    SseElement.bind(this);
    IntegerVector.bind(this);
    MmxMove.bind(this);
    MmxShuffle.bind(this);
    Aes.bind(this);
    CarrylessMultiply.bind(this);
    Sse42Strings.bind(this);
    StateSave.bind(this);
    X87Functions.bind(this);
  }

  /** Binds a mnemonic to one operation for all forms. */
  void put(String mnemonic, Operation operation) {
    choose(mnemonic, i -> operation);
  }

  /**
   * Binds forms of a mnemonic to operations. Several groups may share one (MOV to a register is not
   * in the group of MOV to CR0): a binder returns null for a form that is another's.
   */
  void choose(String mnemonic, Binder binder) {
    byMnemonic.computeIfAbsent(mnemonic, m -> new ArrayList<>(1)).add(binder);
  }

  /** Binds the forms of a mnemonic that have an operand of a kind. */
  void choose(String mnemonic, OperandType.Kind kind, Binder binder) {
    choose(
        mnemonic,
        i -> i.opcode.operands().stream().anyMatch(o -> o.kind() == kind) ? binder.bind(i) : null);
  }

  /** Returns the mnemonics that have a meaning. */
  public Set<String> mnemonics() {
    return byMnemonic.keySet();
  }

  @Override
  public Operation bind(Instruction instruction) {
    for (Binder binder : byMnemonic.getOrDefault(instruction.opcode.mnemonic(), List.of())) {
      Operation operation = binder.bind(instruction);
      if (operation != null) {
        return guarded(instruction.opcode, operation);
      }
    }
    return UNDEFINED;
  }

  /** Puts before an operation the checks that its row asks for. */
  private static Operation guarded(Opcode row, Operation operation) {
    if (row.is(Attribute.CPL0)) {
      Operation privileged =
          (cpu, i) -> {
            if (cpu.state.cpl != 0) {
              throw GuestFault.generalProtection();
            }
            operation.execute(cpu, i);
          };
      return row.is(Attribute.PROTECTED) ? inProtectedMode(privileged) : privileged;
    }
    return row.is(Attribute.PROTECTED) ? inProtectedMode(operation) : operation;
  }

  private static Operation inProtectedMode(Operation operation) {
    return (cpu, i) -> {
      if (cpu.state.realSegments()) {
        throw GuestFault.undefined();
      }
      operation.execute(cpu, i);
    };
  }
}
