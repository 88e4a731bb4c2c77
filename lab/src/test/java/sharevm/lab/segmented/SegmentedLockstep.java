package sharevm.lab.segmented;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Decoder;
import sharevm.lab.lockstep.Comparison;
import sharevm.lab.lockstep.Difference;
import sharevm.lab.lockstep.GuestPages;
import sharevm.lab.lockstep.GuestText;
import sharevm.lab.lockstep.LockstepPair;
import sharevm.lab.lockstep.RandomState;
import sharevm.lab.segmented.SegmentedMachine.Fault;

/** Two machines in one of the modes, one with the interpreter and one with another engine. */
final class SegmentedLockstep extends LockstepPair<SegmentedProgram> {
  private static final long MOST_INSTRUCTIONS = 30_000;
  private static final int MOST_STOPS = 700;
  private static final int DEBUG = 1;
  private static final int BREAKPOINT = 3;
  private static final int OVERFLOW = 4;
  private static final int PAGE_FAULT = 14;
  private static final int FLOATING_POINT = 16;

  /** Vectors from here on are those of interrupts, after which the program goes on. */
  private static final int INTERRUPTS = 32;

  /** What triple faults are counted as. */
  private static final int SHUTDOWN = -1;

  private static final int INT3 = 0xcc;

  private final SegmentedMachine ours;
  private final SegmentedMachine theirs;
  private SplittableRandom random = new SplittableRandom(0);
  private SegmentedProgram program;
  private int nextFrame;
  private int stops;

  SegmentedLockstep(Cpu.EngineFactory engine) {
    ours = new SegmentedMachine(engine);
    theirs = new SegmentedMachine(Cpu.EngineFactory.INTERPRETER);
  }

  private List<SegmentedMachine> both() {
    return List.of(ours, theirs);
  }

  @Override
  public void run(SegmentedProgram of, long seed) throws Difference {
    program = of;
    random = new SplittableRandom(seed);
    begin();
    start(seed);
    long before = theirs.cpu.engine().retired();
    stops = 0;
    boolean goesOn = true;
    while (goesOn
        && stops < MOST_STOPS
        && theirs.cpu.engine().retired() - before < MOST_INSTRUCTIONS) {
      disturb();
      goesOn = step();
    }
    compare();
    countExecuted(theirs.cpu.engine().retired() - before);
  }

  /** Lets both execute for a while; returns whether the program goes on. */
  private boolean step() throws Difference {
    long budget = random.nextInt(3) == 0 ? random.nextInt(1, 60) : random.nextInt(60, 2500);
    boolean pending = theirs.interruptPending();
    Exit left = ours.run(budget);
    Exit right = theirs.run(budget);
    CpuState s = theirs.cpu.state;
    note(
        "run %d: %s at %x:%x"
            .formatted(budget, right.getClass().getSimpleName(), s.selector[CpuState.CS], s.rip));
    Comparison.same("exit", left.toString(), right.toString());
    return switch (right) {
      case Exit.Halted _ -> handle(fault());
      case Exit.TripleFault _ -> {
        compare();
        stopped(SHUTDOWN);
        tripleFault(pending && !theirs.interruptPending());
        yield true;
      }
      default -> {
        compare();
        yield true;
      }
    };
  }

  private void stopped(int vector) {
    count(vector);
    stops++;
  }

  private Fault fault() throws Difference {
    Fault left = ours.takeFault();
    Fault right = theirs.takeFault();
    note("  %s at %x".formatted(right, theirs.cpu.state.rip));
    Comparison.same("fault", left.toString(), right.toString());
    compare();
    stopped(right.vector());
    return right;
  }

  /** Returns whether the program goes on. */
  private boolean handle(Fault fault) {
    if (fault.vector() == BREAKPOINT) {
      if (!program.has(offset() - 1)) {
        throw new IllegalStateException("the program has gone astray");
      }
      return false;
    }
    if (fault.vector() == DEBUG && random.nextInt(3) == 0) {
      both().forEach(machine -> machine.cpu.state.flagsSystem &= ~Flags.TF);
    }
    if (fault.vector() == FLOATING_POINT) {
      long same = random.nextLong();
      both().forEach(m -> RandomState.setX87(m.cpu.state.x87, new SplittableRandom(same)));
    }
    boolean trap =
        fault.vector() == DEBUG || fault.vector() == OVERFLOW || fault.vector() >= INTERRUPTS;
    if (!trap && !(fault.vector() == PAGE_FAULT && mapped(fault))) {
      skip();
    }
    return true;
  }

