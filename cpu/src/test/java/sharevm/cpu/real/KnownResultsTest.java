package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Results that need no hardware to be known. */
final class KnownResultsTest {
  private static final int ROUND_DOWN = 0x77f;
  private static final int ROUND_UP = 0xb7f;
  private static final double MOST_ERROR = 1.5 / 4096;

  private final X87Unit unit = new X87Unit();
  private final Real a = new Real();
  private final Real b = new Real();

  @BeforeEach
  void defaults() {
    unit.context().setControl(0x37f);
  }

  private String result() {
    X87Context context = unit.context();
    return String.format("%04x:%016x", context.signExponent(), context.significand());
  }

  private static String constant(X87Constant constant, int control) {
    return String.format("%04x:%016x", constant.signExponent(), constant.significand(control));
  }

  @Test
  void logarithmOfTenIsTheConstantInEveryRounding() {
    for (int control : new int[] {0x37f, ROUND_DOWN, ROUND_UP, 0xf7f}) {
      unit.context().setControl(control);
      a.setInteger(10);
      b.setInteger(1);
      unit.transcendental().yLog2(a, b);
      assertThat(result()).isEqualTo(constant(X87Constant.FLDL2T, control));
      assertThat(unit.context().raised()).isEqualTo(FloatException.PRECISION);
    }
  }

  @Test
  void angleOfTheNegativeAxisIsPiInEveryRounding() {
    for (int control : new int[] {0x37f, ROUND_DOWN, ROUND_UP, 0xf7f}) {
      unit.context().setControl(control);
      a.setInteger(0);
      b.setInteger(-1);
      unit.transcendental().arcTangent(a, b);
      // The constant rounded up is that rounded to nearest: pi is just below it.
      assertThat(result()).isEqualTo(constant(X87Constant.FLDPI, control));
    }
  }

  @Test
  void logarithmOfAPowerOfTwoIsExact() {
    a.setInteger(1L << 40);
    b.setInteger(3);
    unit.transcendental().yLog2(a, b);
    assertThat(result()).isEqualTo("4005:f000000000000000");
  }

  @Test
  void powerOfTwoAtItsBounds() {
    a.setInteger(1);
    unit.transcendental().powerOfTwoLessOne(a);
    assertThat(result()).isEqualTo("3fff:8000000000000000");
    a.setInteger(-1);
    unit.transcendental().powerOfTwoLessOne(a);
    assertThat(result()).isEqualTo("bffe:8000000000000000");
  }

  @Test
  void sineOfALittleAngleIsJustBelowIt() {
    a.setExtended(0x3f00, Long.MIN_VALUE);
    unit.transcendental().sine(a);
    assertThat(result()).isEqualTo("3f00:8000000000000000");
    unit.context().setControl(ROUND_DOWN);
    unit.transcendental().sine(a);
    assertThat(result()).isEqualTo("3eff:ffffffffffffffff");
  }

  @Test
  void sineOfPiShowsThe66BitsOfPi() {
    a.setExtended(0x4000, 0xc90f_daa2_2168_c235L);
    unit.transcendental().sine(a);
    // C90FDAA22168C234.Ch less ...235h is a negative quarter of the last place.
    assertThat(result()).isEqualTo("bfbf:8000000000000000");
  }

  @Test
  void largestAngleIsTwoToThe63() {
    a.setExtended(0x3fff + 62, -1L);
    assertThat(X87Transcendental.outOfRange(a)).isFalse();
    a.setExtended(0x3fff + 63, Long.MIN_VALUE);
    assertThat(X87Transcendental.outOfRange(a)).isTrue();
  }

  @Test
  void approximateReciprocalsKeepTheirBound() {
    SseSingle singles = new SseUnit().singles();
    for (int bits = 0x3f00_0000; bits < 0x4000_0000; bits += 257) {
      float x = Float.intBitsToFloat(bits);
      double reciprocal = Float.intBitsToFloat(singles.reciprocal(bits));
      double root = Float.intBitsToFloat(singles.reciprocalRoot(bits));
      assertThat(Math.abs(reciprocal * x - 1)).isLessThan(MOST_ERROR);
      assertThat(Math.abs(root * Math.sqrt(x) - 1)).isLessThan(MOST_ERROR);
    }
  }

  @Test
  void approximateReciprocalsOfSpecialValues() {
    SseSingle singles = new SseUnit().singles();
    assertThat(singles.reciprocal(0x8000_0001)).isEqualTo(0xff80_0000);
    assertThat(singles.reciprocal(0x7f80_0000)).isZero();
    assertThat(singles.reciprocal(0x7f00_0000)).isZero();
    assertThat(singles.reciprocal(0x7f80_0001)).isEqualTo(0x7fc0_0001);
    assertThat(singles.reciprocalRoot(0x8000_0000)).isEqualTo(0xff80_0000);
    assertThat(singles.reciprocalRoot(0xbf80_0000)).isEqualTo(0xffc0_0000);
    assertThat(singles.reciprocalRoot(0x7f80_0000)).isZero();
  }
}
