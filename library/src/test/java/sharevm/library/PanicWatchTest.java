package sharevm.library;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PanicWatchTest {
  private static boolean panicked(String output) {
    PanicWatch watch = new PanicWatch(_ -> true);
    output.chars().forEach(watch::offer);
    return watch.panicked();
  }

  @Test
  void seesThePanic() {
    assertThat(panicked("[    1.2] Kernel panic - not syncing: VFS: Unable\r\n")).isTrue();
    assertThat(panicked("KernelKernel panic - not syncing")).isTrue();
    assertThat(panicked("Kernel panic - not Kernel panic - not syncing")).isTrue();
    assertThat(panicked("Kernel panic - no syncing")).isFalse();
    assertThat(panicked("a kernel panic")).isFalse();
  }

  @Test
  void aRefusedByteIsOfferedAgain() {
    boolean[] open = {false};
    PanicWatch watch = new PanicWatch(_ -> open[0]);
    for (int value : "Kernel panic - not syncing".chars().toArray()) {
      open[0] = false;
      assertThat(watch.offer(value)).isFalse();
      open[0] = true;
      assertThat(watch.offer(value)).isTrue();
    }
    assertThat(watch.panicked()).isTrue();
    watch.clear();
    assertThat(watch.panicked()).isFalse();
  }
}
