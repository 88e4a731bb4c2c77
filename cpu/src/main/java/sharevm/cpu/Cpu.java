package sharevm.cpu;

import sharevm.cpu.address.Memory;
import sharevm.cpu.event.Events;
import sharevm.cpu.interpret.Decoders;
import sharevm.cpu.interpret.Interpreter;
import sharevm.cpu.real.SseUnit;
import sharevm.cpu.real.X87Unit;

/**
 * One x86-64 processor: its state, its way to memory and ports, and an engine that executes. All
 * methods are to be called on one thread; only {@link CpuState#attention} may be touched from
 * others.
 */
public final class Cpu {
  /** CPUID.01H:ECX: the operating system uses XSAVE. */
  private static final int OSXSAVE = 1 << 27;

  /** CPUID.01H:ECX: MONITOR and MWAIT. */
  private static final int MONITOR = 1 << 3;

  /**
   * What a processor is built into.
   *
   * @param codePages shared by the processors of a machine
   * @param decoders shared by the processors of a machine
   */
  public record Environment(
      Bus bus,
      InterruptController interrupts,
      Timestamp timestamp,
      CodePages codePages,
      Decoders decoders) {
    /** That of a processor which shares its decoder with no other. */
    public Environment(
        Bus bus, InterruptController interrupts, Timestamp timestamp, CodePages codePages) {
      this(bus, interrupts, timestamp, codePages, new Decoders());
    }
  }

  /** Registers and flags. */
  public final CpuState state;

  /** The way to memory. */
  public final Memory memory;

  /** Physical memory and ports. */
  public final Bus bus;

  /** The local interrupt controller. */
  public final InterruptController interrupts;

  /** What CPUID tells. */
  public final CpuModel model;

  /** Interrupts, exceptions and other events on their way into the guest. */
  public final Events events;

  /** x87 arithmetic; the registers are in {@link CpuState#x87}. */
  public final X87Unit x87 = new X87Unit();

  /** Reports x87 exceptions while CR0.NE is clear. */
  public final FloatErrorPin floatError = new FloatErrorPin();

  /** SSE arithmetic; the registers and MXCSR are in {@link #state}. */
  public final SseUnit sse = new SseUnit();

  /** What the guest sees of the hypervisor. */
  public Hypervisor hypervisor = Hypervisor.NONE;

  /** Who is told what this processor does. */
  public CpuTrace trace = CpuTrace.NONE;

  /** What keeps this processor from writing unseen to pages of which another makes code. */
  public final RamWriter writer;

  /** Makes the engine of a processor, on top of the interpreter that it may leave work to. */
  @FunctionalInterface
  public interface EngineFactory {
    /** The interpreter alone. */
    EngineFactory INTERPRETER = (cpu, interpreter, codePages) -> interpreter;

    /** Makes an engine. */
    Engine create(Cpu cpu, Interpreter interpreter, CodePages codePages);
  }

  /** What MONITOR has armed. */
  public final Monitor monitor;

  private final Environment environment;
  private final Engine engine;

  /**
   * Makes a processor with the interpreter, in its state after power-up (Intel SDM Vol. 3A 10.1.1).
   */
  public Cpu(CpuModel model, Environment environment) {
    this(model, environment, new CpuState(), EngineFactory.INTERPRETER);
  }

  /**
   * Makes one with the interpreter and a state that others, such as its interrupt controller, know
   * already.
   */
  public Cpu(CpuModel model, Environment environment, CpuState state) {
    this(model, environment, state, EngineFactory.INTERPRETER);
  }

  /**
   * Makes one with an engine, and a state that others, such as its interrupt controller, know
   * already.
   */
  public Cpu(CpuModel model, Environment environment, CpuState state, EngineFactory factory) {
    this.state = state;
    this.model = model;
    this.environment = environment;
    this.bus = environment.bus();
    this.interrupts = environment.interrupts();
    this.memory = new Memory(model, state, bus, environment.codePages());
    this.events = new Events(this);
    this.writer = memory.writer();
    this.monitor = new Monitor(bus.ram());
    Interpreter interpreter =
        new Interpreter(this, environment.decoders(), environment.codePages());
    this.engine = factory.create(this, interpreter, environment.codePages());
    Reset.powerUp(this);
  }

  /**
   * Executes instructions until the processor halts, is stopped, crashes or has executed {@code
   * budget} of them. Never throws for anything that a guest does.
   */
  public Exit run(long budget) {
    writer.enter();
    try {
      return engine.run(budget);
    } finally {
      writer.leave();
    }
  }

  /** Returns the engine. */
  public Engine engine() {
    return engine;
  }

  /** Returns the timestamp counter as RDTSC reads it (Intel SDM Vol. 3B 18.17). */
  public long timestamp() {
    return environment.timestamp().count() + state.msr.tscOffset;
  }

  /**
   * Returns by how much that is ahead of the nanoseconds of {@link System#nanoTime} while the
   * processor runs, or {@link Timestamp#NOT_OF_HOST}.
   */
  public long timestampAheadOfHost() {
    long ahead = environment.timestamp().aheadOfHost();
    return ahead == Timestamp.NOT_OF_HOST ? ahead : ahead + state.msr.tscOffset;
  }

  /**
   * Call after CPL, segments, modes, EFLAGS.AC, EFLAGS.VM or control registers changed: derives
   * what depends on them.
   */
  public void contextChanged() {
    state.segmentsChanged();
    memory.contextChanged();
  }

  /**
   * Call after page tables were switched or flushed: forgets all translations, or all but global
   * ones.
   */
  public void flushTranslations(boolean globalToo) {
    if (globalToo) {
      memory.flush();
    } else {
      memory.flushNonGlobal();
    }
    engine.mappingChanged();
  }

  /**
   * Call after CR3 has changed while PCIDs are in use: forgets all translations but global ones.
   *
   * @param keeps whether those of the new PCID may be remembered
   */
  public void enterAddressSpace(boolean keeps) {
    memory.enterSpace(keeps);
    engine.mappingChanged();
  }

  /** Forgets the translation of one linear address. */
  public void flushPage(long linear) {
    memory.flushPage(linear);
    engine.mappingChanged();
  }

  /**
   * Returns EAX, EBX, ECX and EDX as the CPUID instruction gives them now (Intel SDM Vol. 2A
   * CPUID).
   */
  public int[] cpuid(int leaf, int subleaf) {
    boolean ofHypervisor = (leaf & 0xf000_0000) == 0x4000_0000;
    if (ofHypervisor && model.has(CpuFeature.HYPERVISOR)) {
      return hypervisor.cpuid(this, leaf, subleaf);
    }
    int[] words = model.cpuid(leaf, subleaf, state.xcr0);
    if (leaf == 1 && (state.cr4 & Control.CR4_OSXSAVE) != 0) {
      words[2] |= OSXSAVE;
    }
    if (leaf == 1 && !state.msr.monitorEnabled()) {
      words[2] &= ~MONITOR;
    }
    return words;
  }

  /** Returns why the processor does not go on by itself, though nothing stopped it. */
  public Exit idle() {
    if (state.halted && state.watching) {
      state.halted = false;
      return new Exit.Watching();
    }
    return new Exit.Halted();
  }

  /** Call after EFLAGS.IF became set: an interrupt that waited is taken at the next boundary. */
  public void interruptsEnabled() {
    if (interrupts.pending()) {
      state.attention.raise(Attention.INTERRUPT);
    }
  }
}
