package sharevm.lab.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.cpu.Attention;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Reset;
import sharevm.cpu.Segment;
import sharevm.cpu.address.SegmentLoader;

/**
 * Random bytes as code, in each mode: whatever they do to the guest, nothing may come out of the
 * processor but an exit, and within its budget. Another run: {@code -Dsharevm.seed=N
 * -Dsharevm.randomCode=rounds}.
 */
final class RandomCodeTest {
  private static final int BUDGET = 500;

  /**
   * How often a machine's processor begins anew, at another place: most code soon ends in shutdown.
   */
  private static final int TURNS = 100;

  private static final int PATTERN = 1 << 16;
  private static final int WRITABLE_DATA = 0xc093;
  private static final int CODE = 0x9b;
  private static final int LEVEL_3 = 3 << Segment.DPL_SHIFT;

  /** A mode to start in. */
  enum Start {
    REAL,
    PROTECTED,
    PROTECTED_USER,
    VIRTUAL_8086,
    PAGED,
    LONG,
    LONG_USER
  }

  @ParameterizedTest
  @EnumSource
  void givesAnExit(Start start) {
    long seed = Long.getLong("sharevm.seed", 20_261_122L + start.ordinal());
    int rounds = Integer.getInteger("sharevm.randomCode", 4);
    Random random = new Random(seed);
    for (int round = 0; round < rounds; round++) {
      run(start, seed, round, random.nextLong());
    }
  }

  private static void run(Start start, long seed, int round, long roundSeed) {
    Random random = new Random(roundSeed);
    ProgramMachine machine = new ProgramMachine(new byte[1 << 16], CpuModel.standard());
    fill(machine.ram(), random);
    Cpu cpu = machine.cpu;
    try {
      for (int turn = 0; turn < TURNS; turn++) {
        Reset.powerUp(cpu);
        enter(start, cpu, random);
        long before = cpu.engine().retired();
        cpu.run(BUDGET);
        cpu.state.attention.raise(turn % 2 == 0 ? Attention.NMI : Attention.INTERRUPT);
        cpu.run(BUDGET);
        assertThat(cpu.engine().retired() - before).isLessThanOrEqualTo(2L * BUDGET);
      }
    } catch (RuntimeException | Error thrown) {
      throw new AssertionError(
          "seed "
              + seed
              + ", round "
              + round
              + ", "
              + start
              + ", RIP "
              + Long.toHexString(cpu.state.rip),
          thrown);
    }
  }

  /** Random bytes, with more of the bytes that lead to rarer instructions; RAM repeats them. */
  private static void fill(MemorySegment ram, Random random) {
    byte[] bytes = new byte[PATTERN];
    random.nextBytes(bytes);
    for (int i = random.nextInt(16); i < bytes.length; i += 1 + random.nextInt(16)) {
      bytes[i] = (byte) (random.nextBoolean() ? 0x0f : 0x66);
    }
    for (long at = 0; at < ram.byteSize(); at += PATTERN) {
      MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, at, PATTERN);
    }
  }

  private static void enter(Start start, Cpu cpu, Random random) {
    CpuState s = cpu.state;
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(4 << 20);
    }
    s.rip = random.nextInt(0x10000);
    s.cr4 = (Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT | Control.CR4_OSXSAVE) & cpu.model.cr4();
    s.gdtBase = 0x1000;
    s.idtBase = 0x2000;
    boolean user = start == Start.PROTECTED_USER || start == Start.LONG_USER;
    boolean is64 = start == Start.LONG || start == Start.LONG_USER;
    if (start != Start.REAL) {
      s.cr0 = Control.CR0_PE | Control.CR0_ET | Control.CR0_NE;
      s.cpl = user || start == Start.VIRTUAL_8086 ? 3 : 0;
      for (int n = CpuState.ES; n <= CpuState.GS; n++) {
        int kind =
            n == CpuState.CS ? CODE | (is64 ? Segment.LONG : Segment.DEFAULT_BIG) : WRITABLE_DATA;
        flat(s, n, kind | (user ? LEVEL_3 : 0));
      }
    }
    if (start == Start.VIRTUAL_8086) {
      s.rflags(1 << 17 | 3 << 12);
      for (int n = CpuState.ES; n <= CpuState.GS; n++) {
        SegmentLoader.loadReal(s, n, random.nextInt(0x1000));
      }
    }
    if (is64 || start == Start.PAGED) {
      paging(s, cpu.bus.ram(), is64);
    }
    if (random.nextInt(4) == 0) {
      s.flagsSystem |= 1 << 8;
    }
    cpu.contextChanged();
    cpu.flushTranslations(true);
  }

  private static void flat(CpuState s, int n, int attributes) {
    s.selector[n] = 8 * (n + 1) | s.cpl;
    s.segmentBase[n] = 0;
    s.segmentLimit[n] = -1;
    s.segmentAttributes[n] = attributes;
  }

  /** Large pages over all of RAM; the tables lie in it, so the code destroys them now and then. */
  private static void paging(CpuState s, MemorySegment ram, boolean is64) {
    if (is64) {
      s.efer = Control.EFER_LME | Control.EFER_LMA | Control.EFER_SCE | Control.EFER_NXE;
      s.cr4 |= Control.CR4_PAE;
      ram.set(ValueLayout.JAVA_LONG, 0x3f_d000, 0x3f_e007L);
      ram.set(ValueLayout.JAVA_LONG, 0x3f_e000, 0x3f_f007L);
      ram.set(ValueLayout.JAVA_LONG, 0x3f_f000, 0x87L);
      ram.set(ValueLayout.JAVA_LONG, 0x3f_f008, 0x20_0087L);
    } else {
      s.cr4 |= Control.CR4_PSE;
      ram.set(ValueLayout.JAVA_INT, 0x3f_d000, 0x87);
    }
    s.cr3 = 0x3f_d000;
    s.cr0 |= Control.CR0_PG;
  }
}
