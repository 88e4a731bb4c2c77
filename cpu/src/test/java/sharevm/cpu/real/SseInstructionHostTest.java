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
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;

/**
 * The SSE and MMX rows of the opcode table against this machine: XMM registers that hold singles
 * and doubles with special values, every MXCSR, x87 states that MMX changes, memory, flags, #XM and
 * #MF.
 */
final class SseInstructionHostTest extends HostFpuComparison<Opcode> {
  private static final int QUICK_CASES = 100;
  private static final int LONG_CASES = 100_000;

  /** They need more general registers than a case has. */
  private static final Set<String> LEFT_OUT = Set.of("PCMPESTRI", "PCMPESTRM");

  /** The manual bounds their error, and each maker has a table of its own. */
  private static final Set<String> APPROXIMATE = Set.of("RCPPS", "RCPSS", "RSQRTPS", "RSQRTSS");

  /** Twice the bound of 1.5 * 2^-12: both may be off. */
  private static final float TOLERATED = 3.0f / 4096;

  private final FloatProcessor processor = new FloatProcessor();

  Stream<Opcode> rows() {
    return processor.table().rows().stream()
        .filter(row -> row.is(Attribute.SSE) || row.is(Attribute.MMX))
        .filter(row -> !LEFT_OUT.contains(row.mnemonic()));
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
    FpuCase one = new FpuCase().code(encode(row, random)).mxcsr(samples.mxcsr());
    one.control(samples.control()).status(random.nextInt(0x10000) & 0x7f00);
    one.tags(random.nextInt(256)).rax(random.nextLong());
    one.rflags(0x202 | random.nextInt() & FloatProcessor.STATUS_FLAGS);
    if (random.nextInt(32) == 0) {
      int pending = random.nextInt(0x40);
      one.status(one.status() | pending | ((pending & ~one.control()) != 0 ? 0x8080 : 0));
    }
    for (int i = 0; i < 8; i++) {
      one.st(i, random.nextInt(0x10000), element(samples));
    }
    for (int i = 0; i < 16; i++) {
      one.xmm(i, element(samples), element(samples));
    }
    for (int offset = 0; offset < 128; offset += 8) {
      one.memory(offset, element(samples));
    }
    if (row.mnemonic().equals("LDMXCSR")) {
      one.memory(0, samples.mxcsr());
    }
    return one;
  }

  private static long element(RealSamples samples) {
    return switch (samples.random().nextInt(8)) {
      case 0, 1, 2 -> samples.real64();
      case 3, 4, 5 -> samples.single() & 0xffff_ffffL | (long) samples.single() << 32;
      case 6 -> samples.integer(64);
      default -> samples.random().nextLong();
    };
  }

  private static int[] encode(Opcode row, SplittableRandom random) {
    List<Integer> bytes = new ArrayList<>();
    switch (row.prefix()) {
      case P66 -> bytes.add(0x66);
      case F2 -> bytes.add(0xf2);
      case F3 -> bytes.add(0xf3);
      default -> {}
    }
    if (row.rexW() == 1 || row.rexW() < 0 && random.nextInt(4) == 0) {
      bytes.add(0x48);
    }
    bytes.add(0x0f);
    if (row.map() > 1) {
      bytes.add(row.map() == 2 ? 0x38 : 0x3a);
    }
    bytes.add(row.code());
    if (row.modrm()) {
      bytes.add(modrm(row, random));
    }
    if (row.operands().stream().anyMatch(o -> o.kind() == OperandType.Kind.IMMEDIATE)) {
      bytes.add(random.nextInt(256));
    }
    return bytes.stream().mapToInt(b -> b).toArray();
  }

