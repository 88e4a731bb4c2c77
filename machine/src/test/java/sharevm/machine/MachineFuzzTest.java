package sharevm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Guests that do nothing sensible: random code and random accesses to every device never break a
 * machine.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class MachineFuzzTest {
  private static final long SEED = Long.getLong("sharevm.seed", 20260101);
  private static final int GUESTS = 12;
  private static final Duration LIMIT = Duration.ofMillis(250);

  @Test
  void randomBytesAsCode() {
    Random random = new Random(SEED);
    for (int n = 0; n < GUESTS; n++) {
      int[] code = random.ints(4096, 0, 256).toArray();
      check(code, "random code, seed " + SEED + ", guest " + n);
    }
  }

  @Test
  void randomPortAndMemoryAccesses() {
    Random random = new Random(SEED);
    for (int n = 0; n < GUESTS; n++) {
      check(accesses(random), "random accesses, seed " + SEED + ", guest " + n);
    }
  }

  private static void check(int[] code, String what) {
    MachineSpec spec = TinyGuest.spec(code).withNoReboot(true).withTimeout(LIMIT);
    Machine machine =
        MachineBuilder.build(spec, TinyGuest.host(spec, _ -> {}), MachineListener.NONE);
    Outcome outcome = machine.run();
    if (outcome instanceof Outcome.Crashed crashed) {
      assertThat(crashed.report().cause()).as(what + "\n" + crashed.report().details()).isEmpty();
    }
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
