package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import sharevm.cpu.Control;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.cpu.Timestamp;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/** Translated code reads the host's clock as Java does, and nothing else changes. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
final class TimestampTest {
  private static final long AHEAD = 1L << 52;
  private static final int BREAKPOINT = 3;
  private static final int GENERAL_PROTECTION = 13;

  /** paddd xmm1, xmm1; rdtsc; shl rdx, 32; or rax, rdx; mov rbx, rax; rdtscp; the same; int3. */
  private static final String TWICE =
      "66 0f fe c9  0f 31  48 c1 e2 20  48 09 d0  48 89 c3  0f 01 f9  48 c1 e2 20  48 09 d0  cc";

  private static final Timestamp OF_HOST =
      new Timestamp() {
        @Override
        public long count() {
          return System.nanoTime() + AHEAD;
        }

        @Override
        public long aheadOfHost() {
          return AHEAD;
        }
      };

  private final LockstepMachine machine = machine(Tuning.standard());

  private static LockstepMachine machine(Tuning tuning) {
    return new LockstepMachine(
        GuestMode.LONG_USER, Translator.factory(tuning.withCodeBytes(1 << 20).withHot(1)), OF_HOST);
  }

  private static LockstepMachine.Fault run(LockstepMachine machine) {
    machine.write(GuestLayout.CODE, HexFormat.of().parseHex(TWICE.replace(" ", "")));
    CpuState s = machine.cpu.state;
    s.rip = GuestLayout.CODE;
    s.gpr[CpuState.RSP] = GuestLayout.STACK + 4096;
    assertThat(machine.run(10_000)).isInstanceOf(Exit.Halted.class);
    return machine.takeFault();
  }

  private void runBetweenLooksAtTheClock(LockstepMachine on) {
    CpuState s = on.cpu.state;
    long before = System.nanoTime() + AHEAD + s.msr.tscOffset;

    assertThat(run(on).vector()).isEqualTo(BREAKPOINT);

    long after = System.nanoTime() + AHEAD + s.msr.tscOffset;
    assertThat(s.gpr[CpuState.RBX]).isBetween(before, after);
    assertThat(s.gpr[CpuState.RAX]).isBetween(s.gpr[CpuState.RBX], after);
    assertThat(s.gpr[CpuState.RCX]).isEqualTo(7);
  }

  @Test
  void countsTheHostsNanoseconds() {
    machine.start(false, true, true);
    machine.cpu.state.msr.tscAux = 7;
    machine.cpu.state.msr.tscOffset = -123_456_789L;

    runBetweenLooksAtTheClock(machine);

    assertThat(machine.cpu.engine().counts()).contains("instructions called 0, instructions 1,");
  }

  @Test
  void countsThemWithoutThatMeansToo() {
    LockstepMachine without = machine(Tuning.standard().without(Tuning.Means.CLOCK));
    without.start(false, true, true);
    without.cpu.state.msr.tscAux = 7;

    runBetweenLooksAtTheClock(without);
  }

  @Test
  void leavesOtherRegistersAlone() {
    machine.start(false, true, true);
    CpuState s = machine.cpu.state;
    for (int n = 0; n < 16; n++) {
      s.gpr[n] = 0x1234_5678_9abc_0000L + n;
      s.xmmLow(n, -n);
      s.xmmHigh(n, n);
    }
    s.xmmLow(1, 0);

    run(machine);

    for (int n = 5; n < 16; n++) {
      assertThat(s.gpr[n]).isEqualTo(0x1234_5678_9abc_0000L + n);
    }
    for (int n = 2; n < 16; n++) {
      assertThat(s.xmmLow(n)).isEqualTo(-n);
      assertThat(s.xmmHigh(n)).isEqualTo(n);
    }
    assertThat(s.xmmHigh(1)).isEqualTo(2);
  }

  @Test
  void faultsWhereUserCodeMayNotReadIt() {
    machine.start(false, true, true);
    machine.cpu.state.cr4 |= Control.CR4_TSD;
    machine.cpu.contextChanged();

    assertThat(run(machine).vector()).isEqualTo(GENERAL_PROTECTION);
  }
}
