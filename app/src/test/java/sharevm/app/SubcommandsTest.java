package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Describing only the command that is asked for must not be seen from outside. */
final class SubcommandsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "info",
        "create",
        "convert",
        "check",
        "resize",
        "map",
        "compare",
        "snapshot",
        "commit",
        "rebase",
        "serve"
      })
  void theHelpOfADiskCommandIsTheSameHoweverItIsReached(String name) {
    Answer alone = Answer.to("disk", name, "--help");
    Answer amongAll = Answer.to("--verbose", "disk", name, "--help");
    assertThat(alone.status()).isZero();
    assertThat(alone.out()).startsWith("Usage: sharevm disk " + name).contains("--verbose");
    assertThat(alone).isEqualTo(amongAll);
  }

  @ParameterizedTest
  @ValueSource(strings = {"info", "convert", "serve"})
  void theHelpOfDiskNamesAllItsCommands(String name) {
    assertThat(Answer.to("disk", "--help").out()).contains("\n  " + name + " ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "disk"})
  void theHelpNamesAllCommands(String name) {
    Answer answer = Answer.to("--help");
    assertThat(answer.out()).contains("\n  " + name + " ").doesNotContain("warm-up");
  }
}
