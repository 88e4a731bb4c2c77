package sharevm.machine.chip.keyboard8042;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Trace;

class Keyboard8042Test {
  private final Bench.Probe irq1 = new Bench.Probe();
  private final Bench.Probe irq12 = new Bench.Probe();
  private final Bench.Probe a20 = new Bench.Probe();
  private final List<String> events = new ArrayList<>();
  private final Keyboard8042 controller = controller();

  private Keyboard8042 controller() {
    return new Keyboard8042(
        new Keyboard8042.Lines(irq1, irq12, a20),
        () -> events.add("reset"),
        Optional.of(new Keyboard()),
        Trace.OFF);
  }

  private void command(int value) {
    controller.command().write(0, value);
  }

  private void data(int value) {
    controller.data().write(0, value);
  }

  private int status() {
    return controller.command().read(0);
  }

  private String readAll() {
    StringBuilder bytes = new StringBuilder();
    while ((status() & 1) != 0) {
      bytes.append("%02x ".formatted(controller.data().read(0)));
    }
    return bytes.toString().trim();
  }

  @Test
  void selfTestAndInterfaceTests() {
    assertThat(status()).isEqualTo(0x14);
    command(0xAA);
    assertThat(status() & 0x09).isEqualTo(0x09);
    assertThat(readAll()).isEqualTo("55");
    command(0xAB);
    assertThat(readAll()).isEqualTo("00");
    command(0xA9);
    assertThat(readAll()).isEqualTo("00");
  }

  @Test
  void commandByteIsWrittenAndRead() {
    command(0x20);
    assertThat(readAll()).isEqualTo("65");
    command(0x60);
    data(0x74);
    command(0x20);
    assertThat(readAll()).isEqualTo("74");
    command(0xA8);
    command(0xAE);
    command(0x20);
    assertThat(readAll()).isEqualTo("44");
    command(0xA7);
    command(0xAD);
    command(0x20);
    assertThat(readAll()).isEqualTo("74");
    command(0x60);
    data(0x00);
    assertThat(status() & 4).as("system flag").isZero();
    command(0x65);
    data(0x99);
    command(0x25);
    assertThat(readAll()).isEqualTo("99");
  }

  @Test
  void loopsThroughTheOutputBuffer() {
    command(0xD3);
    data(0x5A);
    assertThat(status() & 0x21).isEqualTo(0x21);
    assertThat(irq12.level).as("not enabled").isFalse();
    command(0x60);
    data(0x47);
    assertThat(irq12.level).isTrue();
    assertThat(readAll()).isEqualTo("5a");
    assertThat(irq12.level).isFalse();
    command(0xD2);
    data(0x1C);
    assertThat(irq1.level).isTrue();
    assertThat(status() & 0x21).isEqualTo(0x01);
    assertThat(readAll()).isEqualTo("1c");
  }

  @Test
  void keyboardAnswers() {
    command(0x60);
    data(0x05);
    data(0xFF);
    assertThat(readAll()).isEqualTo("fa aa");
    assertThat(irq1.edges).as("one edge each").isEqualTo(2);
    data(0xF2);
    assertThat(readAll()).isEqualTo("fa ab 83");
    data(0xED);
    assertThat(readAll()).isEqualTo("fa");
    data(0x07);
    assertThat(readAll()).isEqualTo("fa");
    data(0xF0);
    data(0x00);
    assertThat(readAll()).isEqualTo("fa fa 02");
    data(0xEE);
    assertThat(readAll()).isEqualTo("ee");
    data(0xF4);
    assertThat(readAll()).isEqualTo("fa");
    data(0x12);
    assertThat(readAll()).isEqualTo("fe");
    command(0x60);
    data(0x45);
    data(0xF2);
    assertThat(readAll()).as("translated").isEqualTo("fa ab 41");
  }

  @Test
  void whatIsNotPluggedInTimesOut() {
    command(0xD4);
    data(0xF2);
    assertThat(status() & 0x61).isEqualTo(0x61);
    assertThat(readAll()).isEqualTo("fe");
    assertThat(status() & 0x61).isZero();
    Keyboard8042 bare =
        new Keyboard8042(
            new Keyboard8042.Lines(irq1, irq12, a20), () -> {}, Optional.empty(), Trace.OFF);
    bare.data().write(0, 0xFF);
    assertThat(bare.command().read(0) & 0x61).isEqualTo(0x41);
    assertThat(bare.data().read(0)).isEqualTo(0xFE);
  }

  @Test
  void outputPortMovesA20() {
    assertThat(a20.level).isTrue();
    command(0xD0);
    assertThat(readAll()).isEqualTo("03");
    command(0xD1);
    data(0xDD);
    assertThat(a20.level).isFalse();
    command(0xDF);
    assertThat(a20.level).isTrue();
    command(0xDD);
    assertThat(a20.level).isFalse();
    command(0xFF);
    assertThat(events).isEmpty();
  }

  @Test
  void pulsingBitZeroResets() {
    command(0xFE);
    assertThat(events).containsExactly("reset");
    command(0xD1);
    data(0x02);
    assertThat(events).hasSize(2);
  }

  @Test
  void anEmptyBufferRepeatsTheLastByte() {
    command(0xAA);
    controller.data().read(0);
    assertThat(controller.data().read(0)).isEqualTo(0x55);
  }

  @Test
  void savesAndRestores() {
    command(0xDD);
    data(0xED);
    command(0x60);
    Keyboard8042 other = controller();
    other.restore(controller.save());
    assertThat(a20.level).isFalse();
    other.data().write(0, 0x45);
    assertThat(other.data().read(0)).isEqualTo(0xFA);
    other.data().write(0, 0x01);
    assertThat(other.data().read(0)).as("the keyboard waits for its indicators").isEqualTo(0xFA);
  }

  @Test
  void survivesAnything() {
    Bench bench = new Bench();
    var random = Bench.random("8042");
    for (int i = 0; i < 5000; i++) {
      bench.fuzz(random, controller.data(), 1, 5);
      bench.fuzz(random, controller.command(), 1, 5);
    }
  }
}
