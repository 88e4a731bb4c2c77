package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OperandType;

/**
 * Every x87 row of the opcode table against the x87 unit of this machine, from random states: all
 * registers, tags, TOP, status and control word, flags, memory.
 */
final class X87InstructionHostTest extends HostFpuComparison<Opcode> {
  private static final int QUICK_CASES = 500;
  private static final int LONG_CASES = 100_000;

  /**
   * Each maker computes these in its own way, so the last place of the result may differ, and with
   * it C1. The manual promises an error of less than one unit there (Vol. 1, 8.3.10).
   */
  private static final Set<String> APPROXIMATE =
      Set.of("F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN", "FCOS", "FSINCOS");

  private static final int TOLERATED_UNITS = 1;
  private static final int C1 = 0x200;

  /** ES and B in the status word. */
  private static final int SUMMARY = 0x8080;

  /** What an unmasked underflow or overflow moves the exponent by. @sdm Vol. 1, 8.5.4 and 8.5.5 */
  private static final long SCALE = 24576;

  private final FloatProcessor processor = new FloatProcessor();

  Stream<Opcode> rows() {
    return processor.table().rows().stream().filter(row -> row.is(Opcode.Attribute.X87));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void agreesWithHardware(Opcode row) {
    compare(row, QUICK_CASES);
  }

  @ParameterizedTest
  @MethodSource("rows")
  @Tag("long")
  void agreesWithHardwareAtLength(Opcode row) {
    compare(row, LONG_CASES);
  }

  @Override
  FpuCase prepare(Opcode row, RealSamples samples) {
    SplittableRandom random = samples.random();
    FpuCase one = new FpuCase().code(encode(row, random)).control(samples.control());
    int status = random.nextInt(0x10000) & 0x7f00;
    status |= random.nextInt(4) == 0 ? random.nextInt(0x80) & (one.control() & 0x3f | 0x40) : 0;
    if (random.nextInt(32) == 0) {
      // Pending exceptions, that waiting instructions report.
      status |= random.nextInt(0x40);
      status |= (status & ~one.control() & 0x3f) != 0 ? 0x8080 : 0;
    }
    one.status(status);
    one.tags(random.nextInt(4) == 0 ? random.nextInt(256) : random.nextBoolean() ? 0 : 0xff);
    if (one.tags() == 0 && random.nextInt(8) != 0) {
      // The lower half of the stack is full: there is something to pop and room to push.
      one.tags(rotate(0x0f, status >> 11 & 7));
    }
    for (int i = 0; i < 8; i++) {
      int signExponent = samples.signExponent();
      one.st(i, signExponent, samples.significand(signExponent));
    }
    if (APPROXIMATE.contains(row.mnemonic())) {
      restrictArguments(row, one, random);
    }
    if (row.mnemonic().startsWith("FI") && random.nextBoolean()) {
      one.st(0, random.nextInt(2) << 15 | 16383 + random.nextInt(64), one.significand(0));
    }
    for (int offset = 0; offset < 128; offset += 8) {
      one.memory(offset, random.nextLong());
    }
    memoryOperand(row, one, samples);
    one.rflags(0x202 | random.nextInt() & FloatProcessor.STATUS_FLAGS);
    return one.rax(random.nextLong());
  }

  /**
   * Makes ordinary arguments frequent; those out of range, whose results are undefined, are left
   * out.
   */
  private static void restrictArguments(Opcode row, FpuCase one, SplittableRandom random) {
    boolean bounded = row.mnemonic().equals("F2XM1") || row.mnemonic().equals("FYL2XP1");
    int exponent = one.signExponent(0) & 0x7fff;
    if (bounded ? exponent >= 16381 : random.nextInt(3) == 0) {
      int largest = bounded ? -1 : row.mnemonic().startsWith("FYL2X") ? 4 : 64;
      int sign = row.mnemonic().equals("FYL2X") && random.nextInt(8) != 0 ? 0 : random.nextInt(2);
      one.st(0, sign << 15 | 16383 + random.nextInt(-70, largest), one.significand(0));
    }
    if (row.mnemonic().equals("FYL2XP1") && (one.signExponent(0) & 0x7fff) > 16380) {
      one.st(0, one.signExponent(0) & 0x8000 | 16380, one.significand(0));
    }
  }

  private static int rotate(int tags, int top) {
    return (tags << top | tags >> 8 - top) & 0xff;
  }

  private static void memoryOperand(Opcode row, FpuCase one, RealSamples samples) {
    if (row.operandNames().isEmpty()) {
      return;
    }
    SplittableRandom random = samples.random();
    switch (row.mnemonic()) {
      case "FBLD" -> {
        long digits = Long.parseUnsignedLong(Long.toString(random.nextLong(10_000_000_000L)), 16);
        one.memory(0, digits << random.nextInt(24));
        one.memory(0, one.memory(0) & 0x1111_1111_1111_1111L * 7);
        one.memory(8, 0x12 | random.nextLong(2) << 15);
      }
      case "FLDCW" -> one.memory(0, samples.control());
      case "FLDENV", "FRSTOR" -> {
        boolean narrow = (one.bytes.get(640) & 0xff) == 0x66;
        one.bytes.putShort(512, (short) samples.control());
        one.bytes.putShort(narrow ? 514 : 516, (short) (random.nextInt() & 0x7f7f));
      }
      default -> {
        switch (row.operandNames().getFirst()) {
          case "m32" ->
              one.memory(
                  0, row.mnemonic().startsWith("FI") ? samples.integer(32) : samples.single());
          case "m64" ->
              one.memory(
                  0, row.mnemonic().startsWith("FI") ? samples.integer(64) : samples.real64());
          default -> {}
        }
      }
    }
  }

  private static int[] encode(Opcode row, SplittableRandom random) {
    List<Integer> bytes = new ArrayList<>();
    if (random.nextInt(4) == 0) {
      bytes.add(0x66);
    }
    bytes.add(row.code());
    if (row.exactModrm() >= 0) {
      bytes.add(row.exactModrm());
    } else if (row.modrm()) {
      boolean memory =
          row.operands().stream()
              .anyMatch(o -> o.field() == OperandType.Field.RM && o.memorySize() > 0);
      bytes.add(row.digit() << 3 | (memory ? 7 : 0xc0 | random.nextInt(8)));
    }
    return bytes.stream().mapToInt(b -> b).toArray();
  }

  @Override
  void check(Opcode row, FpuCase in, FpuCase out, long seed) {
    FpuCase ours = processor.execute(row, in);
    if (APPROXIMATE.contains(row.mnemonic())) {
      tolerate(ours, out);
    }
    if (onIntel()) {
      IntelDifferences.leaveDenormal(row.mnemonic(), in, ours);
    }
    if (FloatProcessor.same(ours, out) && sameMemory(row, ours, out)) {
      return;
    }
    assertThat(describe(ours, row))
        .as("%s seed=%d from %s", row, seed, describe(in, row))
        .isEqualTo(describe(out, row));
  }

  /** The last instruction's addresses, that environments tell, cannot be the same. */
  private static boolean sameMemory(Opcode row, FpuCase a, FpuCase b) {
    boolean pointers = row.mnemonic().equals("FNSTENV") || row.mnemonic().equals("FNSAVE");
    return FloatProcessor.sameMemory(a, b, pointers ? 28 : 0)
        && ((a.memory(0) ^ b.memory(0)) & 0xffff_ffff_ffffL) == 0;
  }

  /**
   * Takes the hardware's results and C1 for ours where they are as near as they must be, and on
   * Intel's also whether a result at the border is tiny or too large, which its last place decides.
   */
  private void tolerate(FpuCase ours, FpuCase hardware) {
    int free = C1;
    for (int i = 0; i < 8; i++) {
      int vague = onIntel() && i < 2 ? atBorder(ours, i) | atBorder(hardware, i) : 0;
      long binades = hardware.signExponent(i) - ours.signExponent(i);
      if (vague != 0 && Math.abs(binades) > SCALE / 2) {
        binades -= Long.signum(binades) * SCALE; // one of them has reported it
      }
      long units =
          (binades << 63)
              + (hardware.significand(i) & Long.MAX_VALUE)
              - (ours.significand(i) & Long.MAX_VALUE);
      boolean ordinary = (ours.signExponent(i) & 0x7fff) != 0x7fff;
      if (Math.abs(binades) <= 1 && ordinary && Math.abs(units) <= TOLERATED_UNITS) {
        ours.st(i, hardware.signExponent(i), hardware.significand(i));
        free |= vague | ((vague & ~ours.control()) != 0 ? SUMMARY : 0);
      }
    }
    ours.status(ours.status() & ~free | hardware.status() & free);
  }

  /** What may or may not be reported of a result next to where normal numbers begin or end. */
  private static int atBorder(FpuCase one, int register) {
    int exponent = one.signExponent(register) & 0x7fff;
    int border = exponent < 2 ? 1 : 0x7fff;
    long units = ((long) exponent - border << 63) + (one.significand(register) & Long.MAX_VALUE);
    if (border - exponent > 1 || Math.abs(units) > TOLERATED_UNITS) {
      return 0;
    }
    return border == 1 ? FloatException.UNDERFLOW : FloatException.OVERFLOW;
  }

  private static String describe(FpuCase one, Opcode row) {
    StringBuilder text = new StringBuilder(FloatProcessor.describe(one));
    boolean pointers = row.mnemonic().equals("FNSTENV") || row.mnemonic().equals("FNSAVE");
    for (int offset = 0; offset < 128; offset += 2) {
      // The last instruction's addresses cannot be the same.
      if (!pointers || offset < 6 || offset >= 28) {
        text.append(String.format("%04x", one.bytes.getShort(512 + offset)));
      }
    }
    return text.toString();
  }
}
