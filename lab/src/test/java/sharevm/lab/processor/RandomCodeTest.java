package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.Attention;
import sharevm.cpu.Bus;
import sharevm.cpu.CodePages;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Segment;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.lab.Engines;
import sharevm.lab.SharedMemory;

/**
 * Random bytes as code, in every mode and with random answers from ports and devices, never make an
 * exception leave the processor and never keep it longer than its budget.
 */
class RandomCodeTest {
  private static final int QUICK_PROGRAMS = 12;
  private static final int LONG_PROGRAMS = 300;
  private static final int RAM_SIZE = 0x10_0000;
  private static final int BUDGET = 3_000;
  private static final int RUNS = 5;

  /** What a budget of instructions may take, with much to spare for a busy host. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final int PAGE_TABLES = 0x1000;
  private static final long LARGE_PAGE = 0xe7;

  /** How the processor is set up before it runs. */
  enum Start {
    REAL,
    VIRTUAL_8086,
    PROTECTED_16,
    PROTECTED_32,
    PROTECTED_32_USER,
    PAGED_32,
    COMPATIBILITY_USER,
    LONG,
    LONG_USER
  }

  /** RAM, and devices that answer anything. */
  private static final class RandomBus implements Bus {
    private final MemorySegment ram = SharedMemory.allocate(RAM_SIZE);
    private final SplittableRandom random;

    RandomBus(SplittableRandom random) {
      this.random = random;
    }

    @Override
    public MemorySegment ram() {
      return ram;
    }

    @Override
    public long readable(long physicalAddress) {
      boolean inside = Long.compareUnsigned(physicalAddress, RAM_SIZE) < 0;
      return inside ? physicalAddress & -4096 : -1;
    }

    @Override
    public long writable(long physicalAddress) {
      return readable(physicalAddress);
    }

    @Override
    public long read(long physicalAddress, int size) {
      return random.nextLong() >>> 64 - 8 * size;
    }

    @Override
    public void write(long physicalAddress, int size, long value) {}

    @Override
    public int in(int port, int size) {
      return (int) (random.nextLong() >>> 64 - 8 * size);
    }

    @Override
    public void out(int port, int size, int value) {}
  }

  static Stream<Arguments> startsAndEngines() {
    return Stream.of(Start.values())
        .flatMap(start -> Engines.all().stream().map(engine -> Arguments.of(start, engine)));
  }

  @ParameterizedTest
  @MethodSource("startsAndEngines")
  void neitherThrowsNorHangs(Start start, EngineFactory engine) {
    run(start, engine, QUICK_PROGRAMS);
  }

  @ParameterizedTest
  @MethodSource("startsAndEngines")
  @Tag("long")
  void neitherThrowsNorHangsFor(Start start, EngineFactory engine) {
    run(start, engine, LONG_PROGRAMS);
  }

  private static void run(Start start, EngineFactory engine, int programs) {
    long seed = Long.getLong("sharevm.seed", 20261122L);
    List<Opcode> rows = OpcodeTable.load().rows();
    long retired = 0;
    for (int n = 0; n < programs; n++) {
      SplittableRandom random = new SplittableRandom(seed + 1000L * start.ordinal() + n);
      String which = "seed %d, %s, program %d".formatted(seed, start, n);
      Cpu cpu = prepare(start, engine, random, rows);
      Assertions.assertTimeoutPreemptively(
          PATIENCE,
          () -> {
            for (int run = 0; run < RUNS; run++) {
              cpu.run(BUDGET);
              wake(cpu, random);
            }
          },
          which);
      retired += cpu.engine().retired();
    }
    assertThat(retired).as("instructions that were executed").isGreaterThan(programs);
  }

  /** After a halt or a shutdown it goes on somewhere else, perhaps interrupted. */
  private static void wake(Cpu cpu, SplittableRandom random) {
    cpu.state.halted = false;
    switch (random.nextInt(4)) {
      case 0 -> cpu.state.attention.raise(Attention.NMI);
      case 1 -> cpu.state.attention.raise(Attention.INTERRUPT);
      default -> {}
    }
    cpu.state.rip = random.nextInt(0x8000);
  }

