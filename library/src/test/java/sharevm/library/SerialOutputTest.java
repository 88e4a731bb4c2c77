package sharevm.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class SerialOutputTest {
  @Test
  void writesEverythingInOrder() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (SerialOutput output = new SerialOutput(bytes, () -> {})) {
      for (int i = 0; i < 300_000; i++) {
        while (!output.offer(i % 251)) {
          Thread.onSpinWait();
        }
      }
    }
    byte[] written = bytes.toByteArray();
    assertThat(written).hasSize(300_000);
    for (int i = 0; i < written.length; i++) {
      if ((written[i] & 0xFF) != i % 251) {
        throw new AssertionError("byte " + i + " is " + written[i]);
      }
    }
  }

  @Test
  void refusesWhatASlowReaderLeavesNoRoomFor() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    OutputStream slow =
        new OutputStream() {
          @Override
          public void write(int value) throws IOException {
            try {
              release.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }
        };
    try (SerialOutput output = new SerialOutput(slow, () -> {})) {
      int taken = 0;
      while (taken < 1 << 20 && output.offer('x')) {
        taken++;
      }
      assertThat(taken).isLessThan(1 << 20);
      release.countDown();
      while (!output.offer('y')) {
        TimeUnit.MILLISECONDS.sleep(1);
      }
    }
  }

  @Test
  void tellsOnceThatTheReaderIsGone() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int value) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    try (SerialOutput output = new SerialOutput(broken, told::countDown)) {
      assertThat(output.offer('x')).isTrue();
      assertThat(told.await(10, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 1 << 20; i++) {
        assertThat(output.offer('y')).isTrue();
      }
    }
  }
}
