package sharevm.lab.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native runner tells the truth about instructions whose results everyone knows. */
class HostProcessorTest {
  private static final long CODE = HostLayout.CODE_ADDRESS + 0x100;
  private static final long DATA = HostLayout.DATA_ADDRESS + 0x800;

  /** IF and all that a program may set but TF and RF (Intel SDM Vol. 3A 2.3). */
  private static final long OTHER_FLAGS = 0x24_4ed7;

  private static final long STACK = HostLayout.STACK_ADDRESS + 0x800;

  @TempDir static Path folder;
  private static HostProcessor host;
  private static HostKind kind;

  @BeforeAll
  static void start() {
    Optional<String> missing = HostProcessor.whyUnavailable();
    assumeTrue(missing.isEmpty(), () -> "skipped: " + missing.get());
    host = HostProcessor.start(folder);
    kind = HostKind.of(host);
  }

  @AfterAll
  static void stop() {
    if (host != null) {
      host.close();
    }
  }

  @Test
  void adds() {
    CpuOutcome wide = run(Mode.LONG, "48 01 d8"); // add rax, rbx
    assertThat(wide.vector()).isEqualTo(CpuOutcome.COMPLETED);
    assertThat(wide.state().rip).isEqualTo(CODE + 3);
    assertThat(wide.state().gpr[0]).isEqualTo(0x3333_3333_4444_4444L);
  }

  @Test
  void decrementsIn32BitCode() {
    assumeRuns32BitCode();
    CpuOutcome narrow = run(Mode.COMPATIBILITY, "48"); // dec eax
    assertThat(narrow.vector()).isEqualTo(CpuOutcome.COMPLETED);
    assertThat(narrow.state().gpr[0] & 0xffff_ffffL).isEqualTo(0x1111_1110L);
    assertThat(narrow.state().selectors[ProcessorState.CS]).isEqualTo(0x23);
  }

  @Test
  void tellsChangedMemory() {
    CpuOutcome outcome = run(Mode.LONG, "c6 06 7f"); // mov byte [rsi], 7fh
    assertThat(outcome.memory())
        .containsExactlyEntriesOf(new java.util.TreeMap<>(java.util.Map.of(0x800, (byte) 0x7f)));
    CpuOutcome pushed = run(Mode.LONG, "50"); // push rax
    assertThat(pushed.memory().firstKey()).isGreaterThanOrEqualTo(HostLayout.DATA_SIZE + 0x7f8);
    assertThat(pushed.state().gpr[4]).isEqualTo(STACK - 8);
  }

  @Test
  void tellsFaults() {
    assertThat(run(Mode.LONG, "0f 0b").vector()).as("ud2").isEqualTo(6);
    assertThat(run(Mode.LONG, "f4").vector()).as("hlt").isEqualTo(13);
    assertThat(run(Mode.LONG, "cc").vector()).as("int3").isEqualTo(3);
    CpuOutcome page = run(Mode.LONG, "8b 86 fe 17 00 00"); // mov eax, [rsi+17feh]: over the end
    assertThat(page.vector()).isEqualTo(14);
    assertThat(page.cr2()).isEqualTo(HostLayout.DATA_ADDRESS + HostLayout.DATA_SIZE);
    assertThat(page.errorCode()).isEqualTo(4);
    assertThat(page.state().rip).isEqualTo(CODE);
  }

  @Test
  void tellsFaultsOf32BitCode() {
    assumeRuns32BitCode();
    assertThat(run(Mode.COMPATIBILITY, "d4 00").vector()).as("aam 0").isEqualTo(0);
    CpuOutcome loaded = run(Mode.COMPATIBILITY, "8e e1"); // mov fs, ecx
    assertThat(loaded.vector()).isEqualTo(13);
    assertThat(loaded.errorCode()).isEqualTo(0x2220);
  }

  @Test
  void followsJumps() {
    CpuOutcome inside = run(Mode.LONG, "eb 10");
    assertThat(inside.vector()).isEqualTo(CpuOutcome.COMPLETED);
    assertThat(inside.state().rip).isEqualTo(CODE + 0x12);
    CpuOutcome nowhere = run(Mode.LONG, "ff e0"); // jmp rax
    assertThat(nowhere.vector()).isEqualTo(CpuOutcome.COMPLETED);
    assertThat(nowhere.state().rip).isEqualTo(0x1111_1111_1111L);
    assertThat(run(Mode.LONG, "eb fe").vector()).as("jmp $").isEqualTo(HostLayout.VECTOR_HANG);
  }