  /** General registers are always RAX, memory is always at RDI. */
  private static int modrm(Opcode row, SplittableRandom random) {
    int reg = row.digit() >= 0 ? row.digit() : random.nextInt(8);
    int rm = 0xc0 | random.nextInt(8);
    for (OperandType operand : row.operands()) {
      boolean general = operand.kind() == OperandType.Kind.GENERAL;
      if (operand.field() == OperandType.Field.REG && general) {
        reg = 0;
      } else if (operand.field() == OperandType.Field.RM) {
        rm = general ? 0xc0 : rm;
        boolean memory =
            !operand.allowsRegister() || operand.allowsMemory() && random.nextBoolean();
        rm = memory ? 7 : rm;
      }
    }
    return reg << 3 | rm;
  }

  @Override
  void check(Opcode row, FpuCase in, FpuCase out, long seed) {
    FpuCase ours = processor.execute(row, in);
    if (APPROXIMATE.contains(row.mnemonic())) {
      tolerate(ours, out);
    }
    if (onIntel() && row.mnemonic().startsWith("DPP")) {
      takeOtherNans(row, in, ours, out);
    }
    if (FloatProcessor.same(ours, out) && FloatProcessor.sameMemory(ours, out, 0)) {
      return;
    }
    assertThat(describe(ours))
        .as("%s %s seed=%d from %s", row, code(in), seed, describe(in))
        .isEqualTo(describe(out));
  }

  private static String code(FpuCase one) {
    StringBuilder text = new StringBuilder();
    for (int i = 640; i < 640 + one.bytes.getLong(656); i++) {
      text.append(String.format("%02x", one.bytes.get(i)));
    }
    return text.toString();
  }

  /** Takes the hardware's elements for ours where they are near enough. */
  private static void tolerate(FpuCase ours, FpuCase hardware) {
    for (int at = 160; at < 416; at += 4) {
      float a = ours.bytes.getFloat(at);
      float b = hardware.bytes.getFloat(at);
      boolean near = Math.abs(a - b) <= Math.abs(b) * TOLERATED && Float.isFinite(b);
      // Near the smallest normal number one may see a denormal result, which is zero.
      boolean vanishing = Math.abs(a) <= Float.MIN_NORMAL && Math.abs(b) <= Float.MIN_NORMAL;
      if (near || vanishing) {
        ours.bytes.putInt(at, hardware.bytes.getInt(at));
      }
    }
  }

  /** Takes the hardware's NaNs for ours where the sources have several. */
  private static void takeOtherNans(Opcode row, FpuCase in, FpuCase ours, FpuCase hardware) {
    int modrm = in.bytes.get(640 + (int) in.bytes.getLong(656) - 2) & 0xff;
    int a = modrm >> 3 & 7;
    int b = modrm & 7;
    boolean memory = modrm < 0xc0;
    long[] sources = {
      in.xmmLow(a),
      in.xmmHigh(a),
      memory ? in.memory(0) : in.xmmLow(b),
      memory ? in.memory(8) : in.xmmHigh(b)
    };
    int from = 160 + 16 * a;
    for (int at = from; at < from + 16; at += row.mnemonic().equals("DPPS") ? 4 : 8) {
      if (row.mnemonic().equals("DPPS")) {
        int delivered = hardware.bytes.getInt(at);
        if (IntelDifferences.otherNan(ours.bytes.getInt(at), delivered, sources)) {
          ours.bytes.putInt(at, delivered);
        }
      } else {
        long delivered = hardware.bytes.getLong(at);
        if (IntelDifferences.otherNan(ours.bytes.getLong(at), delivered, sources)) {
          ours.bytes.putLong(at, delivered);
        }
      }
    }
  }

  private static String describe(FpuCase one) {
    StringBuilder text = new StringBuilder(FloatProcessor.describe(one));
    text.append(String.format("mxcsr=%04x%n", one.mxcsr()));
    for (int i = 0; i < 16; i++) {
      text.append(String.format("xmm%d=%016x:%016x ", i, one.xmmHigh(i), one.xmmLow(i)));
    }
    for (int offset = 0; offset < 128; offset += 8) {
      text.append(String.format(" %016x", one.memory(offset)));
    }
    return text.toString();
  }
}
