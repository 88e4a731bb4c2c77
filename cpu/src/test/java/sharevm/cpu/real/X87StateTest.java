package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The x87 registers by themselves: images, tags, MMX aliasing. */
final class X87StateTest {
  private static final long ONE = Long.MIN_VALUE;

  private final X87State state = new X87State();

  @BeforeEach
  void initialize() {
    state.initialize();
  }

  @Test
  void powerUpHasItsOwnControlWord() {
    state.powerUp();
    assertThat(state.controlWord()).isEqualTo(0x40);
    assertThat(state.tagWord()).isEqualTo(0x5555);
  }

  @Test
  void initializationEmptiesTheStack() {
    assertThat(state.controlWord()).isEqualTo(0x37f);
    assertThat(state.statusWord()).isZero();
    assertThat(state.tagWord()).isEqualTo(0xffff);
  }

  @Test
  void tagsTellWhatRegistersHold() {
    for (long significand : new long[] {ONE, 0, ONE | 1, 1}) {
      state.decrementTop();
      int exponent =
          significand == 0 || significand == 1 ? 0 : significand == ONE ? 0x3fff : 0x7fff;
      state.set(0, exponent, significand);
    }
    // Registers 7 to 4: valid, zero, special (a NaN), special (a denormal); the others empty.
    assertThat(state.tagWord()).isEqualTo(0b00_01_10_10_11_11_11_11);
    assertThat(state.abridgedTags()).isEqualTo(0xf0);
  }

  @Test
  void protectedImageOf28Bytes() {
    notePointers();
    int[] words = new int[7];
    state.environment(words, false, true);
    assertThat(words)
        .containsExactly(
            0xffff_037f,
            0xffff_0000,
            0xffff_ffff,
            0x1234_5678,
            0x04c1_0023,
            0x9abc_def0,
            0xffff_002b);
  }

  @Test
  void protectedImageOf14Bytes() {
    notePointers();
    int[] words = new int[7];
    state.environment(words, false, false);
    assertThat(lowHalves(words)).containsExactly(0x37f, 0, 0xffff, 0x5678, 0x23, 0xdef0, 0x2b);
  }

  @Test
  void realModeImageOf28BytesHasLinearAddresses() {
    state.setInstruction(0x5678, 0xf000, 0x4c1);
    state.setData(0xdef0, 0x1000);
    int[] words = new int[7];
    state.environment(words, true, true);
    // F5678h and 1DEF0h: the low halves, then the rest from bit 12 on.
    assertThat(words)
        .containsExactly(
            0xffff_037f, 0xffff_0000, 0xffff_ffff, 0xffff_5678, 0xf4c1, 0xffff_def0, 0x1000);
  }

  @Test
  void realModeImageOf14BytesHasLinearAddresses() {
    state.setInstruction(0x5678, 0xf000, 0x4c1);
    state.setData(0xdef0, 0x1000);
    int[] words = new int[7];
    state.environment(words, true, false);
    assertThat(lowHalves(words)).containsExactly(0x37f, 0, 0xffff, 0x5678, 0xf4c1, 0xdef0, 0x1000);
  }

  @Test
  void everyImageComesBackAsItWas() {
    for (boolean real : new boolean[] {false, true}) {
      for (boolean wide : new boolean[] {false, true}) {
        notePointers();
        int[] words = new int[7];
        state.environment(words, real, wide);
        X87State other = new X87State();
        other.setEnvironment(words, real, wide);
        int[] again = new int[7];
        other.environment(again, real, wide);
        if (wide) {
          assertThat(again).containsExactly(words);
        } else {
          assertThat(lowHalves(again)).containsExactly(lowHalves(words));
        }
      }
    }
  }

  @Test
  void loadingAnUnmaskedExceptionMakesItPending() {
    state.setStatusWord(FloatException.ZERO_DIVIDE);
    assertThat(state.pending()).isFalse();
    state.setControlWord(0x37f & ~FloatException.ZERO_DIVIDE);
    assertThat(state.pending()).isTrue();
    assertThat(state.statusWord()).isEqualTo(0x8084);
    state.clearExceptions();
    assertThat(state.pending()).isFalse();
  }

  @Test
  void mmxRegistersArePhysicalOnes() {
    state.decrementTop();
    state.decrementTop();
    state.set(0, 0x3fff, ONE);
    assertThat(state.mmx(6)).isEqualTo(ONE);
    state.enterMmx();
    state.setMmx(2, 42);
    assertThat(state.top()).isZero();
    assertThat(state.abridgedTags()).isEqualTo(0xff);
    assertThat(state.signExponent(2)).isEqualTo(0xffff);
    assertThat(state.significand(2)).isEqualTo(42);
    state.emptyAll();
    assertThat(state.tagWord()).isEqualTo(0xffff);
  }

  @Test
  void savedStateRestoresEverything() {
    notePointers();
    state.decrementTop();
    state.set(0, 0xc123, 0x8765_4321_0fed_cba9L);
    state.raise(FloatException.PRECISION);
    X87State other = new X87State();
    other.restore(state.save());
    for (int n = 0; n < X87State.LEGACY_WORDS; n++) {
      assertThat(other.legacyWord(n, false)).isEqualTo(state.legacyWord(n, false));
    }
  }

  private void notePointers() {
    state.setInstruction(0x1234_5678L, 0x23, 0x4c1);
    state.setData(0x9abc_def0L, 0x2b);
  }

  private static int[] lowHalves(int[] words) {
    int[] halves = new int[words.length];
    for (int n = 0; n < words.length; n++) {
      halves[n] = words[n] & 0xffff;
    }
    return halves;
  }
}
