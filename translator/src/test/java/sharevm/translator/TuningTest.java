package sharevm.translator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import sharevm.translator.Tuning.Means;

final class TuningTest {
  private static final long MIB = 1 << 20;

  @Test
  void processorsShareTheRoomForCode() {
    Tuning one = Tuning.standard();

    assertThat(one.codeBytes()).isEqualTo(128 * MIB);
    assertThat(one.sharedBy(1).codeBytes()).isEqualTo(128 * MIB);
    assertThat(one.sharedBy(4).codeBytes()).isEqualTo(32 * MIB);
    assertThat(one.sharedBy(16).codeBytes()).isEqualTo(16 * MIB);
  }

  @Test
  void wordsChangeOneThing() {
    Tuning tuning = Tuning.standard().with("traces=off").with("hot=3").with("code=1048576");

    assertThat(tuning.has(Means.TRACES)).isFalse();
    assertThat(tuning.has(Means.CHAINS)).isTrue();
    assertThat(tuning.hot()).isEqualTo(3);
    assertThat(tuning.codeBytes()).isEqualTo(MIB);
  }

  @Test
  void wordsWithoutMeaningAreRefused() {
    for (String words : new String[] {"", "traces", "traces=on", "hot=0", "code=1", "speed=off"}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Tuning.standard().with(words))
          .withMessageContaining("'" + words + "' is no option");
    }
  }
}
