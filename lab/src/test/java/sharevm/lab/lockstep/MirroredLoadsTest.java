package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/** Loads that go where others tell them, through pages that appear twice. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
final class MirroredLoadsTest {
  private static final int BREAKPOINT = 3;
  private static final int GENERAL_PROTECTION = 13;
  private static final int PAGE_FAULT = 14;

  private static final long RIGHTS =
      GuestPages.PRESENT
          | GuestPages.USER
          | GuestPages.WRITABLE
          | GuestPages.ACCESSED
          | GuestPages.DIRTY;

  private static final int PAGES = 16;
  private static final int STEPS = 2000;

  /** More than a small code cache lets be in mirrors. */
  private static final int MANY_PAGES = 128;

  private final LockstepMachine machine =
      new LockstepMachine(
          GuestMode.LONG_USER,
          Translator.factory(Tuning.standard().withCodeBytes(1 << 20).withHot(1)));

  private static long page(int n) {
    return GuestLayout.DATA + 4096L * n;
  }

  /** Maps a page of data to one of as many frames. */
  private void map(int page, int frame) {
    machine.pages.entry(page(page), GuestLayout.DATA_RAM + 4096L * frame | RIGHTS);
    machine.cpu.flushPage(page(page));
  }

  private void pointer(long at, long to) {
    byte[] bytes = new byte[8];
    for (int n = 0; n < 8; n++) {
      bytes[n] = (byte) (to >>> 8 * n);
    }
    machine.write(at, bytes);
  }

  /** Makes a ring of pointers through all pages, which are in frames out of order. */
  private void ring(int offset) {
    for (int n = 0; n < PAGES; n++) {
      map(n, n * 7 % PAGES);
    }
    for (int n = 0; n < PAGES; n++) {
      pointer(page(n) + offset, page((n * 5 + 1) % PAGES) + offset);
    }
  }

  /** Follows pointers from RBX for RDX steps. */
  private LockstepMachine.Fault follow(long from, int steps) {
    // on: mov rbx, [rbx]; dec edx; jnz on; int3
    return follow("488b1bffca75f9cc", from, steps);
  }

  private LockstepMachine.Fault follow(String code, long from, int steps) {
    machine.write(GuestLayout.CODE, HexFormat.of().parseHex(code.replace(" ", "")));
    machine.start(false, true, true);
    CpuState s = machine.cpu.state;
    s.rip = GuestLayout.CODE;
    s.gpr[CpuState.RBX] = from;
    s.gpr[CpuState.RDX] = steps;
    s.gpr[CpuState.RSP] = GuestLayout.STACK + 4096;
    return goOn();
  }

  private LockstepMachine.Fault goOn() {
    assertThat(machine.run(100_000)).isInstanceOf(Exit.Halted.class);
    return machine.takeFault();
  }

  private long rbx() {
    return machine.cpu.state.gpr[CpuState.RBX];
  }

  private static long expected(int steps) {
    int at = 0;
    for (int n = 0; n < steps; n++) {
      at = (at * 5 + 1) % PAGES;
    }
    return page(at);
  }

  @Test
  void followPointersThroughScatteredPages() {
    ring(0x18);

    assertThat(follow(page(0) + 0x18, STEPS).vector()).isEqualTo(BREAKPOINT);
    assertThat(rbx()).isEqualTo(expected(STEPS) + 0x18);
    assertThat(machine.cpu.engine().counts()).containsPattern("pages for mirrors [1-9]");
  }

  @Test
  void followPointersAcrossPages() {
    for (int n = 0; n < PAGES; n++) {
      map(n, n * 7 % PAGES);
    }
    for (int n = 0; n + 2 < PAGES; n++) {
      pointer(page(n) + 4092, page((n + 1) % (PAGES - 2)) + 4092);
    }
    assertThat(follow(page(0) + 4092, STEPS).vector()).isEqualTo(BREAKPOINT);
    assertThat(rbx()).isEqualTo(page(STEPS % (PAGES - 2)) + 4092);
  }

  /**
   * Returns where one of many pages, each of few frames under several addresses, has its pointer.
   */
  private static long manyPointer(int n) {
    return page(n) + 32L * (n / PAGES);
  }

  /** Makes a ring of pointers through more pages than mirrors show. */
  private void wideRing() {
    for (int n = 0; n < MANY_PAGES; n++) {
      map(n, n % PAGES);
      pointer(manyPointer(n), manyPointer((n + 1) % MANY_PAGES));
    }
  }

  /** While a block has the address of a window, mirrors must not go, even when they are full. */
  @Test
  void windowOutlivesTheEndOfMirrors() {
    wideRing();
    // on: mov rcx, [rbx]; mov rsi, [rcx+16]; add rsi, [rbx+8]; mov rbx, rcx; dec edx; jnz on; int3
    String chase = "488b0b 488b7110 48037308 4889cb ffca 75ee cc";

    assertThat(follow(chase, page(0), STEPS).vector()).isEqualTo(BREAKPOINT);
    assertThat(rbx()).isEqualTo(manyPointer(STEPS % MANY_PAGES));
  }

  /** A block whose load is told to do without mirrors is left as it is made anew. */
  @Test
  void followPointersWithoutMirrorsInTheEnd() {
    wideRing();
    // turn: mov ecx, 8; on: mov rbx, [rbx]; dec ecx; jnz on; dec edx; jnz turn; int3
    String chase = "b908000000 488b1b ffc9 75f9 ffca 75f0 cc";

    assertThat(follow(chase, page(0), STEPS).vector()).isEqualTo(BREAKPOINT);
    assertThat(rbx()).isEqualTo(manyPointer(8 * STEPS % MANY_PAGES));
    assertThat(machine.cpu.engine().counts()).containsPattern("pages for mirrors 3[3-9]");
  }

  /** Code that does without mirrors checks what is to be aligned as well. */
  @Test
  void faultWhereWideLoadsAreNotAligned() {
    wideRing();
    // on: mov rbx, [rbx]; movaps xmm0, [rbx]; dec edx; jnz on; int3
    String chase = "488b1b 0f2803 ffca 75f6 cc";
    pointer(manyPointer(MANY_PAGES - 1), page(0) + 8);

    assertThat(follow(chase, page(0), STEPS).vector()).isEqualTo(GENERAL_PROTECTION);
    assertThat(rbx()).isEqualTo(page(0) + 8);
  }

  @Test
  void seePagesThatHaveMoved() {
    ring(0);
    follow(page(0), STEPS);
    map(3, PAGES);
    pointer(page(3), page(3));

    assertThat(follow(page(0), STEPS).vector()).isEqualTo(BREAKPOINT);
    assertThat(rbx()).isEqualTo(page(3));
  }

  @Test
  void seeWhatIsWritten() {
    ring(0);
    follow(page(0), STEPS);
    pointer(page(6), page(6));

    follow(page(0), STEPS);
    assertThat(rbx()).isEqualTo(page(6));
  }

  @Test
  void faultWherePagesHaveGone() {
    ring(0);
    follow(page(0), STEPS);
    machine.pages.entry(page(11), 0);
    machine.cpu.flushPage(page(11));

    LockstepMachine.Fault fault = follow(page(0), STEPS);
    assertThat(fault.vector()).isEqualTo(PAGE_FAULT);
    assertThat(fault.address()).isEqualTo(page(11));
  }

  /** Addresses whose TLB entries are those of mirrored pages, and others that are none at all. */
  @ParameterizedTest
  @ValueSource(
      longs = {
        GuestLayout.SYSTEM,
        GuestLayout.DATA + (1L << 24),
        GuestLayout.DATA - (1L << 24),
        GuestLayout.DATA + (1L << 30),
        GuestLayout.DATA + (1L << 46),
        0xffff_8000_1000_0000L,
        0xffff_ffff_f000_0000L,
        8
      })
  void faultWhereNothingIs(long address) {
    ring(0);
    follow(page(0), STEPS);
    pointer(page(6), address);

    LockstepMachine.Fault fault = follow(page(0), STEPS);
    assertThat(fault.vector()).isEqualTo(PAGE_FAULT);
    assertThat(fault.address()).isEqualTo(address);
  }

  @ParameterizedTest
  @ValueSource(longs = {1L << 47, 0x8000_0000_1000_0000L, 0x4000_0000_0000_0000L})
  void faultOnAddressesThatAreNotCanonical(long address) {
    ring(0);
    follow(page(0), STEPS);
    pointer(page(6), address);

    assertThat(follow(page(0), STEPS).vector()).isEqualTo(GENERAL_PROTECTION);
  }
}
