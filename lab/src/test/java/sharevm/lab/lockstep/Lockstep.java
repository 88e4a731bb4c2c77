package sharevm.lab.lockstep;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.lab.lockstep.LockstepMachine.Fault;

/**
 * Two machines that execute the same, a few hundred instructions at a time, one by the interpreter
 * and one by another engine, and are compared in full each time and at every exception.
 *
 * <p>Status flags are compared by what programs do with them: translated code does not keep those
 * that are written before anyone reads them.
 */
final class Lockstep extends LockstepPair<Program> {
  private static final long MOST_INSTRUCTIONS = 40_000;
  private static final int MOST_FAULTS = 1_500;
  private static final int MOST_SKIPS = 300;
  private static final int BREAKPOINT = 3;
  private static final int PAGE_FAULT = 14;

  private final GuestMode mode;
  private final LockstepMachine ours;
  private final LockstepMachine theirs;
  private SplittableRandom random = new SplittableRandom(0);
  private int nextFrame;

  Lockstep(GuestMode mode, Supplier<Cpu.EngineFactory> engine) {
    this.mode = mode;
    ours = new LockstepMachine(mode, engine.get());
    theirs = new LockstepMachine(mode, Cpu.EngineFactory.INTERPRETER);
  }

  LockstepMachine ours() {
    return ours;
  }

  private List<LockstepMachine> both() {
    return List.of(ours, theirs);
  }

  @Override
  public void run(Program program, long seed) throws Difference {
    random = new SplittableRandom(seed);
    begin();
    start(program, seed);
    long before = theirs.cpu.engine().retired();
    int faults = 0;
    int skips = 0;
    while (theirs.cpu.engine().retired() - before < MOST_INSTRUCTIONS) {
      disturb(program);
      long budget = random.nextInt(4) == 0 ? random.nextInt(1, 130) : random.nextInt(100, 2500);
      Exit left = ours.run(budget);
      Exit right = theirs.run(budget);
      note(
          "run %d: %s at %x"
              .formatted(budget, right.getClass().getSimpleName(), theirs.cpu.state.rip));
      Comparison.same("exit", left.toString(), right.toString());
      if (right instanceof Exit.Halted) {
        Fault fault = fault();
        boolean handled = fault.vector() == PAGE_FAULT && mapped(fault);
        if (fault.vector() == BREAKPOINT || ++faults > MOST_FAULTS) {
          break;
        }
        if (!handled && (++skips > MOST_SKIPS || !skip())) {
          break;
        }
      }
      compare();
      if (right instanceof Exit.TripleFault) {
        break;
      }
    }
    compare();
    countExecuted(theirs.cpu.engine().retired() - before);
  }

  private Fault fault() throws Difference {
    Fault left = ours.takeFault();
    Fault right = theirs.takeFault();
    note("  %s at %x".formatted(right, theirs.cpu.state.rip));
    Comparison.same("fault", left.toString(), right.toString());
    compare();
    count(right.vector());
    return right;
  }

  private void compare() throws Difference {
    Comparison.processors(ours.cpu, theirs.cpu);
    MemorySegment left = ours.ram();
    MemorySegment right = theirs.ram();
    Comparison.ram(left, right, 0, GuestLayout.TABLES_RAM);
    Comparison.tables(
        left, right, GuestLayout.TABLES_RAM, GuestLayout.CODE_RAM, ours.pages.width());
    Comparison.ram(left, right, GuestLayout.CODE_RAM, GuestLayout.RAM_SIZE);
  }

  // The world around the program.

  private void start(Program program, long seed) {
    boolean smap = random.nextBoolean() && !mode.user;
    boolean globals = random.nextInt(8) != 0;
    boolean protect = random.nextInt(8) != 0;
    long pagesSeed = random.nextLong();
    long stateSeed = random.nextLong();
    for (LockstepMachine machine : both()) {
      SplittableRandom same = new SplittableRandom(pagesSeed);
      fill(machine, same);
      machine.write(GuestLayout.CODE, program.code());
      for (int n = 0; n < GuestLayout.DATA_PAGES; n++) {
        machine.pages.entry(GuestLayout.DATA + 4096L * n, firstEntry(n, same));
      }
      setState(machine, program, smap, globals, protect, new SplittableRandom(stateSeed));
    }
    nextFrame = GuestLayout.DATA_PAGES;
    note("seed %d, SMAP %s, PGE %s, WP %s".formatted(seed, smap, globals, protect));
  }

  private static void fill(LockstepMachine machine, SplittableRandom random) {
    long from = GuestLayout.COUNTERS_RAM;
    RandomState.fill(machine.ram(), from, GuestLayout.RAM_SIZE, random);
    machine.written(from, GuestLayout.RAM_SIZE - from);
  }

  /** The entry of a page of data when a program begins. */
  private long firstEntry(int page, SplittableRandom random) {
    long rights = GuestPages.WRITABLE | (mode.user || random.nextInt(4) == 0 ? GuestPages.USER : 0);
    rights |= random.nextInt(8) != 0 ? GuestPages.PRESENT : 0;
    rights &= random.nextInt(8) != 0 ? -1 : ~GuestPages.WRITABLE;
    rights |= random.nextInt(3) != 0 ? GuestPages.ACCESSED : 0;
    rights |= random.nextInt(3) != 0 ? GuestPages.DIRTY : 0;
    rights |= random.nextInt(4) == 0 ? GuestPages.GLOBAL : 0;
    return frame(page) | rights;
  }

