package sharevm.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class QuantitiesTest {
  @Test
  void readsSizes() {
    assertThat(Quantities.bytes("512M")).isEqualTo(512L << 20);
    assertThat(Quantities.bytes("64k")).isEqualTo(64L << 10);
    assertThat(Quantities.bytes("2GiB")).isEqualTo(2L << 30);
    assertThat(Quantities.bytes("3gb")).isEqualTo(3L << 30);
    assertThat(Quantities.bytes("1T")).isEqualTo(1L << 40);
    assertThat(Quantities.bytes("0M")).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "512",
        "M",
        "-1M",
        "+1M",
        "1.5G",
        "1 G",
        " 1G",
        "1G ",
        "1e3M",
        "0x10M",
        "1X",
        "1GG",
        "1Gi",
        "٣M",
        "99999999999999999999M",
        "9999999999999T"
      })
  void refusesOtherSizes(String text) {
    assertThatThrownBy(() -> Quantities.bytes(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @Test
  void readsTimes() {
    assertThat(Quantities.time("500ms")).isEqualTo(Duration.ofMillis(500));
    assertThat(Quantities.time("60s")).isEqualTo(Duration.ofMinutes(1));
    assertThat(Quantities.time("5m")).isEqualTo(Duration.ofMinutes(5));
    assertThat(Quantities.time("2h")).isEqualTo(Duration.ofHours(2));
    assertThat(Quantities.time("1d")).isEqualTo(Duration.ofDays(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "60",
        "s",
        "-1s",
        "1.5s",
        "1 s",
        "60S",
        "1w",
        "99999999999999999s",
        "999999999999999d"
      })
  void refusesOtherTimes(String text) {
    assertThatThrownBy(() -> Quantities.time(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'");
  }
}
