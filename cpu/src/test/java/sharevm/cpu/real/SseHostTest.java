package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link SseUnit} against the SSE unit of this machine, bit for bit, with MXCSR and #XM. */
final class SseHostTest extends HostFpuComparison<SseHostTest.Operation> {
  private static final int QUICK_CASES = 2_000;
  private static final int LONG_CASES = 1_000_000;
  private static final long SINGLE = 0xffff_ffffL;

  /** What an instruction reads and where its result goes. */
  enum Kind {
    /** xmm0 and xmm1 to xmm0. */
    VECTOR,
    /** xmm1 to rax. */
    TO_INTEGER,
    /** rax to xmm0. */
    FROM_INTEGER,
    /** xmm0 and xmm1 to EFLAGS. */
    FLAGS
  }

  interface Model {
    long apply(SseUnit unit, long a, long b);
  }

  enum Operation {
    ADDSS(Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0x58, 0xc1), (u, a, b) -> s(u).add((int) a, (int) b)),
    SUBSS(
        Kind.VECTOR,
        4,
        bytes(0xf3, 0x0f, 0x5c, 0xc1),
        (u, a, b) -> s(u).subtract((int) a, (int) b)),
    MULSS(
        Kind.VECTOR,
        4,
        bytes(0xf3, 0x0f, 0x59, 0xc1),
        (u, a, b) -> s(u).multiply((int) a, (int) b)),
    DIVSS(
        Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0x5e, 0xc1), (u, a, b) -> s(u).divide((int) a, (int) b)),
    MINSS(
        Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0x5d, 0xc1), (u, a, b) -> s(u).minimum((int) a, (int) b)),
    MAXSS(
        Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0x5f, 0xc1), (u, a, b) -> s(u).maximum((int) a, (int) b)),
    SQRTSS(Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0x51, 0xc1), (u, a, b) -> s(u).squareRoot((int) b)),
    ADDSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x58, 0xc1), (u, a, b) -> d(u).add(a, b)),
    SUBSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x5c, 0xc1), (u, a, b) -> d(u).subtract(a, b)),
    MULSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x59, 0xc1), (u, a, b) -> d(u).multiply(a, b)),
    DIVSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x5e, 0xc1), (u, a, b) -> d(u).divide(a, b)),
    MINSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x5d, 0xc1), (u, a, b) -> d(u).minimum(a, b)),
    MAXSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x5f, 0xc1), (u, a, b) -> d(u).maximum(a, b)),
    SQRTSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0x51, 0xc1), (u, a, b) -> d(u).squareRoot(b)),
    COMISS(Kind.FLAGS, 4, bytes(0x0f, 0x2f, 0xc1), (u, a, b) -> s(u).order((int) a, (int) b, true)),
    UCOMISS(
        Kind.FLAGS, 4, bytes(0x0f, 0x2e, 0xc1), (u, a, b) -> s(u).order((int) a, (int) b, false)),
    COMISD(Kind.FLAGS, 8, bytes(0x66, 0x0f, 0x2f, 0xc1), (u, a, b) -> d(u).order(a, b, true)),
    UCOMISD(Kind.FLAGS, 8, bytes(0x66, 0x0f, 0x2e, 0xc1), (u, a, b) -> d(u).order(a, b, false)),
    CVTSS2SD(Kind.VECTOR, 8, bytes(0xf3, 0x0f, 0x5a, 0xc1), (u, a, b) -> s(u).toDouble((int) b)),
    CVTSD2SS(Kind.VECTOR, 4, bytes(0xf2, 0x0f, 0x5a, 0xc1), (u, a, b) -> d(u).toSingle(b)),
    CVTSS2SI32(Kind.TO_INTEGER, 4, bytes(0xf3, 0x0f, 0x2d, 0xc1), (u, a, b) -> s(u).toInt((int) b)),
    CVTTSS2SI32(
        Kind.TO_INTEGER,
        4,
        bytes(0xf3, 0x0f, 0x2c, 0xc1),
        (u, a, b) -> s(u).truncateToInt((int) b)),
    CVTSS2SI64(
        Kind.TO_INTEGER, 8, bytes(0xf3, 0x48, 0x0f, 0x2d, 0xc1), (u, a, b) -> s(u).toLong((int) b)),
    CVTTSS2SI64(
        Kind.TO_INTEGER,
        8,
        bytes(0xf3, 0x48, 0x0f, 0x2c, 0xc1),
        (u, a, b) -> s(u).truncateToLong((int) b)),
    CVTSD2SI32(Kind.TO_INTEGER, 4, bytes(0xf2, 0x0f, 0x2d, 0xc1), (u, a, b) -> d(u).toInt(b)),
    CVTTSD2SI32(
        Kind.TO_INTEGER, 4, bytes(0xf2, 0x0f, 0x2c, 0xc1), (u, a, b) -> d(u).truncateToInt(b)),
    CVTSD2SI64(
        Kind.TO_INTEGER, 8, bytes(0xf2, 0x48, 0x0f, 0x2d, 0xc1), (u, a, b) -> d(u).toLong(b)),
    CVTTSD2SI64(
        Kind.TO_INTEGER,
        8,
        bytes(0xf2, 0x48, 0x0f, 0x2c, 0xc1),
        (u, a, b) -> d(u).truncateToLong(b)),
    CVTSI2SS32(
        Kind.FROM_INTEGER, 4, bytes(0xf3, 0x0f, 0x2a, 0xc0), (u, a, b) -> s(u).fromInt((int) a)),
    CVTSI2SS64(
        Kind.FROM_INTEGER, 4, bytes(0xf3, 0x48, 0x0f, 0x2a, 0xc0), (u, a, b) -> s(u).fromLong(a)),
    CVTSI2SD32(
        Kind.FROM_INTEGER, 8, bytes(0xf2, 0x0f, 0x2a, 0xc0), (u, a, b) -> d(u).fromInt((int) a)),
    CVTSI2SD64(
        Kind.FROM_INTEGER, 8, bytes(0xf2, 0x48, 0x0f, 0x2a, 0xc0), (u, a, b) -> d(u).fromLong(a)),
    CMPSS(Kind.VECTOR, 4, bytes(0xf3, 0x0f, 0xc2, 0xc1, -1), null),
    CMPSD(Kind.VECTOR, 8, bytes(0xf2, 0x0f, 0xc2, 0xc1, -1), null),
    ROUNDSS(Kind.VECTOR, 4, bytes(0x66, 0x0f, 0x3a, 0x0a, 0xc1, -1), null),
    ROUNDSD(Kind.VECTOR, 8, bytes(0x66, 0x0f, 0x3a, 0x0b, 0xc1, -1), null),
    DPPS(Kind.VECTOR, 4, bytes(0x66, 0x0f, 0x3a, 0x40, 0xc1, -1), null),
    DPPD(Kind.VECTOR, 8, bytes(0x66, 0x0f, 0x3a, 0x41, 0xc1, -1), null);

    final Kind kind;
    final int width;

    @SuppressWarnings("ImmutableEnumChecker") // never written to
    final int[] code;

    @SuppressWarnings("ImmutableEnumChecker") // functions without state
    final Model model;

    Operation(Kind kind, int width, int[] code, Model model) {
      this.kind = kind;
      this.width = width;
      this.code = code;
      this.model = model;
    }
  }

  private static int[] bytes(int... bytes) {
    return bytes;
  }

  private static SseSingle s(SseUnit unit) {
    return unit.singles();
  }

  private static SseDouble d(SseUnit unit) {
    return unit.doubles();
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithHardware(Operation operation) {
    compare(operation, QUICK_CASES);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void agreesWithHardwareAtLength(Operation operation) {
    compare(operation, LONG_CASES);
  }

  @Override
  FpuCase prepare(Operation operation, RealSamples samples) {
    int[] code = operation.code.clone();
    if (code[code.length - 1] == -1) {
      code[code.length - 1] = immediate(operation, samples.random().nextInt(256));
    }
    boolean wide = operation.width == 8;
    if (operation == Operation.CVTSD2SS || operation == Operation.CVTSS2SD) {
      wide = !wide;
    } else if (operation.kind == Kind.TO_INTEGER) {
      wide = operation.code[0] == 0xf2;
    }
    FpuCase one = new FpuCase().code(code).mxcsr(samples.mxcsr());
    one.rax(samples.integer(samples.random().nextInt(8) == 0 ? 64 : 33));
    for (int i = 0; i < 2; i++) {
      one.xmm(i, element(samples, wide), element(samples, wide));
    }
    if (samples.random().nextInt(4) == 0) {
      one.xmm(1, one.xmmLow(0) + samples.random().nextInt(-1, 2), one.xmmHigh(1));
    }
    return one;
  }

  private static int immediate(Operation operation, int random) {
    return switch (operation) {
      case CMPSS, CMPSD -> random & 7;
      case ROUNDSS, ROUNDSD -> random & 15;
      case DPPS -> random | 15;
      default -> random | 3;
    };
  }

  private static long element(RealSamples samples, boolean wide) {
    return wide ? samples.real64() : samples.single() & SINGLE | (long) samples.single() << 32;
  }

  private static long model(Operation operation, SseUnit unit, FpuCase in, int immediate) {
    long a = in.xmmLow(0);
    long b = in.xmmLow(1);
    return switch (operation) {
      case CMPSS -> s(unit).compare((int) a, (int) b, immediate) ? -1 : 0;
      case CMPSD -> d(unit).compare(a, b, immediate) ? -1 : 0;
      case ROUNDSS -> s(unit).roundToIntegral((int) b, immediate);
      case ROUNDSD -> d(unit).roundToIntegral(b, immediate);
      case DPPS -> s(unit).dotProduct(a, in.xmmHigh(0), b, in.xmmHigh(1), immediate);
      case DPPD -> d(unit).dotProduct(a, in.xmmHigh(0), b, in.xmmHigh(1), immediate);
      default -> operation.model.apply(unit, operation.kind == Kind.FROM_INTEGER ? in.rax() : a, b);
    };
  }

  @Override
  void check(Operation operation, FpuCase in, FpuCase out, long seed) {
    SseUnit unit = new SseUnit();
    int immediate = in.bytes.get(640 + operation.code.length - 1) & 0xff;
    unit.begin(in.mxcsr());
    long result = model(operation, unit, in, immediate);
    boolean faulted = unit.commit();
    long actual =
        switch (operation.kind) {
          case VECTOR, FROM_INTEGER -> out.xmmLow(0);
          case TO_INTEGER -> out.rax();
          case FLAGS -> out.flags() & 0x8d5;
        };
    long mask = operation.width == 8 || operation.kind == Kind.FLAGS ? -1 : SINGLE;
    boolean same =
        faulted || ((result ^ actual) & mask) == 0 || otherNan(operation, in, result, actual);
    if (same && faulted == out.signaled() && unit.mxcsr() == out.mxcsr()) {
      return;
    }
    String ours = describe(faulted, faulted ? 0 : result & mask, unit.mxcsr());
    String hardware = describe(out.signaled(), out.signaled() ? 0 : actual & mask, out.mxcsr());
    assertThat(ours)
        .as(
            "%s xmm0=%016x:%016x xmm1=%016x:%016x rax=%016x mxcsr=%04x imm=%02x seed=%d",
            operation,
            in.xmmHigh(0),
            in.xmmLow(0),
            in.xmmHigh(1),
            in.xmmLow(1),
            in.rax(),
            in.mxcsr(),
            immediate,
            seed)
        .isEqualTo(hardware);
  }

  private boolean otherNan(Operation operation, FpuCase in, long ours, long hardware) {
    long[] sources = {in.xmmLow(0), in.xmmHigh(0), in.xmmLow(1), in.xmmHigh(1)};
    return onIntel()
        && switch (operation) {
          case DPPS -> IntelDifferences.otherNan((int) ours, (int) hardware, sources);
          case DPPD -> IntelDifferences.otherNan(ours, hardware, sources);
          default -> false;
        };
  }

  private static String describe(boolean faulted, long result, int mxcsr) {
    return String.format("fault=%s result=%016x mxcsr=%04x", faulted, result, mxcsr);
  }
}
