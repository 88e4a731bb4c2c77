package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the process ends. */
@Timeout(60)
final class MainTest {
  @Test
  void nothingThatWasSaidIsLostWhenTheProcessEnds() throws IOException, InterruptedException {
    Process process = Outside.start(Outside.sharevm("run", "--help"));
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    // The width is the terminal's where there is one, so only words are compared.
    assertThat(said.split("\\s+")).isEqualTo(Answer.to("run", "--help").out().split("\\s+"));
    assertThat(process.waitFor()).isEqualTo(ExitStatus.DONE);
  }

  @Test
  void theProcessEndsWithTheCommandsStatus() throws IOException, InterruptedException {
    Process process = Outside.start(Outside.sharevm("run", "nobody"));
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("there is no guest 'nobody'");
    assertThat(process.waitFor()).isEqualTo(ExitStatus.USAGE);
  }
}
