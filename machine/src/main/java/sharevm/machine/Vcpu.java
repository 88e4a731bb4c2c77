package sharevm.machine;

import sharevm.cpu.Attention;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuSnapshot;
import sharevm.cpu.Exit;
import sharevm.cpu.Reset;
import sharevm.cpu.SavedState;

/** A processor and the thread that runs it. */
final class Vcpu implements Runnable {
  /** What a processor tells the machine's supervisor. */
  interface Supervisor {
    /** A processor is in shutdown; it waits at the gate. */
    void tripleFault(Vcpu vcpu);

    /** Our own code threw while a processor ran; it waits at the gate. */
    void failed(Vcpu vcpu, Throwable thrown);
  }

  final int number;
  final Cpu cpu;
  private final Pace pace;
  private final Gate gate;
  private final Supervisor supervisor;
  private Thread thread;
  private volatile long halts;
  private volatile long haltedNanos;
  private boolean broken;

  Vcpu(int number, Cpu cpu, Pace pace, Gate gate, Supervisor supervisor) {
    this.number = number;
    this.cpu = cpu;
    this.pace = pace;
    this.gate = gate;
    this.supervisor = supervisor;
  }

  void start(String name) {
    thread = Thread.ofPlatform().daemon().name(name + "-cpu" + number).unstarted(this);
    thread.start();
  }

  /** Waits until the thread has ended. */
  void join() throws InterruptedException {
    if (thread != null) {
      thread.join();
    }
  }

  /** Makes the processor leave {@code Cpu.run}; on any thread. */
  void interrupt() {
    cpu.state.attention.raise(Attention.STOP);
  }

  /**
   * Resets the processor; all but the first then wait for a start-up interrupt. At the gate only.
   */
  void powerUp() {
    cpu.state.attention.clear(-1);
    Reset.powerUp(cpu);
    cpu.state.waitForStartup = number > 0;
  }

  /** Forgets that the processor could not go on: it has been reset. At the gate only. */
  void repaired() {
    broken = false;
  }

  /** Returns the processor's state. At the gate only. */
  SavedState save() {
    return CpuSnapshot.save(cpu);
  }

  /** Takes a saved state over. At the gate, or before the first start. */
  void restore(SavedState saved) {
    CpuSnapshot.restore(cpu, saved);
  }

  Statistics.Processor statistics() {
    return new Statistics.Processor(
        cpu.engine().retired(), halts, haltedNanos, cpu.engine().counts());
  }

  @Override
  public void run() {
    while (gate.pass(this)) {
      try {
        turn();
      } catch (RuntimeException | Error thrown) {
        broken = true;
        supervisor.failed(this, thrown);
      }
    }
    cpu.engine().release();
  }

  /** Returns whether the processor cannot go on by itself. */
  boolean broken() {
    return broken;
  }

  private void turn() {
    long before = cpu.engine().retired();
    Exit exit = cpu.run(pace.slice());
    pace.executed(cpu.engine().retired() - before);
    switch (exit) {
      case Exit.Halted _ -> idle(() -> pace.idle(cpu.state.attention));
      case Exit.Watching _ -> idle(() -> pace.watch(cpu.state.attention, cpu.monitor::changed));
      case Exit.TripleFault _ -> {
        broken = true;
        supervisor.tripleFault(this);
      }
      case Exit.Stopped _, Exit.BudgetSpent _ -> {
        // The gate says what is next.
      }
    }
  }

  private void idle(Runnable wait) {
    long since = System.nanoTime();
    wait.run();
    count(System.nanoTime() - since);
  }

  private void count(long nanos) {
    long oldHalts = halts;
    halts = oldHalts + 1;
    long oldNanos = haltedNanos;
    haltedNanos = oldNanos + nanos;
  }

  /** Where processors wait while the machine stands still. */
  static final class Gate {
    private final Runnable onInterrupted;
    private boolean open;
    private boolean ended;
    private int waiting;

    /** Makes a closed one; what is given runs if a waiting thread is interrupted. */
    Gate(Runnable onInterrupted) {
      this.onInterrupted = onInterrupted;
    }

    /** Waits until the processor may run; returns false when its thread is to end. */
    synchronized boolean pass(Vcpu vcpu) {
      waiting++;
      notifyAll();
      try {
        while (!ended && (!open || vcpu.broken())) {
          wait();
        }
        return !ended;
      } catch (InterruptedException _) {
        onInterrupted.run();
        return false;
      } finally {
        waiting--;
      }
    }

    /** Lets processors run. */
    synchronized void open() {
      open = true;
      notifyAll();
    }

    /** Lets none begin to run. */
    synchronized void close() {
      open = false;
    }

    /** Waits until {@code count} processors stand here. */
    synchronized void awaitAll(int count) throws InterruptedException {
      while (waiting < count) {
        wait();
      }
    }

    /** Lets all threads end. */
    synchronized void end() {
      ended = true;
      notifyAll();
    }
  }
}
