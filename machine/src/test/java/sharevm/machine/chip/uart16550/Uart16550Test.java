package sharevm.machine.chip.uart16550;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Trace;

class Uart16550Test {
  private final Bench bench = new Bench();
  private final Bench.Probe line = new Bench.Probe();
  private final StringBuilder output = new StringBuilder();
  private boolean sinkOpen = true;
  private final Uart16550 uart = new Uart16550(this::offer, line, bench.timers, Trace.OFF);

  private boolean offer(int value) {
    if (sinkOpen) {
      output.append((char) value);
    }
    return sinkOpen;
  }

  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int IIR = 2;
  private static final int FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;

  private void set8BitsWithInterrupts(int enable) {
    uart.write(LCR, 0x03);
    uart.write(MCR, 0x0B);
    uart.write(IER, enable);
  }

  @Test
  void looksAsAfterReset() {
    assertThat(uart.read(IER)).isZero();
    assertThat(uart.read(IIR)).isEqualTo(1);
    assertThat(uart.read(LCR)).isZero();
    assertThat(uart.read(MCR)).isZero();
    assertThat(uart.read(LSR)).isEqualTo(0x60);
    assertThat(uart.read(MSR)).isEqualTo(0xB0);
    assertThat(line.level).isFalse();
  }

  @Test
  void divisorLatchHidesDataAndInterruptEnable() {
    uart.write(LCR, 0x83);
    uart.write(DATA, 0x34);
    uart.write(IER, 0x12);
    assertThat(uart.in(DATA, 2)).isEqualTo(0x1234);
    uart.write(LCR, 0x03);
    assertThat(uart.read(IER)).isZero();
    assertThat(output).isEmpty();
  }

  @Test
  void scratchpadKeepsAByte() {
    uart.write(7, 0xA5);
    assertThat(uart.read(7)).isEqualTo(0xA5);
  }

  @Test
  void sendsAndInterruptsWhenEmpty() {
    set8BitsWithInterrupts(2);
    assertThat(line.level).isTrue();
    assertThat(uart.read(IIR)).isEqualTo(0x02);
    assertThat(line.level).as("reading the identification clears it").isFalse();
    assertThat(uart.read(IIR)).isEqualTo(0x01);
    uart.write(DATA, 'H');
    assertThat(line.edges).isEqualTo(2);
    uart.write(DATA, 'i');
    assertThat(line.edges).as("each character falls and rises").isEqualTo(3);
    assertThat(output).hasToString("Hi");
    uart.write(IER, 0);
    assertThat(line.level).isFalse();
    uart.write(IER, 2);
    assertThat(uart.read(IIR)).as("enabling asks again").isEqualTo(0x02);
  }

  @Test
  void out2ConnectsTheInterrupt() {
    uart.write(LCR, 3);
    uart.write(IER, 2);
    assertThat(uart.read(IIR)).isEqualTo(2);
    assertThat(line.level).isFalse();
  }

  @Test
  void aFullSinkMakesABusyLineAndLosesNothingOfAFifo() {
    set8BitsWithInterrupts(0);
    uart.write(FCR, 1);
    sinkOpen = false;
    for (int i = 0; i < 16; i++) {
      uart.write(DATA, 'a' + i);
    }
    assertThat(uart.read(LSR) & 0x60).isZero();
    bench.advance(50_000_000);
    assertThat(output).isEmpty();
    sinkOpen = true;
    bench.advance(2_000_000);
    assertThat(output).hasToString("abcdefghijklmnop");
    assertThat(uart.read(LSR)).isEqualTo(0x60);
  }

  @Test
  void receivesOneCharacterWithoutFifo() {
    set8BitsWithInterrupts(1);
    assertThat(uart.receiveSpace()).isEqualTo(1);
    uart.receive('x');
    uart.receive('y');
    assertThat(uart.receiveSpace()).isZero();
    assertThat(line.level).isTrue();
    assertThat(uart.read(IIR)).isEqualTo(0x04);
    assertThat(uart.read(LSR)).isEqualTo(0x61);
    assertThat(uart.read(DATA)).isEqualTo('x');
    assertThat(line.level).isFalse();
    assertThat(uart.read(LSR)).isEqualTo(0x60);
  }

