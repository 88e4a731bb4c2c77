package sharevm.cpu.interpret;

import sharevm.cpu.CpuModel;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.InstructionPool;
import sharevm.cpu.instruction.Semantics;
import sharevm.cpu.opcode.OpcodeTable;

/**
 * The decoders of a machine's processors, which are all of one model: they share the opcode table,
 * what its rows do, and the instructions that they have decoded. Safe for several threads.
 */
public final class Decoders {
  /** Most of what a Linux guest executes while it boots is found again in as many. */
  private static final int POOL_BITS = 17;

  private final InstructionPool pool = new InstructionPool(POOL_BITS);
  private final Semantics semantics = new Semantics();
  private OpcodeTable table;

  /** Returns a new decoder for one processor of the model that all have. */
  synchronized Decoder of(CpuModel model) {
    if (table == null) {
      table = OpcodeTable.load().of(model);
    }
    return new Decoder(table, semantics, pool);
  }
}
