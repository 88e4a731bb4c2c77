package sharevm.cpu;

import sharevm.cpu.event.Event;

/**
 * Is told what a processor does beside plain instructions, for whoever looks for the cause of what
 * a guest does. Called on the processor's thread.
 */
public interface CpuTrace {
  /** Tells nobody. */
  CpuTrace NONE =
      new CpuTrace() {
        @Override
        public void delivering(Cpu cpu, Event event) {}

        @Override
        public void control(Cpu cpu, String register, long value) {}

        @Override
        public void transition(Cpu cpu, String what) {}
      };

  /** An interrupt or exception is about to be delivered; RIP is what will be pushed. */
  void delivering(Cpu cpu, Event event);

  /**
   * A control register or EFER was written, and what follows from it is done; RIP is in the block
   * of the instruction that wrote it.
   *
   * @param register its name in the manual
   * @param value what it holds now
   */
  void control(Cpu cpu, String register, long value);

  /** The processor goes into another state of its life: INIT, a start, shutdown. */
  void transition(Cpu cpu, String what);
}