  @Test
  void fifoTriggersAtItsLevelAndTimesOutBelow() {
    set8BitsWithInterrupts(1);
    uart.write(FCR, 0x81);
    for (int i = 0; i < 7; i++) {
      uart.receive(i);
    }
    assertThat(line.level).isFalse();
    assertThat(uart.read(IIR)).isEqualTo(0xC1);
    bench.advance(1_000_000);
    assertThat(uart.read(IIR)).as("four characters' time").isEqualTo(0xCC);
    assertThat(uart.read(DATA)).isZero();
    assertThat(uart.read(IIR)).isEqualTo(0xC1);
    uart.receive(7);
    uart.receive(8);
    assertThat(uart.read(IIR)).isEqualTo(0xC4);
    assertThat(uart.receiveSpace()).isEqualTo(8);
  }

  @Test
  void tellsWhenThereIsSpaceAgain() {
    List<String> events = new ArrayList<>();
    uart.onSpace(() -> events.add("space"));
    uart.write(LCR, 3);
    uart.write(FCR, 1);
    events.clear();
    uart.receive(1);
    uart.receive(2);
    uart.read(DATA);
    assertThat(events).isEmpty();
    uart.read(DATA);
    assertThat(events).containsExactly("space");
    assertThat(uart.read(DATA)).isZero();
  }

  @Test
  void knowsWhetherTheGuestWaitsForInput() {
    assertThat(uart.awaited()).isFalse();
    // What Linux's driver does when it begins (8250_port.c, serial8250_do_startup).
    uart.write(FCR, 0x07);
    uart.write(FCR, 0x00);
    for (int i = 0; i < 8; i++) {
      uart.read(LSR);
      uart.read(DATA);
      uart.read(IIR);
      uart.read(MSR);
    }
    assertThat(uart.awaited()).isFalse();
    uart.write(1, 0x0F);
    assertThat(uart.awaited()).as("a driver that tries which bits there are").isFalse();
    uart.write(1, 0x00);
    uart.write(MCR, 0x0B);
    uart.write(1, 0x05);
    uart.write(FCR, 0x01);
    assertThat(uart.awaited()).as("the driver still sets the port up").isFalse();
    bench.advance(20_000_000);
    assertThat(uart.awaited()).isTrue();
    uart.write(1, 0x07);
    uart.write(1, 0x05);
    assertThat(uart.awaited()).as("output changes nothing").isTrue();
    uart.write(1, 0x00);
    assertThat(uart.awaited()).isFalse();
    for (int i = 0; i < 40; i++) {
      uart.read(LSR);
      uart.write(DATA, 'x');
    }
    assertThat(uart.awaited()).as("output polls as well, once a character").isFalse();
    for (int i = 0; i < 32; i++) {
      assertThat(uart.awaited()).isFalse();
      uart.read(LSR);
    }
    assertThat(uart.awaited()).as("nothing but input is waited for like that").isTrue();
    uart.write(FCR, 0x07);
    assertThat(uart.awaited()).isFalse();
  }

  @Test
  void loopbackCarriesDataAndModemLines() {
    uart.write(LCR, 3);
    uart.write(MCR, 0x10);
    assertThat(uart.receiveSpace()).as("nothing from outside").isZero();
    uart.read(MSR);
    uart.write(MCR, 0x1A);
    assertThat(uart.read(MSR)).as("CTS and DCD, both changed").isEqualTo(0x99);
    assertThat(uart.read(MSR)).isEqualTo(0x90);
    uart.write(MCR, 0x14);
    uart.read(MSR);
    uart.write(MCR, 0x10);
    assertThat(uart.read(MSR)).as("trailing edge of ring").isEqualTo(0x04);
    uart.write(DATA, 0xAE);
    assertThat(uart.read(DATA)).isEqualTo(0xAE);
    assertThat(output).isEmpty();
  }

