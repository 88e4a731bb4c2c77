package sharevm.disk.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Test;

/** What compressing makes of text, noise, and what looks like noise and is none. */
class PackerTest {
  private static final int SIZE = 65536;

  private static byte[] noise(int seed) {
    byte[] block = new byte[SIZE];
    new Random(seed).nextBytes(block);
    return block;
  }

  private static byte[] block(IntFunction<Integer> valueAt) {
    byte[] block = new byte[SIZE];
    for (int i = 0; i < SIZE; i++) {
      block[i] = valueAt.apply(i).byteValue();
    }
    return block;
  }

  private static byte[] text() {
    return block(i -> (int) "the quick brown fox ".charAt(i % 20));
  }

  /** Evenly spread values, and nothing random about them. */
  private static byte[] ramp() {
    return block(i -> i);
  }

  /** Noise that repeats itself within the reach of deflate. */
  private static byte[] repeatedNoise() {
    byte[] block = noise(3);
    System.arraycopy(block, 0, block, SIZE / 4, SIZE / 4);
    return block;
  }

  @Test
  void noiseIsRecognized() {
    for (int seed = 0; seed < 200; seed++) {
      assertThat(Noise.is(noise(seed))).as("seed " + seed).isTrue();
    }
  }

  @Test
  void whatCompressesIsNoNoise() {
    assertThat(Noise.is(text())).isFalse();
    assertThat(Noise.is(ramp())).isFalse();
    assertThat(Noise.is(repeatedNoise())).isFalse();
    assertThat(Noise.is(new byte[SIZE])).isFalse();
    assertThat(Noise.is(new byte[512])).isFalse();
  }

  @Test
  void noiseIsPackedAllTheSameWhereItMustBe() throws Exception {
    try (Packer packer = Deflation.always(SIZE)) {
      for (byte[] block : new byte[][] {noise(1), text(), noise(2), ramp(), repeatedNoise()}) {
        byte[] packed = packer.pack(block);
        assertThat(Arrays.equals(inflate(packed, false), block)).isTrue();
      }
      assertThat(packer.pack(text()).length).isLessThan(SIZE / 50);
      assertThat(packer.pack(noise(4)).length).isBetween(SIZE, SIZE + 100);
    }
  }

  @Test
  void noiseIsGivenUpWhereItMayBe() throws Exception {
    try (Packer packer = Deflation.orNothing(SIZE)) {
      assertThat(packer.pack(noise(1))).isEmpty();
      assertThat(Arrays.equals(inflate(packer.pack(text()), true), text())).isTrue();
      assertThat(packer.pack(noise(2))).isEmpty();
      byte[] repeated = repeatedNoise();
      assertThat(Arrays.equals(inflate(packer.pack(repeated), true), repeated)).isTrue();
    }
  }

  private static byte[] inflate(byte[] packed, boolean bare) throws Exception {
    try (Inflater inflater = new Inflater(bare)) {
      inflater.setInput(packed);
      byte[] out = new byte[SIZE + 1];
      return Arrays.copyOf(out, inflater.inflate(out));
    }
  }
}