  /** Returns the physical address of one of the frames for data: below and above 4 GiB. */
  private long frame(int number) {
    int low = (GuestLayout.LOW_TOP - GuestLayout.DATA_RAM) / 4096;
    int high = mode.paging == GuestMode.Paging.LEGACY ? 0 : GuestLayout.HIGH_SIZE / 4096;
    int n = number * 7 % (low + high);
    return n < low ? GuestLayout.DATA_RAM + 4096L * n : GuestLayout.HIGH + 4096L * (n - low);
  }

  private void setState(
      LockstepMachine machine,
      Program program,
      boolean smap,
      boolean globals,
      boolean protect,
      SplittableRandom same) {
    CpuState s = machine.cpu.state;
    machine.start(smap, globals, protect);
    machine.based(CpuState.FS, 0x40, -1);
    machine.based(CpuState.GS, 0xff8, same.nextInt(6) == 0 ? 0x7fff_ffff : -1);
    GuestRegisters registers = new GuestRegisters(mode.is64());
    for (int n = 0; n < 16; n++) {
      s.gpr[n] =
          n < registers.count ? mode.is64() ? same.nextLong() : same.nextInt() & 0xffff_ffffL : 0;
      RandomState.setXmm(s, n, same);
    }
    for (int pointer : registers.pointers) {
      s.gpr[pointer] = ProgramMaker.place(same) & (registers.isAligned(pointer) ? -16 : -1);
    }
    for (int index : registers.indexes) {
      s.gpr[index] = same.nextInt(32);
    }
    s.gpr[CpuState.RSP] = GuestLayout.STACK + 4096L * GuestLayout.STACK_PAGES - 512;
    s.gpr[CpuState.RBP] = s.gpr[CpuState.RSP] + 128;
    RandomState.setMxcsr(s, same);
    s.cr2 = 0;
    s.rip = program.entry();
    s.rflags(same.nextInt() & Flags.STATUS | Flags.FIXED);
    RandomState.setX87(s.x87, same);
    machine.cpu.contextChanged();
  }

  /** Changes something from outside now and then: mappings, code. */
  private void disturb(Program program) {
    long linear = GuestLayout.DATA + 4096L * random.nextInt(GuestLayout.DATA_PAGES);
    long code = GuestLayout.CODE + 4096L * random.nextInt(GuestLayout.CODE_PAGES);
    switch (random.nextInt(16)) {
      case 0 -> change("absent", linear, 0, GuestPages.PRESENT);
      case 1 -> change("read-only", linear, 0, GuestPages.WRITABLE);
      case 2 -> change("clean", linear, 0, GuestPages.DIRTY | GuestPages.ACCESSED);
      case 3 -> replace(linear, frame(nextFrame++));
      case 4 -> change("read-only code", code, 0, GuestPages.WRITABLE);
      case 5 -> {
        note("flush");
        both().forEach(machine -> machine.cpu.flushTranslations(true));
      }
      case 6 -> {
        if (!program.patches().isEmpty()) {
          long at = program.patches().get(random.nextInt(program.patches().size()));
          byte[] bytes = {(byte) random.nextInt()};
          note("device writes %x at %x".formatted(bytes[0], at));
          both().forEach(machine -> machine.write(at, bytes));
        }
      }
      default -> {}
    }
  }

  private void change(String how, long linear, long set, long cleared) {
    note("%s %x".formatted(how, linear));
    for (LockstepMachine machine : both()) {
      machine.pages.entry(linear, machine.pages.entry(linear) & ~cleared | set);
      machine.cpu.flushPage(linear);
    }
  }

  private void replace(long linear, long frame) {
    note("%x in frame %x".formatted(linear, frame));
    for (LockstepMachine machine : both()) {
      machine.pages.entry(linear, machine.pages.entry(linear) & 0xfff | frame);
      machine.cpu.flushPage(linear);
    }
  }

  /**
   * Does what a kernel does at a page fault: gives the page, or the right to write, in a frame of
   * its own or the same. No flush: the processor has forgotten what it faulted on.
   */
  private boolean mapped(Fault fault) {
    long linear = fault.address() & -4096;
    boolean data =
        linear >= GuestLayout.DATA && linear < GuestLayout.DATA + 4096L * GuestLayout.DATA_PAGES;
    boolean code =
        linear >= GuestLayout.CODE && linear < GuestLayout.CODE + 4096L * GuestLayout.CODE_PAGES;
    if (!data && !code || (fault.error() & 16) != 0) {
      return false;
    }
    boolean present = (fault.error() & 1) != 0;
    boolean write = (fault.error() & 2) != 0;
    long entry = theirs.pages.entry(linear);
    boolean mayWrite = (entry & GuestPages.WRITABLE) != 0;
    boolean copies = data && present && write && !mayWrite && random.nextBoolean();
    long frame = copies ? frame(nextFrame++) : -1;
    boolean suspends = present && (entry & GuestPages.USER) != 0 && (!write || mayWrite);
    for (LockstepMachine machine : both()) {
      long now = machine.pages.entry(linear) | GuestPages.PRESENT;
      if (mode.user) {
        now |= GuestPages.USER;
      } else if (suspends && !mode.user) {
        machine.cpu.state.flagsSystem |= Flags.AC;
        machine.cpu.contextChanged();
      }
      now |= write && present ? GuestPages.WRITABLE : 0;
      if (copies) {
        machine.copyPage(now & 0xff_ffff_f000L, frame);
        now = now & 0xfff | frame;
      }
      machine.pages.entry(linear, now);
    }
    return true;
  }

  /** Goes on behind an instruction that cannot be done; its flags are then 0. */
  private boolean skip() {
    int length = GuestText.lengthAt(theirs, theirs.cpu.state.rip);
    for (LockstepMachine machine : both()) {
      machine.cpu.state.rip += length;
      machine.cpu.state.rflags(machine.cpu.state.rflags() & ~Flags.STATUS & ~Flags.RF);
    }
    return length > 0;
  }
}
