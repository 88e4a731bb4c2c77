package sharevm.lab.processor;

import java.util.SortedMap;

/**
 * What became of a case.
 *
 * @param state the state afterwards, or at the fault
 * @param vector the exception, or -1 when the instruction was completed
 * @param errorCode the exception's error code, 0 where it has none
 * @param cr2 the address of a page fault, else 0
 * @param memory changed bytes of the image by their offset
 */
record CpuOutcome(
    ProcessorState state, int vector, int errorCode, long cr2, SortedMap<Integer, Byte> memory) {
  /** "Completed" in place of a vector. */
  static final int COMPLETED = -1;

  private static final int BREAKPOINT = 3;
  private static final int PAGE_FAULT = 14;

  /** Where the addresses of Linux's user programs end. */
  private static final long USER_END = 0x7fff_ffff_f000L;

  /** Page fault error code: the page was present (Intel SDM Vol. 3A 4.7). */
  private static final int PRESENT = 1;

  /** Page fault error code: user access that fetched an instruction (Intel SDM Vol. 3A 4.7). */
  private static final int FETCH = 0x10;

  /**
   * Tells apart how an instruction ended: a breakpoint that is not its own, and a fault of fetching
   * the next one after a jump, mean that it was completed.
   */
  static CpuOutcome of(
      CpuCase input,
      ProcessorState state,
      int vector,
      int errorCode,
      long cr2,
      SortedMap<Integer, Byte> memory) {
    boolean ownBreakpoint = (input.code()[input.code().length - 1] & 0xff) == 0xcc;
    if (vector == BREAKPOINT
        && !(ownBreakpoint && state.rip == input.state().rip + input.code().length)) {
      state.rip--;
      return new CpuOutcome(state, COMPLETED, 0, 0, memory);
    }
    if (vector == PAGE_FAULT) {
      // Linux does not tell user programs what of its own half of the address space is present.
      int told = Long.compareUnsigned(cr2, USER_END) >= 0 ? errorCode & ~PRESENT : errorCode;
      boolean fetchOfNext =
          (errorCode & FETCH) != 0 && cr2 == state.rip && state.rip != input.state().rip;
      return fetchOfNext
          ? new CpuOutcome(state, COMPLETED, 0, 0, memory)
          : new CpuOutcome(state, vector, told, cr2, memory);
    }
    return new CpuOutcome(state, vector, errorCode, 0, memory);
  }
}
