package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
  @Test
  void drawsWhatIsKnown() {
    assertThat(ProgressBar.line("looking", 0, 0)).isEqualTo("looking ...");
    assertThat(ProgressBar.line("fetching k", 5_000_000, 20_000_000))
        .isEqualTo("fetching k [#######.......................]  25% of 20.0 MB");
    assertThat(ProgressBar.line("k", 30, 20)).contains("100%").doesNotContain(".]");
    assertThat(ProgressBar.line("k", -1, 20)).contains("  0%");
  }

  @Test
  void leavesAnEmptyLine() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ProgressBar bar = new ProgressBar(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    bar.end();
    assertThat(bytes.size()).isZero();
    bar.at("k", 1, 2);
    bar.end();
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .startsWith("\r\u001b[Kk [")
        .endsWith("\r\u001b[K");
  }
}
