package sharevm.lab.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.lab.Engines;
import sharevm.machine.HostSide;
import sharevm.machine.MachineBuilder;
import sharevm.machine.MachineListener;
import sharevm.machine.MachineSpec;
import sharevm.machine.Outcome;
import sharevm.machine.firmware.GuestFile;
import sharevm.machine.firmware.LinuxBoot;

/**
 * Guests that do nothing sensible: random code and random accesses to every device never break a
 * machine, and stop when their time is over. Another run: {@code -Dsharevm.seed=N}.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MachineFuzzTest {
  private static final long SEED = Long.getLong("sharevm.seed", 20260101);
  private static final int QUICK_GUESTS = 12;
  private static final int LONG_GUESTS = 400;
  private static final Duration LIMIT = Duration.ofMillis(250);
  private static final long MEMORY = 16L << 20;

  /** The flag of a Multiboot header that addresses follow (Multiboot 0.6.96, 3.1.2). */
  private static final int WITH_ADDRESSES = 1 << 16;

  private static final int MULTIBOOT = 0x1BADB002;
  private static final int LOAD_ADDRESS = 0x100000;
  private static final int HEADER = 32;

  static Stream<Arguments> engines() {
    return Engines.all().stream().map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void randomBytesAsCode(EngineFactory engine) {
    runCode(engine, QUICK_GUESTS);
  }

  @ParameterizedTest
  @MethodSource("engines")
  @Tag("long")
  void manyRandomBytesAsCode(EngineFactory engine) {
    runCode(engine, LONG_GUESTS);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void randomPortAndMemoryAccesses(EngineFactory engine) {
    runAccesses(engine, QUICK_GUESTS);
  }

  @ParameterizedTest
  @MethodSource("engines")
  @Tag("long")
  void manyRandomPortAndMemoryAccesses(EngineFactory engine) {
    runAccesses(engine, LONG_GUESTS);
  }

  private static void runCode(EngineFactory engine, int guests) {
    Random random = new Random(SEED);
    for (int n = 0; n < guests; n++) {
      int[] code = random.ints(4096, 0, 256).toArray();
      check(engine, code, "random code, seed " + SEED + ", guest " + n);
    }
  }

  private static void runAccesses(EngineFactory engine, int guests) {
    Random random = new Random(SEED);
    for (int n = 0; n < guests; n++) {
      check(engine, accesses(random), "random accesses, seed " + SEED + ", guest " + n);
    }
  }

  private static void check(EngineFactory engine, int[] code, String what) {
    MachineSpec spec =
        MachineSpec.of(MEMORY)
            .withBoot(LinuxBoot.of(GuestFile.of("fuzz", kernel(code)), Optional.empty(), ""))
            .withNoReboot(true)
            .withTimeout(LIMIT);
    MemorySegment memory = Arena.ofAuto().allocate(spec.segmentBytes(), 4096);
    HostSide host = HostSide.of("fuzz", memory, _ -> true).withEngine(engine);
    Outcome outcome = MachineBuilder.build(spec, host, MachineListener.NONE).run();
    if (outcome instanceof Outcome.Crashed crashed) {
      assertThat(crashed.report().cause()).as(what + "\n" + crashed.report().details()).isEmpty();
    }
  }

  /** 32-bit code as a kernel that Multiboot loads. */
  private static byte[] kernel(int[] code) {
    ByteBuffer kernel = ByteBuffer.allocate(HEADER + code.length).order(ByteOrder.LITTLE_ENDIAN);
    kernel.putInt(MULTIBOOT).putInt(WITH_ADDRESSES).putInt(-(MULTIBOOT + WITH_ADDRESSES));
    kernel.putInt(LOAD_ADDRESS).putInt(LOAD_ADDRESS).putInt(0).putInt(0);
    kernel.putInt(LOAD_ADDRESS + HEADER);
    for (int value : code) {
      kernel.put((byte) value);
    }
    return kernel.array();
  }

  /**
   * Straight code: a port or an address in a device, a value, an access of some width; then again.
   */
  private static int[] accesses(Random random) {
    int[] code = new int[60_000];
    int at = 0;
    while (at < code.length - 32) {
      int port = random.nextBoolean() ? random.nextInt(0x10000) : random.nextInt(0x800);
      long address =
          switch (random.nextInt(4)) {
            case 0 -> 0xFEC00000L + random.nextInt(0x50);
            case 1 -> 0xFEE00000L + random.nextInt(0x400);
            case 2 -> 0xA0000 + random.nextInt(0x60000);
            default -> random.nextInt() & 0xFFFFFFFFL;
          };
      at = word(code, at, 0xBA, port);
      at = word(code, at, 0xB8, random.nextInt());
      at = word(code, at, 0xBB, (int) address);
      int[] access =
          switch (random.nextInt(8)) {
            case 0 -> new int[] {0xEC};
            case 1 -> new int[] {0x66, 0xED};
            case 2 -> new int[] {0xED};
            case 3 -> new int[] {0xEE};
            case 4 -> new int[] {0x66, 0xEF};
            case 5 -> new int[] {0xEF};
            case 6 -> new int[] {0x8B, 0x0B};
            default -> new int[] {0x89, 0x03};
          };
      for (int value : access) {
        code[at++] = value;
      }
    }
    return code;
  }

  private static int word(int[] code, int at, int opcode, int value) {
    code[at] = opcode;
    for (int i = 0; i < 4; i++) {
      code[at + 1 + i] = value >>> 8 * i & 0xFF;
    }
    return at + 5;
  }
}
