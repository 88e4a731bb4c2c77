package sharevm.machine.chip.ioapic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.Bench;
import sharevm.machine.bus.Trace;

class IoApicTest {
  private final List<String> sent = new ArrayList<>();
  private final IoApic ioApic =
      new IoApic(
          (destination, logical, mode, vector, level) ->
              sent.add(
                  "%s %x to %x%s%s"
                      .formatted(
                          mode,
                          vector,
                          destination,
                          logical ? " logical" : "",
                          level ? " level" : "")),
          Trace.OFF);

  private void set(int index, int value) {
    ioApic.write(0, 4, index);
    ioApic.write(0x10, 4, value);
  }

  private int get(int index) {
    ioApic.write(0, 1, index);
    return (int) ioApic.read(0x10, 4);
  }

  private void entry(int pin, int high, int low) {
    set(0x11 + 2 * pin, high);
    set(0x10 + 2 * pin, low);
  }

  @Test
  void looksAsAfterReset() {
    assertThat(get(1)).isEqualTo(0x170020);
    assertThat(get(0)).isZero();
    set(0, -1);
    assertThat(get(0)).isEqualTo(0x0F000000);
    assertThat(get(2)).isEqualTo(0x0F000000);
    for (int pin = 0; pin < 24; pin++) {
      assertThat(get(0x10 + 2 * pin)).isEqualTo(0x10000);
    }
    assertThat(get(0x40)).isZero();
    ioApic.input(4).set(true);
    assertThat(sent).isEmpty();
  }

  @Test
  void readOnlyBitsStay() {
    entry(3, -1, -1);
    assertThat(get(0x16)).isEqualTo(0x1AFFF);
    assertThat(get(0x17)).isEqualTo(0xFF000000);
  }

  @Test
  void edgesAreSentOnce() {
    entry(4, 1 << 24, 0x34);
    ioApic.input(4).set(true);
    ioApic.input(4).set(true);
    ioApic.input(4).pulse();
    ioApic.input(4).pulse();
    assertThat(sent).containsExactly("FIXED 34 to 1", "FIXED 34 to 1");
  }

  @Test
  void edgesOnAMaskedInputAreLost() {
    ioApic.input(4).set(true);
    entry(4, 0, 0x34);
    assertThat(sent).isEmpty();
  }

  @Test
  void levelsAreRepeatedAfterTheirEnd() {
    entry(10, 0x0300_0000, 0x0000_A951);
    ioApic.input(10).set(true);
    ioApic.input(10).set(false);
    ioApic.input(10).set(true);
    assertThat(sent).containsExactly("LOWEST_PRIORITY 51 to 3 logical level");
    assertThat(get(0x24)).as("remote IRR").isEqualTo(0x0000_E951);
    ioApic.endOfInterrupt(0x52);
    assertThat(sent).hasSize(1);
    ioApic.endOfInterrupt(0x51);
    assertThat(sent).hasSize(2);
    ioApic.input(10).set(false);
    ioApic.write(0x40, 4, 0x51);
    assertThat(sent).hasSize(2);
    assertThat(get(0x24)).isEqualTo(0x0000_A951);
  }

  @Test
  void unmaskingSendsAnAssertedLevel() {
    entry(10, 0, 0x1_8051);
    ioApic.input(10).set(true);
    assertThat(sent).isEmpty();
    entry(10, 0, 0x8051);
    assertThat(sent).hasSize(1);
    entry(10, 0, 0x1_8051);
    assertThat(get(0x24)).as("the mask leaves remote IRR").isEqualTo(0x1_C051);
    entry(10, 0, 0x1_0051);
    assertThat(get(0x24)).as("edge has none").isEqualTo(0x1_0051);
  }

  @Test
  void otherDeliveryModes() {
    entry(0, 0xFF00_0000, 0x700);
    ioApic.input(0).pulse();
    entry(1, 0, 0x400);
    ioApic.input(1).pulse();
    entry(2, 0, 0x8500);
    ioApic.input(2).set(true);
    entry(3, 0, 0x600);
    ioApic.input(3).pulse();
    assertThat(sent).containsExactly("EXTERNAL 0 to ffffffff", "NMI 0 to 0", "INIT 0 to 0 level");
  }

  @Test
  void savesAndRestores() {
    entry(10, 0, 0x8051);
    ioApic.input(10).set(true);
    IoApic other = new IoApic((_, _, _, vector, _) -> sent.add("other " + vector), Trace.OFF);
    other.restore(ioApic.save());
    other.endOfInterrupt(0x51);
    assertThat(sent.getLast()).isEqualTo("other 81");
    other.write(0, 4, 0x24);
    assertThat(other.read(0x10, 4)).isEqualTo(0xC051);
  }

  @Test
  void survivesAnything() {
    Bench bench = new Bench();
    Random random = Bench.random("ioapic");
    for (int i = 0; i < 2000; i++) {
      ioApic.input(random.nextInt(24)).set(random.nextBoolean());
      bench.fuzz(random, ioApic, IoApic.LENGTH, 20);
      set(random.nextInt(64), random.nextInt());
      ioApic.endOfInterrupt(random.nextInt(256));
    }
  }
}
