package sharevm.cpu;

import sharevm.cpu.decode.Instruction;

/**
 * What one decoded instruction does. It reads operands, may throw {@link
 * sharevm.cpu.event.GuestFault} before it has changed anything, and then changes state; RIP already
 * points behind the instruction.
 */
@FunctionalInterface
public interface Operation {
  /** Executes an instruction. */
  void execute(Cpu cpu, Instruction instruction);
}
