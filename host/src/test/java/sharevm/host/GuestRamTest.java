package sharevm.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GuestRamTest {
  private static final long MIB = 1L << 20;

  @TempDir private Path folder;

  @Test
  void readsAsZerosAndKeepsWhatIsWritten() throws Exception {
    try (GuestRam ram = GuestRam.allocate(16 * MIB)) {
      MemorySegment memory = ram.segment();
      assertThat(memory.byteSize()).isEqualTo(16 * MIB);
      assertThat(memory.get(JAVA_LONG_UNALIGNED, 16 * MIB - 8)).isZero();
      memory.set(JAVA_LONG_UNALIGNED, 12_345, 0x1122334455667788L);
      assertThat(memory.get(JAVA_LONG_UNALIGNED, 12_345)).isEqualTo(0x1122334455667788L);
    }
  }

  @Test
  void commitsOnlyWhatIsTouched() throws Exception {
    long before = residentKib();
    try (GuestRam ram = GuestRam.allocate(64L << 30)) {
      ram.segment().set(JAVA_BYTE, (64L << 30) - 1, (byte) 1);
      ram.segment().set(JAVA_BYTE, 0, (byte) 1);
      assertThat(residentKib() - before).isLessThan(64 * 1024);
    }
  }

  @Test
  void isGoneWhenClosed() throws Exception {
    GuestRam ram = GuestRam.allocate(16 * MIB);
    MemorySegment memory = ram.segment();
    ram.close();
    ram.close();
    assertThatThrownBy(() -> memory.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aCopyStartsAsTheSavedMemoryAndLeavesItAlone() throws Exception {
    Path file = folder.resolve("saved.ram");
    try (GuestRam ram = GuestRam.allocate(32 * MIB)) {
      ram.segment().set(JAVA_BYTE, 5 * MIB + 17, (byte) 42);
      ram.segment().set(JAVA_BYTE, 32 * MIB - 1, (byte) 43);
      ram.saveTo(file);
    }
    assertThat(Files.size(file)).isEqualTo(32 * MIB);
    for (int round = 0; round < 2; round++) {
      try (GuestRam copy = GuestRam.copyOf(file)) {
        assertThat(copy.segment().get(JAVA_BYTE, 5 * MIB + 17)).isEqualTo((byte) 42);
        assertThat(copy.segment().get(JAVA_BYTE, 32 * MIB - 1)).isEqualTo((byte) 43);
        assertThat(copy.segment().get(JAVA_BYTE, 0)).isZero();
        copy.segment().set(JAVA_BYTE, 5 * MIB + 17, (byte) 99);
        copy.segment().set(JAVA_BYTE, 0, (byte) 99);
      }
    }
  }

  @Test
  void aSaveNeverOverwrites() throws Exception {
    Path file = folder.resolve("saved.ram");
    try (GuestRam ram = GuestRam.allocate(16 * MIB)) {
      ram.saveTo(file);
      assertThatThrownBy(() -> ram.saveTo(file)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void theTemporaryFileLeavesNothingBehind() throws Exception {
    try (FileChannel file = GuestRam.temporaryFile(folder)) {
      assertThat(file.size()).isZero();
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, 4096, (16 << 20) + 1, (65L << 30) + 4096, Long.MIN_VALUE})
  void refusesOtherSizes(long bytes) {
    assertThatThrownBy(() -> GuestRam.allocate(bytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("16 MiB to 65 GiB");
  }

  @Test
  void refusesAMissingSave() {
    assertThatThrownBy(() -> GuestRam.copyOf(folder.resolve("none")))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("none");
  }

  private static long residentKib() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> line.replaceAll("\\D", ""))
          .mapToLong(Long::parseLong)
          .findFirst()
          .orElse(0);
    }
  }

  @Test
  void preparingPagesKeepsWhatTheyHold() throws HostException {
    try (GuestRam ram = GuestRam.allocate(16 * MIB)) {
      ram.segment().set(JAVA_LONG_UNALIGNED, 5000, 42);
      ram.prepare(4990, 70_000);
      assertThat(ram.segment().get(JAVA_LONG_UNALIGNED, 5000)).isEqualTo(42);
      assertThat(ram.segment().get(JAVA_LONG_UNALIGNED, 70_000)).isZero();
      assertThatThrownBy(() -> ram.prepare(16 * MIB - 1, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void aCopyMakesNoPagesBeforehand() throws Exception {
    Path file = folder.resolve("saved.ram");
    try (GuestRam ram = GuestRam.allocate(64 * MIB)) {
      ram.segment().set(JAVA_BYTE, MIB, (byte) 42);
      ram.saveTo(file);
    }
    try (GuestRam copy = GuestRam.copyOf(file)) {
      long before = residentKib();
      copy.prepare(0, 64 * MIB);
      assertThat(residentKib() - before).isLessThan(32 << 10);
      assertThat(copy.segment().get(JAVA_BYTE, MIB)).isEqualTo((byte) 42);
    }
  }
}
