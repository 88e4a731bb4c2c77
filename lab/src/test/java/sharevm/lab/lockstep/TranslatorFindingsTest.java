package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import sharevm.cpu.Attention;
import sharevm.cpu.CpuState;
import sharevm.cpu.Exit;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/** What lock-step runs have found in the translator, each once more by hand. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
final class TranslatorFindingsTest {
  private static final long CODE_BYTES = 1 << 20;
  private static final int BREAKPOINT = 3;
  private static final int GENERAL_PROTECTION = 13;
  private static final int PAGE_FAULT = 14;

  private static final long RIGHTS =
      GuestPages.PRESENT | GuestPages.USER | GuestPages.WRITABLE | GuestPages.ACCESSED;

  private static final long CLEAN = GuestLayout.DATA;
  private static final long ABSENT = GuestLayout.DATA + 0x1000;

  private LockstepMachine machine = machine(GuestMode.LONG_USER);

  private static LockstepMachine machine(GuestMode mode) {
    return new LockstepMachine(
        mode, Translator.factory(Tuning.standard().withCodeBytes(CODE_BYTES).withHot(1)));
  }

  /** Runs code, given as hexadecimal digits, with RBX at a page that is clean and RSI at none. */
  private LockstepMachine.Fault run(String code) {
    machine.pages.entry(CLEAN, GuestLayout.DATA_RAM | RIGHTS);
    machine.pages.entry(ABSENT, 0);
    machine.write(GuestLayout.CODE, HexFormat.of().parseHex(code.replace(" ", "")));
    machine.start(false, true, true);
    CpuState s = machine.cpu.state;
    s.rip = GuestLayout.CODE;
    s.gpr[CpuState.RBX] = CLEAN;
    s.gpr[CpuState.RDX] = 3;
    s.gpr[CpuState.RSP] = GuestLayout.STACK + 4096;
    s.gpr[CpuState.RSI] = ABSENT;
    return goOn();
  }

  private LockstepMachine.Fault goOn() {
    assertThat(machine.run(10_000)).isInstanceOf(Exit.Halted.class);
    return machine.takeFault();
  }

  private boolean isDirty(long linear) {
    return (machine.pages.entry(linear) & GuestPages.DIRTY) != 0;
  }

  @Test
  void pageIsNotDirtyBeforeTheWriteOfItsWindow() {
    // mov eax, [rbx]; mov ecx, [rsi]; mov [rbx+8], eax
    LockstepMachine.Fault fault = run("8b 03  8b 0e  89 43 08  cc");

    assertThat(fault.vector()).isEqualTo(PAGE_FAULT);
    assertThat(isDirty(CLEAN)).isFalse();

    machine.pages.entry(ABSENT, GuestLayout.DATA_RAM + 0x1000 | RIGHTS);

    assertThat(goOn().vector()).isEqualTo(BREAKPOINT);
    assertThat(isDirty(CLEAN)).isTrue();
  }

  @Test
  void misalignedStoreFaultsBeforeItTouchesItsPage() {
    // movaps [rbx+8], xmm0
    assertThat(run("0f 29 43 08  cc").vector()).isEqualTo(GENERAL_PROTECTION);
    assertThat(isDirty(CLEAN)).isFalse();
  }

  @Test
  void pageFaultForgetsWhatWasKnownOfItsAddress() {
    long first = GuestLayout.DATA_RAM;
    long second = GuestLayout.DATA_RAM + 0x1000;
    // mov eax, [rbx]; mov [rbx], rsi; jmp on; on: mov rdx, [rbx]; int3
    run("8b 03  48 89 33  eb 00  48 8b 13  cc");
    machine.pages.entry(CLEAN, first | RIGHTS & ~GuestPages.WRITABLE);
    machine.cpu.flushPage(CLEAN);
    machine.cpu.state.rip = GuestLayout.CODE;
    machine.cpu.state.gpr[CpuState.RSI] = CLEAN;
    assertThat(goOn().vector()).isEqualTo(PAGE_FAULT);

    machine.pages.entry(CLEAN, second | RIGHTS);
    machine.run(1); // by the interpreter: too little for translated code

    assertThat(goOn().vector()).isEqualTo(BREAKPOINT);
    assertThat(machine.cpu.state.gpr[CpuState.RDX]).isEqualTo(CLEAN);
  }

  @Test
  void popToMemoryIsNoEndOfTheTranslation() {
    // push rdx; pop [rbx]; mov rax, [rbx]; int3
    assertThat(run("52  8f 03  48 8b 03  cc").vector()).isEqualTo(BREAKPOINT);

    assertThat(machine.cpu.state.gpr[CpuState.RAX]).isEqualTo(3);
  }

  /** What a loop's address is from its registers may be further than a displacement reaches. */
  @Test
  void standingWindowIsNotLookedUpWhereADisplacementDoesNotReach() {
    // add rbx, 20h; jmp on; on: lea rax, [rbx+7ffffff0h]; mov ecx, [rax+7ffffff0h]; dec edx; jnz on
    LockstepMachine.Fault fault =
        run("48 83 c3 20  eb 00  48 8d 83 f0 ff ff 7f  8b 88 f0 ff ff 7f  ff ca  75 ef  cc");

    assertThat(fault.vector()).isEqualTo(PAGE_FAULT);
  }

  /** What stands for no RIP in a jump cache must not be what a guest can jump to. */
  @Test
  void emptyEntryOfJumpCacheIsNoTarget() {
    // mov rax, 4000000000000000h; jmp rax
    assertThat(run("48 b8 00 00 00 00 00 00 00 40  ff e0").vector()).isEqualTo(GENERAL_PROTECTION);
    // xor eax, eax; jmp rax
    assertThat(run("31 c0  ff e0").vector()).isEqualTo(PAGE_FAULT);
    // mov eax, 1; jmp rax
    assertThat(run("b8 01 00 00 00  ff e0").vector()).isEqualTo(PAGE_FAULT);
  }

  @Test
  void comparingStringsOfNoLengthKeepsFlags() {
    // xor ecx, ecx; mov al, 1; mov edi, ebx; add al, 0ffh; repe cmpsb; setc dl; int3
    run("31 c9  b0 01  89 df  04 ff  f3 a6  0f 92 c2  cc");

    assertThat(machine.cpu.state.gpr[CpuState.RDX] & 0xff).isEqualTo(1);
  }

  /**
   * A block whose window has no page is left for a translation of its rest, again and again if
   * there is never room for that: with a code cache that holds few blocks.
   */
  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void fullCodeCacheDoesNotStopTheGuest() throws Difference {
    Tuning tiny = Tuning.standard().withCodeBytes(160 << 10).withHot(1);
    Lockstep pair = new Lockstep(GuestMode.LONG_USER, () -> Translator.factory(tiny));
    for (int seed = 885; seed < 897; seed++) {
      pair.run(ProgramMaker.make(GuestMode.LONG_USER, seed, _ -> true), seed);
    }
  }

  /**
   * What is left of a block access by access may depend on more bytes than the block: when only
   * that was dropped, each of the two led to the other.
   */
  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void restOfBlockIsNotDroppedWithoutTheBlock() {
    // again: mov eax, [rbx+8]; mov ecx, [rbx]; dec edx; jne again; add esi, 5; int3
    run("8b 43 08  8b 0b  ff ca  75 f7  83 c6 05  cc");
    machine.pages.entry(ABSENT, GuestLayout.DATA_RAM + 0x1000 | RIGHTS);
    loopAcrossPages();
    machine.write(GuestLayout.CODE + 11, new byte[] {6});

    loopAcrossPages();

    assertThat(machine.cpu.state.gpr[CpuState.RSI]).isEqualTo(6);
  }

  /** Registers without a host register, as both operands, and with their low bytes alone. */
  @Test
  void registersInTheContextAreReadBeforeTheyAreWritten() {
    // mov r12d, 12345h; movzx r12d, r12b; mov r13d, 5; imul r13d, r13d, 7; mov r14, rsi;
    // add r14, r14; xor r15d, r15d; sub r15, r12; int3
    run(
        "41 bc 45 23 01 00  45 0f b6 e4  41 bd 05 00 00 00  45 6b ed 07  49 89 f6"
            + "4d 01 f6  45 31 ff  4d 29 e7  cc");

    long[] registers = machine.cpu.state.gpr;
    assertThat(registers[12]).isEqualTo(0x45);
    assertThat(registers[13]).isEqualTo(35);
    assertThat(registers[14]).isEqualTo(2 * ABSENT);
    assertThat(registers[15]).isEqualTo(-0x45);
  }

  /** A budget of many slices is spent to the instruction. */
  @Test
  void loopSpendsItsBudgetExactly() {
    run("cc");
    // dec ecx; jnz back
    machine.write(GuestLayout.CODE, HexFormat.of().parseHex("ffc975fc"));
    machine.cpu.state.rip = GuestLayout.CODE;
    machine.cpu.state.gpr[CpuState.RCX] = 1 << 30;
    long before = machine.cpu.engine().retired();

    assertThat(machine.cpu.run(100_001)).isInstanceOf(Exit.BudgetSpent.class);

    assertThat(machine.cpu.engine().retired() - before).isEqualTo(100_001);
    assertThat(machine.cpu.state.gpr[CpuState.RCX]).isEqualTo((1 << 30) - 50_001);
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void attentionOfAnotherThreadEndsALoop() throws InterruptedException {
    run("cc");
    // jmp to itself
    machine.write(GuestLayout.CODE, HexFormat.of().parseHex("ebfe"));
    machine.cpu.state.rip = GuestLayout.CODE;
    Thread other = new Thread(() -> machine.cpu.state.attention.raise(Attention.STOP));
    other.start();

    machine.cpu.run(Long.MAX_VALUE / 2);

    other.join();
    assertThat(machine.cpu.state.rip).isEqualTo(GuestLayout.CODE);
  }

  /** The flags that are saved before a segment is looked at go through where its selector was. */
  @Test
  void selectorOutlivesFlagsThatAreWanted() {
    machine = machine(GuestMode.LEGACY_SUPERVISOR);
    // mov ecx, 18h; mov eax, 5; cmp eax, 6; mov fs, ecx; setb dl; int3
    run("b9 18 00 00 00  b8 05 00 00 00  83 f8 06  8e e1  0f 92 c2  cc");

    assertThat(machine.cpu.state.selector[CpuState.FS]).isEqualTo(LockstepMachine.KERNEL_DATA);
    assertThat(machine.cpu.state.gpr[CpuState.RDX]).isEqualTo(1);
  }

  private void loopAcrossPages() {
    CpuState s = machine.cpu.state;
    s.rip = GuestLayout.CODE;
    s.gpr[CpuState.RBX] = ABSENT - 4;
    s.gpr[CpuState.RDX] = 3;
    s.gpr[CpuState.RSI] = 0;
    assertThat(goOn().vector()).isEqualTo(BREAKPOINT);
  }
}
