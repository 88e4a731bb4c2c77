package sharevm.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Holes as the host tells them. A hole's border may be anywhere up to {@link #UNIT} from data. */
final class SparseFileTest {
  /** More than a block of any usual file system. */
  private static final int UNIT = 1 << 20;

  private static final int DATA_AT = 4 * UNIT;
  private static final int SIZE = 9 * UNIT;

  @TempDir private Path folder;
  private Path path;

  /** A unit of data between holes. */
  @BeforeEach
  void makeAFile() throws IOException {
    assumeTrue(SparseFile.isSupported(), "this host cannot be asked");
    path = folder.resolve("sparse");
    byte[] data = new byte[UNIT];
    Arrays.fill(data, (byte) 1);
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(data), DATA_AT);
      file.write(ByteBuffer.allocate(1), SIZE - 1);
    }
  }

  /** A file system without holes tells so by data everywhere; there is nothing to test then. */
  private static void assumeHoles(SparseFile file) {
    assumeTrue(file.nextData(0) > 0, "this file system has no holes");
  }

  @Test
  void dataBetweenHoles() throws HostException {
    try (SparseFile file = SparseFile.open(path, false)) {
      assumeHoles(file);
      assertThat(file.nextData(0)).isBetween((long) DATA_AT - UNIT, (long) DATA_AT);
      assertThat(file.nextHole(0)).isZero();
      assertThat(file.nextData(DATA_AT + 5)).isEqualTo(DATA_AT + 5);
      long hole = file.nextHole(DATA_AT);
      assertThat(hole).isBetween((long) DATA_AT + UNIT, (long) DATA_AT + 2 * UNIT);
      assertThat(file.nextData(hole)).isBetween(hole + 1, (long) SIZE - 1);
    }
  }

  @Test
  void theEndIsAHole() throws HostException {
    try (SparseFile file = SparseFile.open(path, false)) {
      assertThat(file.nextHole(SIZE - 1)).isEqualTo(SIZE);
      assertThat(file.nextData(SIZE)).isEqualTo(Long.MAX_VALUE);
    }
  }

  @Test
  void aHoleIsMadeAndReadsAsZeroes() throws IOException {
    try (SparseFile file = SparseFile.open(path, true)) {
      assumeHoles(file);
      assumeTrue(file.punch(DATA_AT, UNIT), "this file system makes no holes");
      assertThat(file.nextData(DATA_AT)).isGreaterThan(DATA_AT);
    }
    assertThat(Files.size(path)).isEqualTo(SIZE);
    assertThat(Files.readAllBytes(path)).containsOnly(0);
  }

  @Test
  void noHoleIsMadeInAFileThatIsOpenForReading() throws IOException {
    try (SparseFile file = SparseFile.open(path, false)) {
      assertThat(file.punch(DATA_AT, UNIT)).isFalse();
    }
    assertThat(Files.readAllBytes(path)[DATA_AT]).isEqualTo((byte) 1);
  }

  @Test
  void aFileThatIsNotThere() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> SparseFile.open(missing, false))
        .isInstanceOf(HostException.class)
        .hasMessageContaining(missing.toString());
  }

  @Test
  void severalThreadsAskAtOnce() throws Exception {
    try (SparseFile file = SparseFile.open(path, false);
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      assumeHoles(file);
      Callable<Long> forData = () -> repeated(() -> file.nextData(0));
      Callable<Long> forHoles = () -> repeated(() -> file.nextHole(DATA_AT));
      List<Future<Long>> answers = threads.invokeAll(List.of(forData, forHoles));
      assertThat(answers.get(0).get()).isEqualTo(file.nextData(0));
      assertThat(answers.get(1).get()).isEqualTo(file.nextHole(DATA_AT));
    }
  }

  /** The answer to a question that is asked often, which must be the same each time. */
  private static long repeated(Callable<Long> question) throws Exception {
    List<Long> answers = Stream.generate(() -> ask(question)).limit(2000).distinct().toList();
    assertThat(answers).hasSize(1);
    return answers.getFirst();
  }

  private static long ask(Callable<Long> question) {
    try {
      return question.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
