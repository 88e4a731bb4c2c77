package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@link X87Unit} against the x87 unit of this machine: results bit for bit, exceptions, condition
 * codes, and whether an unmasked exception leaves the destination alone.
 */
final class X87HostTest extends HostFpuComparison<X87HostTest.Operation> {
  private static final int QUICK_CASES = 1_000;
  private static final int LONG_CASES = 1_000_000;
  private static final int C1 = 0x0200;
  private static final int CONDITIONS = 0x4700;

  /** Where the operand and the result are. */
  enum Kind {
    /** ST(0) and ST(1) to ST(0). */
    STACK,
    /** ST(0) and ST(1) to C3, C2, C0. */
    COMPARE,
    /** Memory, pushed. */
    LOAD,
    /** ST(0) to memory. */
    STORE
  }

  enum Operation {
    FADD(Kind.STACK, 0xd8, 0xc1),
    FSUB(Kind.STACK, 0xd8, 0xe1),
    FSUBR(Kind.STACK, 0xd8, 0xe9),
    FMUL(Kind.STACK, 0xd8, 0xc9),
    FDIV(Kind.STACK, 0xd8, 0xf1),
    FDIVR(Kind.STACK, 0xd8, 0xf9),
    FSQRT(Kind.STACK, 0xd9, 0xfa),
    FRNDINT(Kind.STACK, 0xd9, 0xfc),
    FSCALE(Kind.STACK, 0xd9, 0xfd),
    FXTRACT(Kind.STACK, 0xd9, 0xf4),
    FPREM(Kind.STACK, 0xd9, 0xf8),
    FPREM1(Kind.STACK, 0xd9, 0xf5),
    FCOM(Kind.COMPARE, 0xd8, 0xd1),
    FUCOM(Kind.COMPARE, 0xdd, 0xe1),
    FADD_M32(Kind.STACK, 0xd8, 0x07),
    FDIVR_M64(Kind.STACK, 0xdc, 0x3f),
    FLD_M32(Kind.LOAD, 0xd9, 0x07),
    FLD_M64(Kind.LOAD, 0xdd, 0x07),
    FILD_M16(Kind.LOAD, 0xdf, 0x07),
    FILD_M32(Kind.LOAD, 0xdb, 0x07),
    FILD_M64(Kind.LOAD, 0xdf, 0x2f),
    FBLD(Kind.LOAD, 0xdf, 0x27),
    FST_M32(Kind.STORE, 0xd9, 0x17),
    FST_M64(Kind.STORE, 0xdd, 0x17),
    FIST_M16(Kind.STORE, 0xdf, 0x17),
    FIST_M32(Kind.STORE, 0xdb, 0x17),
    FISTP_M64(Kind.STORE, 0xdf, 0x3f),
    FISTTP_M16(Kind.STORE, 0xdf, 0x0f),
    FISTTP_M32(Kind.STORE, 0xdb, 0x0f),
    FISTTP_M64(Kind.STORE, 0xdd, 0x0f),
    FBSTP(Kind.STORE, 0xdf, 0x37);

    final Kind kind;

    @SuppressWarnings("ImmutableEnumChecker") // never written to
    final int[] code;

    Operation(Kind kind, int... code) {
      this.kind = kind;
      this.code = code;
    }
  }

