package sharevm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CpuModelTest {
  private static String text(int... words) {
    ByteBuffer buffer = ByteBuffer.allocate(words.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : words) {
      buffer.putInt(word);
    }
    return new String(buffer.array(), StandardCharsets.US_ASCII);
  }

  @Test
  void standardModelIsOfLevel2AndKnowsNoSpeculation() {
    CpuModel model = CpuModel.standard();

    int[] vendor = model.cpuid(0, 0, 3);
    int[] identity = model.cpuid(1, 0, 3);

    assertThat(text(vendor[1], vendor[3], vendor[2])).isEqualTo("GenuineIntel");
    assertThat(identity[0] >> 8 & 0xf).isEqualTo(6);
    assertThat(identity[0] >> 12 & 0xf0 | identity[0] >> 4 & 0xf).isEqualTo(0x36);
    // CMOV, CX8, FPU, FXSR, MMX, SSE, SSE2; CX16, POPCNT, SSE3, SSE4.1, SSE4.2, SSSE3; LAHF: level
    // v2 of the x86-64 psABI.
    assertThat(identity[3] & 0x0780_8101).isEqualTo(0x0780_8101);
    assertThat(identity[2] & 0x0098_2201).isEqualTo(0x0098_2201);
    assertThat(model.cpuid(0x8000_0001, 0, 3)[2] & 1).isEqualTo(1);
  }

  @Test
  void brandIsThreeLeavesOfText() {
    CpuModel model = CpuModel.standard();

    StringBuilder brand = new StringBuilder();
    for (int leaf = 0x8000_0002; leaf <= 0x8000_0004; leaf++) {
      brand.append(text(model.cpuid(leaf, 0, 3)));
    }

    assertThat(brand.toString()).startsWith("ShareVM Virtual Processor\0").hasSize(48);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7, 8, 16})
  void topologyLeavesAgree(int count) {
    for (int number = 0; number < count; number++) {
      CpuModel model = CpuModel.standard().at(number, count);

      int[] identity = model.cpuid(1, 0, 3);
      int[] threads = model.cpuid(0xb, 0, 3);
      int[] cores = model.cpuid(0xb, 1, 3);
      int mostCores = (model.cpuid(4, 0, 3)[0] >>> 26) + 1;

      assertThat(identity[1] >>> 24).isEqualTo(number);
      assertThat(identity[1] >> 16 & 0xff).isEqualTo(count);
      assertThat((identity[3] >> 28 & 1) == 1).isEqualTo(count > 1);
      assertThat(threads).containsExactly(0, 1, 0x100, number);
      assertThat(cores[1]).isEqualTo(count);
      assertThat(cores[3]).isEqualTo(number);
      assertThat(mostCores).isGreaterThanOrEqualTo(count).isEqualTo(1 << cores[0]);
    }
  }

  @Test
  void clocksAreARatioThatGivesTheTimestampsFrequency() {
    CpuModel model = CpuModel.standard().withClocks(1_000_000_000, 24_000_000);

    int[] ratio = model.cpuid(0x15, 0, 3);

    assertThat((long) ratio[2] * ratio[1] / ratio[0]).isEqualTo(1_000_000_000);
    assertThat(model.cpuid(0x16, 0, 3)[0]).isEqualTo(1000);
  }

  @Test
  void leavesBeyondTheLastAreTheLastOrNothing() {
    CpuModel intel = CpuModel.standard();
    CpuModel amd = CpuModel.named("amd64");

    assertThat(intel.cpuid(0x1234, 0, 3)).isEqualTo(intel.cpuid(0x16, 0, 3));
    assertThat(amd.cpuid(0x1234, 0, 3)).containsOnly(0);
    assertThat(intel.cpuid(0x8fff_ffff, 0, 3)).containsOnly(0);
  }

  @Test
  void everyNameIsAModelAndOthersAreRefused() {
    assertThat(CpuModel.names()).hasSizeGreaterThanOrEqualTo(3).startsWith("standard");
    for (String name : CpuModel.names()) {
      assertThat(CpuModel.named(name).name()).isEqualTo(name);
    }
    assertThatThrownBy(() -> CpuModel.named("z80"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("z80")
        .hasMessageContaining("standard");
  }
}