  private static Cpu prepare(
      Start start, EngineFactory engine, SplittableRandom random, List<Opcode> rows) {
    RandomBus bus = new RandomBus(random.split());
    fill(bus.ram, start, random, rows);
    Cpu cpu =
        new Cpu(
            CpuModel.standard(),
            new Cpu.Environment(bus, new NoInterrupts(), () -> 0L, new CodePages(RAM_SIZE)),
            new CpuState(),
            engine);
    CpuState s = cpu.state;
    boolean user = start.name().endsWith("USER") || start == Start.VIRTUAL_8086;
    boolean longMode = start.name().startsWith("LONG") || start == Start.COMPATIBILITY_USER;
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(RAM_SIZE);
    }
    if (start != Start.REAL) {
      s.cr0 |= Control.CR0_PE | (random.nextInt(2) == 0 ? Control.CR0_NE | Control.CR0_WP : 0);
    }
    s.cr4 = Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT | Control.CR4_OSXSAVE;
    if (longMode) {
      s.cr0 |= Control.CR0_PG;
      s.cr3 = PAGE_TABLES;
      s.cr4 |= Control.CR4_PAE | Control.CR4_FSGSBASE;
      s.efer = Control.EFER_LME | Control.EFER_LMA | Control.EFER_SCE | Control.EFER_NXE;
    }
    if (start == Start.PAGED_32) {
      s.cr0 |= Control.CR0_PG;
      s.cr3 = PAGE_TABLES;
      s.cr4 |= Control.CR4_PSE;
    }
    s.cpl = user ? 3 : 0;
    segments(s, start);
    s.gdtBase = random.nextInt(RAM_SIZE);
    s.idtBase = random.nextInt(RAM_SIZE);
    s.gdtLimit = 0xffff;
    s.idtLimit = 0xfff;
    s.rip = 0x4000;
    s.rflags(
        random.nextLong() & Flags.STATUS
            | Flags.FIXED
            | (random.nextInt(8) == 0 ? Flags.TF : 0)
            | (start == Start.VIRTUAL_8086 ? Flags.VM | Flags.IOPL : 0));
    if (random.nextInt(4) == 0) {
      s.dr[random.nextInt(4)] = random.nextInt(RAM_SIZE);
      s.dr[7] = random.nextInt() & 0xffff_0000L | random.nextInt(256) | 0x400;
    }
    cpu.contextChanged();
    cpu.flushTranslations(true);
    return cpu;
  }

  private static void segments(CpuState s, Start start) {
    boolean real = start == Start.REAL || start == Start.VIRTUAL_8086;
    int dpl = s.cpl << Segment.DPL_SHIFT;
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      int attributes = Segment.REAL_DATA | dpl;
      if (n == CpuState.CS) {
        attributes |= Segment.CODE;
        attributes |= start.name().startsWith("LONG") ? Segment.LONG : 0;
      }
      if (!real && start != Start.PROTECTED_16 && (attributes & Segment.LONG) == 0) {
        attributes |= Segment.DEFAULT_BIG | Segment.GRANULAR;
      }
      s.selector[n] = real ? 0 : 8 | s.cpl;
      s.segmentBase[n] = 0;
      s.segmentLimit[n] = real ? 0xffff : -1;
      s.segmentAttributes[n] = attributes;
    }
  }

  /**
   * Half of the RAM is noise, half is instructions as the table has them; page tables map it onto
   * itself.
   */
  private static void fill(
      MemorySegment ram, Start start, SplittableRandom random, List<Opcode> rows) {
    byte[] bytes = new byte[RAM_SIZE];
    random.nextBytes(bytes);
    Mode mode = start.name().startsWith("LONG") ? Mode.LONG : Mode.COMPATIBILITY;
    for (int at = 0x4000; at < 0x8000; ) {
      Opcode row = rows.get(random.nextInt(rows.size()));
      if (CaseGenerator.existsIn(row, mode)) {
        byte[] code = CaseGenerator.make(row, mode, random.nextLong(), 0, HostKind.COMPLETE).code();
        System.arraycopy(code, 0, bytes, at, code.length);
        at += code.length;
      }
    }
    MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, 0, bytes.length);
    ram.asSlice(PAGE_TABLES, 0x3000).fill((byte) 0);
    if (start == Start.PAGED_32) {
      ram.set(ValueLayout.JAVA_INT, PAGE_TABLES, (int) LARGE_PAGE);
      return;
    }
    ram.set(ValueLayout.JAVA_LONG, PAGE_TABLES, PAGE_TABLES + 0x1000 | 7);
    ram.set(ValueLayout.JAVA_LONG, PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2000 | 7);
    for (int n = 0; n < 4; n++) {
      ram.set(ValueLayout.JAVA_LONG, PAGE_TABLES + 0x2000 + 8 * n, ((long) n << 21) | LARGE_PAGE);
    }
  }
}