  private final X87Unit unit = new X87Unit();
  private final Real a = new Real();
  private final Real b = new Real();

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
    FpuCase one = new FpuCase().code(operation.code).control(samples.control()).tags(3);
    int first = samples.signExponent();
    int second = samples.signExponent();
    one.st(0, first, samples.significand(first));
    one.st(1, second, samples.significand(second));
    var random = samples.random();
    if (random.nextInt(4) == 0) {
      int near = Math.floorMod((first & 0x7fff) + random.nextInt(-2, 3), 0x8000);
      one.st(1, random.nextInt(2) << 15 | near, one.significand(0) + random.nextInt(-1, 2));
    } else if (operation == Operation.FSCALE && random.nextInt(2) == 0) {
      one.st(1, random.nextInt(2) << 15 | 16383 + random.nextInt(17), one.significand(1));
    } else if (operation.kind == Kind.STORE && random.nextInt(2) == 0) {
      int edge = random.nextBoolean() ? 1023 : 127;
      int exponent = 16383 + (random.nextBoolean() ? edge : -edge) + random.nextInt(-60, 4);
      one.st(0, random.nextInt(2) << 15 | exponent, samples.significand(exponent));
    }
    one.memory(0, memory(operation, samples));
    if (operation == Operation.FBLD) {
      one.memory(8, decimal(random.nextLong(100)) | random.nextLong(2) << 15);
    }
    return one;
  }

  private static long memory(Operation operation, RealSamples samples) {
    return switch (operation) {
      case FLD_M32, FADD_M32 -> samples.single();
      case FLD_M64, FDIVR_M64 -> samples.real64();
      case FBLD -> decimal(samples.random().nextLong(10_000_000_000_000_000L));
      default -> samples.integer(64);
    };
  }

  private static long decimal(long value) {
    return Long.parseUnsignedLong(Long.toString(value), 16);
  }

  @Override
  void check(Operation operation, FpuCase in, FpuCase out, long seed) {
    X87Context context = unit.context();
    context.setControl(in.control());
    a.setExtended(in.signExponent(0), in.significand(0));
    b.setExtended(in.signExponent(1), in.significand(1));
    int conditions = 0;
    int unreported = 0;
    String ours;
    String hardware;
    if (operation.kind == Kind.STORE) {
      FpuCase expected = new FpuCase();
      expected.bytes.put(0, in.bytes, 0, FpuCase.SIZE);
      store(operation, expected);
      ours = String.format("%016x:%016x", expected.memory(8), expected.memory(0));
      hardware = String.format("%016x:%016x", out.memory(8), out.memory(0));
    } else {
      conditions = operate(operation, in);
      boolean stopped =
          switch (operation.kind) {
            case LOAD -> context.stopsLoad();
            case COMPARE -> true;
            default -> context.stopsRegister();
          };
      boolean stays =
          onIntel()
              && IntelDifferences.denormalStays(
                  operation.name(), in, context.signExponent(), context.significand());
      unreported = stays ? FloatException.UNDERFLOW : 0;
      ours =
          stopped || stays
              ? register(in.signExponent(0), in.significand(0))
              : register(context.signExponent(), context.significand());
      hardware = register(out.signExponent(0), out.significand(0));
      if (operation == Operation.FXTRACT && !stopped) {
        int raised = context.raised();
        unit.arithmetic().deliverExtractedExponent();
        ours += register(context.signExponent(), context.significand()) + raised;
        hardware += register(out.signExponent(1), out.significand(1)) + raised;
      }
    }
    int mask = FloatException.ALL | C1 | CONDITIONS;
    if (operation.kind != Kind.COMPARE
        && operation != Operation.FPREM
        && operation != Operation.FPREM1) {
      // Only C1 is defined after these.
      mask &= ~CONDITIONS | C1;
    }
    int status = context.raised() & ~unreported | (context.roundedUp() ? C1 : 0) | conditions;
    ours += String.format(" status=%04x", status);
    hardware += String.format(" status=%04x", out.status() & mask);
    if (!ours.equals(hardware)) {
      assertThat(ours)
          .as(
              "%s st0=%s st1=%s memory=%016x:%016x control=%04x seed=%d",
              operation,
              register(in.signExponent(0), in.significand(0)),
              register(in.signExponent(1), in.significand(1)),
              in.memory(8),
              in.memory(0),
              in.control(),
              seed)
          .isEqualTo(hardware);
    }
  }

  private static String register(int signExponent, long significand) {
    return String.format("%04x:%016x ", signExponent, significand);
  }

  private int operate(Operation operation, FpuCase in) {
    X87Arithmetic arithmetic = unit.arithmetic();
    X87Conversion conversion = unit.conversion();
    long memory = in.memory(0);
    switch (operation) {
      case FADD -> arithmetic.add(a, b);
      case FSUB -> arithmetic.subtract(a, b);
      case FSUBR -> arithmetic.subtract(b, a);
      case FMUL -> arithmetic.multiply(a, b);
      case FDIV -> arithmetic.divide(a, b);
      case FDIVR -> arithmetic.divide(b, a);
      case FSQRT -> arithmetic.squareRoot(a);
      case FRNDINT -> arithmetic.roundToInteger(a);
      case FSCALE -> arithmetic.scale(a, b);
      case FXTRACT -> arithmetic.extract(a);
      case FADD_M32 -> {
        b.setSingle((int) memory);
        arithmetic.add(a, b);
      }
      case FDIVR_M64 -> {
        b.setDouble(memory);
        arithmetic.divide(b, a);
      }
      case FLD_M32 -> conversion.fromSingle((int) memory);
      case FLD_M64 -> conversion.fromDouble(memory);
      case FILD_M16 -> conversion.fromInteger((short) memory);
      case FILD_M32 -> {
        int integer = (int) memory;
        conversion.fromInteger(integer);
      }
      case FILD_M64 -> conversion.fromInteger(memory);
      case FBLD -> conversion.fromBcd(memory, (int) in.memory(8) & 0xffff);
      case FPREM, FPREM1 -> {
        // The condition codes were clear before, so that those that stay are clear after.
        return Math.max(0, unit.remainder().remainder(a, b, operation == Operation.FPREM1));
      }
      case FCOM, FUCOM -> {
        return arithmetic.compare(a, b, operation == Operation.FCOM);
      }
      default -> throw new IllegalArgumentException(operation.name());
    }
    return 0;
  }

  private void store(Operation operation, FpuCase expected) {
    X87Conversion conversion = unit.conversion();
    boolean truncate = operation.name().startsWith("FISTTP");
    int bits =
        switch (operation) {
          case FIST_M16, FISTTP_M16 -> 16;
          case FST_M32, FIST_M32, FISTTP_M32 -> 32;
          default -> 64;
        };
    long value =
        switch (operation) {
          case FST_M32 -> conversion.toSingle(a);
          case FST_M64 -> conversion.toDouble(a);
          case FBSTP -> conversion.toBcd(a);
          default -> conversion.toInteger(a, bits, truncate);
        };
    if (unit.context().stopsMemory()) {
      return;
    }
    long mask = bits == 64 ? -1 : (1L << bits) - 1;
    expected.memory(0, expected.memory(0) & ~mask | value & mask);
    if (operation == Operation.FBSTP) {
      expected.memory(8, expected.memory(8) & ~0xffffL | conversion.bcdHigh());
    }
  }
}