  @Test
  void overrunIsToldOnce() {
    uart.write(LCR, 3);
    uart.write(MCR, 0x1B);
    uart.write(IER, 4);
    uart.write(DATA, 1);
    uart.write(DATA, 2);
    assertThat(uart.read(IIR)).isEqualTo(0x06);
    assertThat(uart.read(LSR)).isEqualTo(0x63);
    assertThat(uart.read(LSR)).isEqualTo(0x61);
    assertThat(uart.read(DATA)).as("the newer destroyed the older").isEqualTo(2);
  }

  @Test
  void breakTravelsWithItsCharacter() {
    set8BitsWithInterrupts(5);
    uart.write(FCR, 1);
    uart.receive('a');
    uart.receiveBreak();
    assertThat(uart.read(LSR)).isEqualTo(0xE1);
    assertThat(uart.read(IIR)).isEqualTo(0xC4);
    uart.read(DATA);
    assertThat(uart.read(IIR)).isEqualTo(0xC6);
    assertThat(uart.read(LSR)).isEqualTo(0xF1);
    assertThat(uart.read(LSR)).isEqualTo(0x61);
    assertThat(uart.read(DATA)).isZero();
  }

  @Test
  void fifoControlResetsAndNeedsItsEnable() {
    uart.write(LCR, 3);
    uart.write(FCR, 0xC0);
    assertThat(uart.read(IIR)).isEqualTo(1);
    uart.write(FCR, 0xC1);
    assertThat(uart.read(IIR)).isEqualTo(0xC1);
    uart.receive(1);
    uart.write(FCR, 0xC3);
    assertThat(uart.read(LSR)).isEqualTo(0x60);
    uart.receive(1);
    uart.write(FCR, 0);
    assertThat(uart.read(LSR)).as("switching empties").isEqualTo(0x60);
  }

  @Test
  void enablingTheFifosKeepsTheCharacterThatIsThere() {
    set8BitsWithInterrupts(1);
    uart.receive('c');
    uart.write(FCR, 0x01);
    uart.write(FCR, 0x81);
    uart.receive('a');
    bench.advance(1_000_000);
    assertThat(uart.read(IIR)).isEqualTo(0xCC);
    assertThat(uart.read(DATA)).isEqualTo('c');
    assertThat(uart.read(DATA)).isEqualTo('a');
  }

  @Test
  void shortWordsLoseTheirUpperBits() {
    uart.write(LCR, 0);
    uart.write(DATA, 0xFF);
    assertThat(output.charAt(0)).isEqualTo((char) 0x1F);
  }

  @Test
  void savesAndRestores() {
    set8BitsWithInterrupts(7);
    uart.write(FCR, 0x41);
    uart.write(7, 0x3C);
    sinkOpen = false;
    uart.write(DATA, 'q');
    uart.receive('r');
    uart.receiveBreak();
    StringBuilder second = new StringBuilder();
    Bench.Probe probe = new Bench.Probe();
    Uart16550 other =
        new Uart16550(v -> second.append((char) v) != null, probe, bench.timers, Trace.OFF);
    other.restore(uart.save());
    assertThat(other.save().fields().keySet()).isEqualTo(uart.save().fields().keySet());
    for (int register = 1; register < 8; register++) {
      if (register != LSR) {
        assertThat(other.read(register)).as("register " + register).isEqualTo(uart.read(register));
      }
    }
    assertThat(other.read(DATA)).isEqualTo('r');
    assertThat(other.read(LSR) & 0x10).isEqualTo(0x10);
    bench.advance(2_000_000);
    assertThat(second).hasToString("q");
  }

  @Test
  void survivesAnything() {
    bench.fuzz(Bench.random("uart"), uart, Uart16550.PORTS, 200_000);
  }
}
