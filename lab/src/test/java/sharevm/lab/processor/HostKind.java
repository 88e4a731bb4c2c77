package sharevm.lab.processor;

import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What the kernel of a host lets its programs do: found out by experiment before anything is
 * compared, so that no host is asked for what it cannot do.
 *
 * @param runs32BitCode whether it has a code segment for compatibility mode
 * @param keepsUpperGsBase whether a base of GS in the upper half outlives an interrupt
 */
record HostKind(boolean runs32BitCode, boolean keepsUpperGsBase) {
  /** One that can do everything. */
  static final HostKind COMPLETE = new HostKind(true, true);

  static final String NO_32_BIT_CODE = "this host's kernel runs no 32-bit code";
  static final String NO_UPPER_GS_BASE =
      "this host's kernel loses a base of GS in the upper half at any interrupt";

  private static final long LOWER_HALF = 0x7fff_ffff_ffffL;
  private static final byte[] NOP = HexFormat.of().parseHex("90");

  /** Tries it out. */
  static HostKind of(HostProcessor host) {
    boolean runs32BitCode = outcome(host, Mode.COMPATIBILITY, 0).vector() == CpuOutcome.COMPLETED;
    long upper = ~LOWER_HALF;
    return new HostKind(runs32BitCode, outcome(host, Mode.LONG, upper).state().gsBase == upper);
  }

  private static CpuOutcome outcome(HostProcessor host, Mode mode, long gsBase) {
    ProcessorState state = new StateGenerator(new SplittableRandom(0), COMPLETE).next(mode);
    state.gsBase = gsBase;
    return host.run(List.of(new CpuCase(mode, state, NOP, List.of(), -1, "NOP"))).getFirst();
  }

  /** Returns whether instructions can be executed in a mode. */
  boolean runs(Mode mode) {
    return mode == Mode.LONG || runs32BitCode;
  }

  /** Returns a base, or one that GS can have instead of it. */
  long gsBase(long base) {
    return keepsUpperGsBase ? base : base & LOWER_HALF;
  }

  /** Returns the places that cannot be compared when our processor arrives at an outcome. */
  Set<String> leftOut(CpuOutcome ours) {
    return keepsUpperGsBase || ours.state().gsBase >= 0 ? Set.of() : Set.of("GSBASE");
  }
}