  /**
   * What could not be delivered, for want of stack, may have been an exception of the instruction,
   * which is skipped; an interrupt or a trap between two instructions is forgotten.
   *
   * @param taken whether an interrupt was taken, which otherwise would have halted
   */
  private void tripleFault(boolean taken) {
    boolean stepping = (theirs.cpu.state.flagsSystem & Flags.TF) != 0;
    if (stepping) {
      both().forEach(machine -> machine.cpu.state.flagsSystem &= ~Flags.TF);
    } else if (!taken) {
      skip();
    }
  }

  private void compare() throws Difference {
    CpuState left = ours.cpu.state;
    CpuState right = theirs.cpu.state;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      String name = "%sS ".formatted("ECSDFG".charAt(n));
      Comparison.same(name + "selector", left.selector[n], right.selector[n]);
      Comparison.same(name + "base", left.segmentBase[n], right.segmentBase[n]);
      Comparison.same(name + "limit", left.segmentLimit[n], right.segmentLimit[n]);
      Comparison.same(name + "attributes", left.segmentAttributes[n], right.segmentAttributes[n]);
    }
    Comparison.processors(ours.cpu, theirs.cpu);
    Comparison.same("CR0", left.cr0, right.cr0);
    Comparison.same("CR3", left.cr3, right.cr3);
    Comparison.same("DR6", left.dr[6], right.dr[6]);
    Comparison.same("interrupt shadow", "" + left.interruptShadow, "" + right.interruptShadow);
    MemorySegment leftRam = ours.ram();
    MemorySegment rightRam = theirs.ram();
    Comparison.ram(leftRam, rightRam, 0, Layout.TABLES);
    int width = ours.pages() == null ? 8 : ours.pages().width();
    Comparison.tables(leftRam, rightRam, Layout.TABLES, Layout.TABLES_END, width);
    Comparison.ram(leftRam, rightRam, Layout.TABLES_END, Layout.RAM_SIZE);
  }

  // The world around the program.

  private void start(long seed) {
    boolean protect = random.nextInt(4) != 0;
    long stateSeed = random.nextLong();
    for (SegmentedMachine machine : both()) {
      SplittableRandom same = new SplittableRandom(stateSeed);
      MemorySegment ram = machine.ram();
      RandomState.fill(ram, Layout.SCRATCH, Layout.DATA_END, same);
      RandomState.fill(ram, Layout.MORE_FRAMES, Layout.RAM_SIZE, same);
      machine.start(program, protect);
      load(machine);
      if (machine.pages() != null) {
        for (long at = Layout.DATA; at < Layout.DATA_END; at += 4096) {
          machine.pages().entry(at, firstEntry(machine.pages().entry(at), same));
        }
      }
      setState(machine.cpu, same);
    }
    nextFrame = (Layout.DATA_END - Layout.DATA) / 4096;
    note("seed %d, WP %s".formatted(seed, protect));
  }

  private void load(SegmentedMachine machine) {
    byte[] end = new byte[Layout.CODE_END - Layout.CODE];
    Arrays.fill(end, (byte) INT3);
    machine.write(Layout.CODE, end, 0, end.length);
    for (GuestSegment.Range island : program.islands()) {
      int from = (int) island.low();
      int count = (int) (island.high() - island.low()) + 1;
      machine.write(program.setting().code().base() + from, program.code(), from, count);
    }
  }

  /** The entry of a page of data when a program begins. */
  private static long firstEntry(long entry, SplittableRandom random) {
    long missing = random.nextInt(8) == 0 ? GuestPages.PRESENT : 0;
    missing |= random.nextInt(8) == 0 ? GuestPages.WRITABLE : 0;
    missing |= random.nextInt(3) == 0 ? GuestPages.ACCESSED | GuestPages.DIRTY : 0;
    missing |= random.nextInt(3) == 0 ? GuestPages.DIRTY : 0;
    return entry & ~missing;
  }

  private void setState(Cpu cpu, SplittableRandom same) {
    Setting setting = program.setting();
    CpuState s = cpu.state;
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = n < 8 ? same.nextInt() & 0xffff_ffffL : 0;
      RandomState.setXmm(s, n, same);
    }
    RandomState.setMxcsr(s, same);
    RandomState.setX87(s.x87, same);
    // The prologue uses pointers before they are set.
    int[] registers = {CpuState.RBX, CpuState.RDI, CpuState.RBP};
    for (int n : registers) {
      GuestSegment by = setting.usual().get(n == CpuState.RBP ? CpuState.SS : CpuState.DS);
      s.gpr[n] = by.wide().low() + 0x800;
    }
    long high = setting.stackSize() == 2 ? s.gpr[CpuState.RSP] & ~0xffffL : 0;
    s.gpr[CpuState.RSP] = setting.stackTop() | high;
    s.cr2 = 0;
    s.rip = program.entry();
    boolean virtual = setting.mode().kind == SegmentedMode.Kind.VIRTUAL;
    long flags = same.nextInt() & (Flags.STATUS | Flags.IF) | Flags.FIXED;
    flags |= (long) setting.iopl() << Flags.IOPL_SHIFT;
    s.rflags(flags | (virtual ? Flags.VM : 0));
    cpu.contextChanged();
  }

  /** Changes something from outside now and then: mappings, code. */
  private void disturb() {
    long linear = Layout.DATA + 4096L * random.nextInt((Layout.DATA_END - Layout.DATA) / 4096);
    long code = Layout.CODE + 4096L * random.nextInt((Layout.CODE_END - Layout.CODE) / 4096);
    switch (random.nextInt(16)) {
      case 0 -> change("absent", linear, 0, GuestPages.PRESENT);
      case 1 -> change("read-only", linear, 0, GuestPages.WRITABLE);
      case 2 -> change("clean", linear, 0, GuestPages.DIRTY | GuestPages.ACCESSED);
      case 3 -> {
        long frame = SegmentedMachine.frame(nextFrame++);
        change("in frame %x:".formatted(frame), linear, frame, 0xff_ffff_f000L);
      }
      case 4 -> change("read-only code", code, 0, GuestPages.WRITABLE);
      case 5 -> {
        note("flush");
        both().forEach(machine -> machine.cpu.flushTranslations(true));
      }
      case 6, 7 -> {
        if (!program.patches().isEmpty()) {
          long at = program.patches().get(random.nextInt(program.patches().size()));
          byte[] bytes = {(byte) random.nextInt()};
          note("device writes %x at %x".formatted(bytes[0], at));
          long place = program.setting().code().base() + at;
          both().forEach(machine -> machine.write(place, bytes, 0, 1));
        }
      }
      case 8 -> {
        note("interrupt");
        both().forEach(SegmentedMachine::interrupt);
      }
      default -> {}
    }
  }

  private void change(String how, long linear, long set, long cleared) {
    if (program.setting().paging() == null) {
      return;
    }
    note("%s %x".formatted(how, linear));
    for (SegmentedMachine machine : both()) {
      machine.pages().entry(linear, machine.pages().entry(linear) & ~cleared | set);
      machine.cpu.flushPage(linear);
    }
  }

  /**
   * Does what a kernel does at a page fault: gives the page, or the right to write. No flush: the
   * processor has forgotten what it faulted on.
   */
  private boolean mapped(Fault fault) {
    long linear = fault.address() & -4096;
    if (linear < Layout.SCRATCH || linear >= Layout.DATA_END) {
      return false;
    }
    boolean writes = (fault.error() & 2) != 0;
    for (SegmentedMachine machine : both()) {
      long entry = machine.pages().entry(linear) | GuestPages.PRESENT;
      machine.pages().entry(linear, entry | (writes ? GuestPages.WRITABLE : 0));
    }
    return true;
  }

  /** Returns where the program is, as an offset in its usual segment. */
  private long offset() {
    CpuState s = theirs.cpu.state;
    return s.segmentBase[CpuState.CS] + s.rip - program.setting().code().base();
  }

  /**
   * Goes on behind an instruction that cannot be done, or where the program recovers; flags are
   * then 0.
   */
  private void skip() {
    byte[] bytes = theirs.instruction(Decoder.MAX_LENGTH);
    int length = GuestText.length(bytes, theirs.cpu.state.codeSize);
    boolean known = program.has(offset());
    for (SegmentedMachine machine : both()) {
      CpuState s = machine.cpu.state;
      if (known && length > 0) {
        s.rip += length;
      } else {
        machine.jump(program.recovery());
      }
      s.rflags(s.rflags() & ~Flags.STATUS & ~Flags.RF);
    }
    note("  goes on at %x".formatted(theirs.cpu.state.rip));
  }
}
