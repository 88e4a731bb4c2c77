package sharevm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sharevm.machine.bus.SteppedClock;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class MachineTest {
  /** mov al, 5; out F4h, al; hlt. */
  private static final int[] EXIT_5 = {0xB0, 5, 0xE6, 0xF4, 0xF4};

  /** jmp $. */
  private static final int[] LOOP = {0xEB, 0xFE};

  /** cli; hlt; jmp back. */
  private static final int[] HALT = {0xFA, 0xF4, 0xEB, 0xFC};

  /** int3, without an interrupt table. */
  private static final int[] CRASH = {0xCC};

  @Test
  void theExitPortEndsTheRun() throws InterruptedException {
    assertThat(TinyGuest.machine(EXIT_5).run()).isEqualTo(new Outcome.DebugExit(11));
  }

  @Test
  void theDebugConsoleIsHeard() throws InterruptedException {
    StringBuilder heard = new StringBuilder();
    MachineSpec spec =
        TinyGuest.spec(0xB0, 'o', 0xE6, 0xE9, 0xB0, 'k', 0xE6, 0xE9, 0xE6, 0xF4, 0xF4);
    HostSide host = TinyGuest.host(spec, c -> heard.append((char) c));
    MachineBuilder.build(spec, host, MachineListener.NONE).run();
    assertThat(heard.toString()).isEqualTo("ok");
  }

  @Test
  void aLoopIsStoppedByTimeAndByItsOwner() throws InterruptedException {
    MachineSpec spec = TinyGuest.spec(LOOP).withTimeout(Duration.ofMillis(100));
    Machine timed = MachineBuilder.build(spec, TinyGuest.host(spec, _ -> {}), MachineListener.NONE);
    assertThat(timed.run()).isEqualTo(new Outcome.TimedOut());
    Machine stopped = TinyGuest.machine(LOOP);
    stopped.start();
    Thread.sleep(50);
    stopped.close();
    assertThat(stopped.outcome().join()).isEqualTo(new Outcome.Stopped());
    assertThat(stopped.state()).isEqualTo(Lifecycle.State.ENDED);
    assertThat(stopped.statistics().instructions()).isPositive();
  }

  @Test
  void pausedMachinesStandStill() throws InterruptedException {
    try (Machine machine = TinyGuest.machine(LOOP)) {
      machine.start();
      Thread.sleep(30);
      machine.pause();
      assertThat(machine.state()).isEqualTo(Lifecycle.State.PAUSED);
      long before = machine.statistics().instructions();
      Thread.sleep(30);
      assertThat(machine.statistics().instructions()).isEqualTo(before);
      machine.resume();
      Thread.sleep(30);
      machine.pause();
      assertThat(machine.statistics().instructions()).isGreaterThan(before);
    }
  }

  @Test
  void haltedProcessorsSleepAndCanStillBeStopped() throws InterruptedException {
    Machine machine = TinyGuest.machine(HALT);
    machine.start();
    Thread.sleep(100);
    assertThat(machine.statistics().instructions()).isLessThan(1000);
    machine.close();
    assertThat(machine.outcome().join()).isEqualTo(new Outcome.Stopped());
  }

  /** MWAIT sleeps, and wakes when something else writes to the line that MONITOR watches. */
  @Test
  void waitingForAWriteSleepsUntilItComes() throws InterruptedException {
    // mov ecx, 1A0h; rdmsr; or eax, 1 << 18; wrmsr; mov byte [90000h], 1
    // mov eax, 90000h; xor ecx, ecx; monitor; cmp byte [90000h], 2; je +5; mwait; jmp -24
    // mov al, 3; out F4h, al
    MachineSpec spec =
        TinyGuest.spec(
            0xB9, 0xA0, 0x01, 0, 0, 0x0F, 0x32, 0x0D, 0, 0, 4, 0, 0x0F, 0x30, 0xC6, 0x05, 0, 0, 9,
            0, 1, 0xB8, 0, 0, 9, 0, 0x31, 0xC9, 0x0F, 0x01, 0xC8, 0x80, 0x3D, 0, 0, 9, 0, 2, 0x74,
            5, 0x0F, 0x01, 0xC9, 0xEB, 0xE8, 0xB0, 3, 0xE6, 0xF4);
    HostSide host = TinyGuest.host(spec, _ -> {});
    try (Machine machine = MachineBuilder.build(spec, host, MachineListener.NONE)) {
      machine.start();
      while (host.memory().get(ValueLayout.JAVA_BYTE, 0x90000) != 1) {
        Thread.onSpinWait();
      }
      Thread.sleep(200);
      assertThat(machine.statistics().instructions()).isLessThan(2000);

      host.memory().set(ValueLayout.JAVA_BYTE, 0x90000, (byte) 2);

      assertThat(machine.outcome().join()).isEqualTo(new Outcome.DebugExit(7));
    }
  }

  @Test
  void aTripleFaultIsACrashWithAReport() throws InterruptedException {
    MachineSpec spec = TinyGuest.spec(CRASH).withNoReboot(true);
    Machine machine =
        MachineBuilder.build(spec, TinyGuest.host(spec, _ -> {}), MachineListener.NONE);
    Outcome outcome = machine.run();
    assertThat(outcome).isInstanceOf(Outcome.Crashed.class);
    CrashReport report = ((Outcome.Crashed) outcome).report();
    assertThat(report.reason()).isEqualTo("triple fault");
    assertThat(report.details()).contains("RIP=0000000000100020").contains("code: cc 90");
  }

  @Test
  void aTripleFaultResetsWhereRebootsAreAllowed() throws InterruptedException {
    // inc byte [90000h]; cmp byte [90000h], 3; je +1; int3; mov al, 1; out F4h, al
    MachineSpec spec =
        TinyGuest.spec(
            0xFE, 0x05, 0, 0, 9, 0, 0x80, 0x3D, 0, 0, 9, 0, 3, 0x74, 1, 0xCC, 0xB0, 1, 0xE6, 0xF4,
            0xF4);
    Machine machine =
        MachineBuilder.build(spec, TinyGuest.host(spec, _ -> {}), MachineListener.NONE);
    assertThat(machine.run()).isEqualTo(new Outcome.DebugExit(3));
  }

  @Test
  void endlessResetsAreStoppedByTime() throws InterruptedException {
    MachineSpec spec = TinyGuest.spec(CRASH).withTimeout(Duration.ofMillis(300));
    Machine machine =
        MachineBuilder.build(spec, TinyGuest.host(spec, _ -> {}), MachineListener.NONE);
    assertThat(machine.run()).isEqualTo(new Outcome.TimedOut());
  }

  @Test
  void aBugInADeviceStopsThatMachineOnly() throws InterruptedException {
    MachineSpec spec = TinyGuest.spec(0xE6, 0xE9, 0xF4);
    HostSide host =
        TinyGuest.host(
            spec,
            _ -> {
              throw new IllegalStateException("a bug");
            });
    Outcome outcome = MachineBuilder.build(spec, host, MachineListener.NONE).run();
    CrashReport report = ((Outcome.Crashed) outcome).report();
    assertThat(report.reason()).contains("a bug");
    assertThat(report.cause()).isPresent();
    assertThat(TinyGuest.machine(EXIT_5).run()).isEqualTo(new Outcome.DebugExit(11));
  }

  @Test
  void machinesLiveSideBySide() throws InterruptedException {
    Machine loop = TinyGuest.machine(LOOP);
    loop.start();
    assertThat(TinyGuest.machine(EXIT_5).run()).isEqualTo(new Outcome.DebugExit(11));
    assertThat(loop.state()).isEqualTo(Lifecycle.State.RUNNING);
    loop.close();
  }

  @Test
  void aSavedMachineGoesOnInAnother() throws InterruptedException {
    // mov ecx, 10000000; loop: dec ecx; jnz loop; mov al, 7; out F4h, al; hlt
    int[] code = {0xB9, 0x80, 0x96, 0x98, 0x00, 0x49, 0x75, 0xFD, 0xB0, 7, 0xE6, 0xF4, 0xF4};
    MachineSpec spec = TinyGuest.spec(code);
    HostSide host = TinyGuest.host(spec, _ -> {});
    Snapshot snapshot;
    try (Machine first = MachineBuilder.build(spec, host, MachineListener.NONE)) {
      first.start();
      while (first.statistics().instructions() == 0 && first.state() == Lifecycle.State.RUNNING) {
        Thread.onSpinWait();
      }
      first.pause();
      assertThat(first.state()).isEqualTo(Lifecycle.State.PAUSED);
      snapshot = first.save();
    }
    HostSide second = TinyGuest.host(spec, _ -> {}).continuing(snapshot);
    second.memory().copyFrom(host.memory());
    Machine restored = MachineBuilder.restore(spec, second, MachineListener.NONE, snapshot);
    assertThat(restored.run()).isEqualTo(new Outcome.DebugExit(15));
  }

  @Test
  void countedTimeMakesRunsTheSame() throws InterruptedException {
    // mov ecx, 1000; rdtsc-free loop; out E9h, PIT count low byte; exit
    int[] code = {
      0xB9, 0xE8, 3, 0, 0, 0x49, 0x75, 0xFD, 0x30, 0xC0, 0xE6, 0x43, 0xE4, 0x40, 0xE6, 0xE9, 0xE6,
      0xF4, 0xF4
    };
    assertThat(counted(code)).isEqualTo(counted(code)).isNotEmpty();
  }

  @Test
  void impossibleMachinesAreRefusedInOneLine() throws InterruptedException {
    assertThatThrownBy(() -> MachineSpec.of(1 << 20)).hasMessageContaining("16M to 64G");
    assertThatThrownBy(() -> MachineSpec.of(1L << 50)).hasMessageContaining("16M to 64G");
    assertThatThrownBy(() -> MachineSpec.of(TinyGuest.MEMORY).withCpus(17))
        .hasMessageContaining("1 to 16");
    assertThatThrownBy(() -> MachineSpec.of(TinyGuest.MEMORY).withTimeout(Duration.ZERO))
        .hasMessageContaining("timeout");
  }

  private static String counted(int[] code) throws InterruptedException {
    StringBuilder heard = new StringBuilder();
    MachineSpec spec = TinyGuest.spec(code);
    HostSide host =
        TinyGuest.host(spec, c -> heard.append(c).append(' ')).withClock(new SteppedClock(0), 0);
    MachineBuilder.build(spec, host, MachineListener.NONE).run();
    return heard.toString();
  }
}
