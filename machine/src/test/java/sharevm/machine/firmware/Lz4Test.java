package sharevm.machine.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Lz4Test {
  private static final Path LZ4 = Path.of("/usr/bin/lz4");

  @TempDir Path dir;

  /** Several blocks of 8 MiB each, with matches near and far, long ones, and long literals. */
  @ParameterizedTest
  @ValueSource(strings = {"-1", "-9"})
  void unpacksWhatTheToolPacks(String level) throws Exception {
    assumeTrue(Files.isExecutable(LZ4), "no lz4 (package lz4)");
    byte[] content = content((18 << 20) + 12345);
    Path plain = Files.write(dir.resolve("plain"), content);
    Path packed = dir.resolve("packed");
    Process process =
        new ProcessBuilder(LZ4.toString(), "-q", "-l", level, plain.toString(), packed.toString())
            .inheritIO()
            .start();
    assertThat(process.waitFor()).isZero();

    ByteArrayOutputStream unpacked = new ByteArrayOutputStream(content.length);
    Lz4.unpack(MemorySegment.ofArray(Files.readAllBytes(packed)), content.length, unpacked);

    assertThat(unpacked.toByteArray()).isEqualTo(content);
  }

  @Test
  void refusesMoreThanIsExpected() throws Exception {
    byte[] literals = {0x50, 1, 2, 3, 4, 5};
    Bytes frame = new Bytes().u32(Lz4.LEGACY_MAGIC).u32(literals.length).bytes(literals);
    MemorySegment packed = MemorySegment.ofArray(frame.toArray());

    assertThatIOException()
        .isThrownBy(() -> Lz4.unpack(packed, 4, OutputStream.nullOutputStream()))
        .withMessageContaining("more LZ4 data");
    Lz4.unpack(packed, 5, OutputStream.nullOutputStream());
  }

  private static byte[] content(int size) {
    Random random = new Random(5);
    byte[] bytes = new byte[size];
    for (int at = 0; at < size; ) {
      int length = Math.min(size - at, 1 + random.nextInt(1 << random.nextInt(20)));
      int back = 1 + random.nextInt(1 << random.nextInt(17));
      boolean noise = random.nextInt(4) == 0;
      for (int n = 0; n < length; n++, at++) {
        bytes[at] = noise || at < back ? (byte) random.nextInt() : bytes[at - back];
      }
    }
    return bytes;
  }
}
