package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.instruction.FloatGuard;

/** Which of #UD, #NM, #MF and FERR# keeps a floating-point instruction from being executed. */
final class FloatGuardTest {
  private final Cpu cpu = new TestBus(0x1000).processor();

  private static void expect(int vector, ThrowingCallable instruction) {
    assertThatThrownBy(instruction)
        .isInstanceOfSatisfying(
            GuestFault.class, fault -> assertThat(fault.vector()).isEqualTo(vector));
  }

  private void makePending() {
    cpu.state.x87.setControlWord(0x37f & ~FloatException.INVALID);
    cpu.state.x87.raise(FloatException.INVALID);
  }

  @Test
  void taskSwitchedTrapsEveryUnit() {
    cpu.state.cr0 |= Control.CR0_TS;
    cpu.state.cr4 |= Control.CR4_OSFXSR;
    expect(GuestFault.NM, () -> FloatGuard.x87(cpu));
    expect(GuestFault.NM, () -> FloatGuard.mmx(cpu));
    expect(GuestFault.NM, () -> FloatGuard.sse(cpu.state));
    FloatGuard.await(cpu);
    cpu.state.cr0 |= Control.CR0_MP;
    expect(GuestFault.NM, () -> FloatGuard.await(cpu));
  }

  @Test
  void emulationTrapsX87AndUndefinesTheOthers() {
    cpu.state.cr0 |= Control.CR0_EM;
    cpu.state.cr4 |= Control.CR4_OSFXSR;
    expect(GuestFault.NM, () -> FloatGuard.x87NoWait(cpu.state));
    expect(GuestFault.UD, () -> FloatGuard.mmx(cpu));
    expect(GuestFault.UD, () -> FloatGuard.sse(cpu.state));
  }

  @Test
  void sseNeedsAnOperatingSystemThatSavesIt() {
    expect(GuestFault.UD, () -> FloatGuard.sse(cpu.state));
  }

  @Test
  void pendingExceptionIsAFaultWithNumericErrorsOn() {
    cpu.state.cr0 |= Control.CR0_NE;
    makePending();
    expect(GuestFault.MF, () -> FloatGuard.x87(cpu));
    expect(GuestFault.MF, () -> FloatGuard.mmx(cpu));
    expect(GuestFault.MF, () -> FloatGuard.await(cpu));
    FloatGuard.x87NoWait(cpu.state);
  }

  @Test
  void pendingExceptionAssertsFerrWithNumericErrorsOff() {
    AtomicInteger asserted = new AtomicInteger();
    cpu.floatError.connect(asserted::incrementAndGet);
    makePending();
    FloatGuard.x87(cpu);
    assertThat(asserted).hasValue(1);
    cpu.floatError.ignore();
    FloatGuard.x87(cpu);
    assertThat(asserted).hasValue(1);
    cpu.floatError.errorCleared();
    FloatGuard.x87(cpu);
    assertThat(asserted).hasValue(2);
  }

  @Test
  void simdExceptionNeedsAnOperatingSystemThatExpectsIt() {
    assertThat(FloatGuard.simdException(cpu.state).vector()).isEqualTo(GuestFault.UD);
    cpu.state.cr4 |= Control.CR4_OSXMMEXCPT;
    assertThat(FloatGuard.simdException(cpu.state).vector()).isEqualTo(GuestFault.XM);
  }
}