  @Test
  void carriesRealNumbersAndSegments() {
    CpuOutcome one = run(Mode.LONG, "d9 e8"); // fld1
    assertThat(one.state().fx(ProcessorState.FX_ST, 8)).isEqualTo(1L << 63);
    assertThat(one.state().fx(ProcessorState.FX_ST + 8, 2)).isEqualTo(0x3fff);
    assertAddsSingles(Mode.LONG);
    CpuOutcome fs = run(Mode.LONG, "64 8a 06"); // mov al, fs:[rsi]
    assertThat(fs.state().gpr[0] & 0xff).isEqualTo(CpuCase.baseImage()[0x800 + 0x20] & 0xffL);
    CpuOutcome loaded = run(Mode.LONG, "8e e1"); // mov fs, ecx
    assertThat(loaded.vector()).isEqualTo(13);
    assertThat(loaded.errorCode()).isEqualTo(0x2220);
  }

  @Test
  void carriesRealNumbersIn32BitCode() {
    assumeRuns32BitCode();
    assertAddsSingles(Mode.COMPATIBILITY);
  }

  private static void assertAddsSingles(Mode mode) {
    CpuOutcome sum = run(mode, "0f 58 c8"); // addps xmm1, xmm0
    assertThat(sum.state().fx(ProcessorState.FX_XMM + 16, 4))
        .isEqualTo(Float.floatToRawIntBits(3f));
  }

  @Test
  void carriesFlagsAndBases() {
    assertThat(afterNop(OTHER_FLAGS, 0x1234_5678_9abcL).rflags).isEqualTo(OTHER_FLAGS);
    assertThat(afterNop(0x202, 0x1234_5678_9abcL).gsBase).isEqualTo(0x1234_5678_9abcL);
    CpuOutcome written = run(Mode.LONG, "f3 48 0f ae d1"); // wrfsbase rcx
    assertThat(written.state().fsBase).isEqualTo(0x2222_2222_2222L);
  }

  @Test
  void carriesBasesOfTheUpperHalf() {
    assumeTrue(kind.keepsUpperGsBase(), "skipped: " + HostKind.NO_UPPER_GS_BASE);
    assertThat(afterNop(0x202, 0xffff_8123_4567_89abL).gsBase).isEqualTo(0xffff_8123_4567_89abL);
  }

  @Test
  void isQuick() {
    List<CpuCase> cases = Collections.nCopies(HostProcessor.BATCH, input(Mode.LONG, "48 01 d8"));
    double perSecond = 0; // of the best batch, since the host may be busy with other work
    for (int n = 0; n < 40; n++) {
      long before = System.nanoTime();
      host.run(cases);
      perSecond = Math.max(perSecond, cases.size() * 1e9 / (System.nanoTime() - before));
    }
    assertThat(perSecond).as("cases a second").isGreaterThan(20_000);
  }

  private static void assumeRuns32BitCode() {
    assumeTrue(kind.runs32BitCode(), "skipped: " + HostKind.NO_32_BIT_CODE);
  }

  private static ProcessorState afterNop(long flags, long gsBase) {
    CpuCase nop = input(Mode.LONG, "90");
    nop.state().rflags = flags;
    nop.state().gsBase = gsBase;
    return host.run(List.of(nop)).getFirst().state();
  }

  private static CpuOutcome run(Mode mode, String code) {
    return host.run(List.of(input(mode, code))).getFirst();
  }

  private static CpuCase input(Mode mode, String code) {
    ProcessorState state = new ProcessorState();
    for (int n = 0; n < 16; n++) {
      state.gpr[n] = 0x1111_1111_1111L * (n + 1) & mode.mask();
    }
    if (mode == Mode.LONG) {
      state.gpr[0] = 0x1111_1111_1111L;
      state.gpr[3] = 0x3333_2222_3333_3333L;
      state.fsBase = 0x20;
    }
    state.gpr[4] = STACK;
    state.gpr[6] = DATA;
    state.gpr[7] = DATA;
    state.rip = CODE;
    state.rflags = 0x202;
    state.selectors[ProcessorState.CS] = mode.codeSelector;
    for (int n : new int[] {ProcessorState.SS, ProcessorState.DS, ProcessorState.ES}) {
      state.selectors[n] = 0x2b;
    }
    state.fx(ProcessorState.FX_FCW, 2, 0x37f);
    state.fx(ProcessorState.FX_MXCSR, 4, 0x1f80);
    state.fx(ProcessorState.FX_XMM, 4, Float.floatToRawIntBits(1f));
    state.fx(ProcessorState.FX_XMM + 16, 4, Float.floatToRawIntBits(2f));
    byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
    return new CpuCase(mode, state, bytes, List.of(), -1, code);
  }
}
