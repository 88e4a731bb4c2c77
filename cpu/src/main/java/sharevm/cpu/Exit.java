package sharevm.cpu;

/** Why {@code Cpu.run} came back. */
public sealed interface Exit {
  /** {@link Attention#STOP} was raised. */
  record Stopped() implements Exit {}

  /** As many instructions as were asked for have been executed. */
  record BudgetSpent() implements Exit {}

  /** The processor waits for an interrupt: HLT was executed, or INIT was received. */
  record Halted() implements Exit {}

  /**
   * MWAIT was executed: the processor has nothing to do until what {@link Cpu#monitor} watches
   * changes or something raises its attention word. It may go on earlier, and should after some
   * milliseconds.
   */
  record Watching() implements Exit {}

  /** A fault while delivering a double fault: the processor is in shutdown. */
  record TripleFault() implements Exit {}
}
