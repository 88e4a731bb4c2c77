package sharevm.cpu.real;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * Runs random cases on this machine's floating-point unit, for tests to compare. They print a seed,
 * and take one by {@code -Dsharevm.seed}.
 *
 * @param <T> what a case is made of: an operation, or a row of the opcode table
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HostFpuComparison<T> {
  private static final int MOST_AT_ONCE = 1_000;

  private HostFpu host;
  private boolean intel;

  @BeforeAll
  void start() {
    Optional<HostFpu> started = HostFpu.start();
    assumeTrue(started.isPresent(), "no x86-64 hardware to compare with, or no gcc");
    host = started.get();
    intel = HostFpu.isIntel();
  }

  @AfterAll
  void stop() throws IOException {
    if (host != null) {
      host.close();
    }
  }

  /** Whether this machine's processor is one of Intel's. */
  final boolean onIntel() {
    return intel;
  }

  /** Makes a random case. */
  abstract FpuCase prepare(T subject, RealSamples samples);

  /** Compares what the hardware made of a case with what we make of it. */
  abstract void check(T subject, FpuCase in, FpuCase out, long seed);

  /** Compares {@code count} cases. */
  final void compare(T subject, int count) {
    long seed = Long.getLong("sharevm.seed", 1) + subject.toString().hashCode();
    RealSamples samples = new RealSamples(seed);
    for (int left = count; left > 0; left -= MOST_AT_ONCE) {
      List<FpuCase> cases = new ArrayList<>();
      for (int i = 0; i < Math.min(left, MOST_AT_ONCE); i++) {
        cases.add(prepare(subject, samples));
      }
      List<FpuCase> answers = host.run(cases);
      for (int i = 0; i < cases.size(); i++) {
        check(subject, cases.get(i), answers.get(i), seed);
      }
    }
  }
}
