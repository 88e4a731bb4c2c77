package sharevm.translator;

import sharevm.cpu.CpuState;
import sharevm.translator.Assembler.Place;

/**
 * What translated code finds at fixed distances from R15: the layout shared with {@link CpuState},
 * in which R15 points {@link #BIAS} bytes past the start so that what is used most is within a
 * one-byte displacement.
 *
 * <pre>
 *     0  XMM0 to XMM15, MXCSR, attention word     (CpuState)
 *   264  flags, budget, mode key, general registers, RIP, bases of FS and GS, exit
 *  1024  three TLBs: user, supervisor, supervisor while EFLAGS.AC suspends SMAP
 * 448 Ki jump cache
 * </pre>
 */
final class Context {
  /** Distance of R15 from the start of the layout. */
  static final int BIAS = 384;

  /** The status flags in memory: OF in bit 0, and in bits 15 to 8 what LAHF gives. */
  static final int FLAGS = (int) CpuState.TRANSLATOR;

  /** Instructions that may still be executed. */
  static final int BUDGET = 272;

  /** The mode key, in bits 63 to 48, which keys of the jump cache are exclusive-ored with. */
  static final int MODE_KEY = 280;

  /** MXCSR of the host's code. */
  static final int HOST_MXCSR = 288;

  /** Whether the guest's XMM registers are in the host's. */
  static final int XMM_LIVE = 292;

  /** The stack pointer on entry. */
  static final int HOST_RSP = 296;

  /** Linear address of an access that missed the TLB. */
  static final int MISS_ADDRESS = 304;

  /** Where translated code goes on after a miss. */
  static final int MISS_RETURN = 312;

  /** General registers, eight bytes each. */
  static final int GPR = 320;

  static final int RIP = 448;
  static final int FS_BASE = 456;
  static final int GS_BASE = 464;

  /** Host address of a string's source, then what leads back from it to the guest's. */
  static final int SOURCE = 472;

  /** The three TLBs. */
  static final int TLB = 1024;

  static final int TLB_BITS = 12;
  static final int TLB_ENTRY_SHIFT = 5;
  static final int TLB_SIZE = 1 << TLB_BITS + TLB_ENTRY_SHIFT;

  /**
   * Words of a TLB entry: linear page that may be read, that may be written, host address of the
   * page.
   */
  static final int TLB_READ = 0;

  static final int TLB_WRITE = 8;
  static final int TLB_HOST = 16;

  /** Pairs of key and host address. */
  static final int JUMPS = 448 << 10;

  static final int JUMP_BITS = 12;

  private Context() {}

  /** Returns a place for the assembler. */
  static Place at(int offset) {
    return Place.at(Assembler.R15, offset - BIAS);
  }

  /** Returns the place of a general register that has no host register. */
  static Place register(int number) {
    return at(GPR + 8 * number);
  }
}
