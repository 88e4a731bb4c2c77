package sharevm.lab.program;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import sharevm.cpu.Attention;
import sharevm.cpu.Bus;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.InterruptController;
import sharevm.lab.SharedMemory;

/**
 * The smallest machine that runs a test program: 4 MiB of RAM, the program as firmware below 1 MiB
 * and 4 GiB, a console on port E9, an exit on port F4. A vector written to port F8 becomes an
 * interrupt from outside, any write to port F9 an NMI; port FA is a byte of plain storage.
 */
final class ProgramMachine implements Bus, InterruptController {
  private static final int RAM_SIZE = 4 << 20;
  private static final int ROM_SIZE = 1 << 16;
  private static final long LOW_ROM = 0xf_0000;
  private static final long HIGH_ROM = 0xffff_0000L;

  /** The processor, or the first of several. */
  final Cpu cpu;

  private final List<Cpu> others = new ArrayList<>();

  /** What the program printed. */
  final StringBuilder console = new StringBuilder();

  /** What it wrote to the exit port, or -1. */
  volatile int exitValue = -1;

  private final MemorySegment memory = SharedMemory.allocate(RAM_SIZE + ROM_SIZE);
  private long time;
  private int pendingVector = -1;
  private int taskPriority;
  private int stored;
  private volatile boolean ended;

  ProgramMachine(byte[] program, CpuModel model, int processors, Cpu.EngineFactory engine) {
    MemorySegment.copy(MemorySegment.ofArray(program), 0, memory, RAM_SIZE, ROM_SIZE);
    CodePages codePages = new CodePages(memory.byteSize());
    Cpu.Environment environment = new Cpu.Environment(this, this, () -> time += 100, codePages);
    cpu = new Cpu(model.at(0, processors), environment, new CpuState(), engine);
    for (int n = 1; n < processors; n++) {
      others.add(new Cpu(model.at(n, processors), environment, new CpuState(), engine));
    }
  }

  /**
   * Runs all processors, each on a thread, until the program ends the machine or the first has had
   * its budget. How many instructions one spends waiting for another is the host's choice: several
   * have a minute.
   */
  Exit runAll(long budget) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (Cpu other : others) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!ended && goesOn(other.run(10_000))) {
                      Thread.onSpinWait();
                    }
                  }));
    }
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    Exit exit = run(budget);
    while (exitValue < 0 && goesOn(exit) && !others.isEmpty() && System.nanoTime() < deadline) {
      exit = run(budget);
    }
    ended = true;
    for (Thread thread : threads) {
      thread.join();
    }
    return exit;
  }

  /**
   * Runs until the program ends the machine or has had its budget; returns how the processor
   * stopped.
   */
  Exit run(long budget) {
    long end = cpu.engine().retired() + budget;
    while (true) {
      Exit exit = cpu.run(Math.min(1000, end - cpu.engine().retired()));
      if (exitValue >= 0 || !goesOn(exit) || cpu.engine().retired() >= end) {
        return exit;
      }
    }
  }

  /** MWAIT may end at any time, so it does at once. */
  private static boolean goesOn(Exit exit) {
    return exit instanceof Exit.BudgetSpent || exit instanceof Exit.Watching;
  }

  @Override
  public MemorySegment ram() {
    return memory;
  }

  @Override
  public long readable(long physicalAddress) {
    long page = physicalAddress & -4096;
    if (page >= HIGH_ROM && page < HIGH_ROM + ROM_SIZE) {
      return RAM_SIZE + page - HIGH_ROM;
    }
    if (page >= LOW_ROM && page < LOW_ROM + ROM_SIZE) {
      return RAM_SIZE + page - LOW_ROM;
    }
    return page >= 0 && page < RAM_SIZE ? page : -1;
  }

  @Override
  public long writable(long physicalAddress) {
    long page = readable(physicalAddress);
    return page < RAM_SIZE ? page : -1;
  }

  @Override
  public long read(long physicalAddress, int size) {
    return -1L >>> 64 - 8 * size;
  }

  @Override
  public void write(long physicalAddress, int size, long value) {}

  @Override
  public int in(int port, int size) {
    if (port == 0xfa) {
      return stored;
    }
    return -1 >>> 32 - 8 * size;
  }

  @Override
  public void out(int port, int size, int value) {
    switch (port) {
      case 0xe9 -> console.append((char) value);
      case 0xf4 -> exitValue = value;
      case 0xf8 -> {
        pendingVector = value;
        cpu.state.attention.raise(Attention.INTERRUPT);
      }
      case 0xf9 -> cpu.state.attention.raise(Attention.NMI);
      case 0xfa -> stored = value;
      default -> {}
    }
  }

  @Override
  public boolean pending() {
    return pendingVector >>> 4 > taskPriority && pendingVector >= 0;
  }

  @Override
  public int acknowledge() {
    int vector = pending() ? pendingVector : -1;
    pendingVector = pending() ? -1 : pendingVector;
    return vector;
  }

  @Override
  public int taskPriority() {
    return taskPriority;
  }

  @Override
  public void taskPriority(int priorityClass) {
    taskPriority = priorityClass;
  }

  @Override
  public boolean ownsMsr(int index) {
    return false;
  }

  @Override
  public long readMsr(int index) {
    return 0;
  }

  @Override
  public boolean writeMsr(int index, long value) {
    return false;
  }
}
