package sharevm.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.real.X87State;

/**
 * The state of one processor, between two instructions complete, whichever engine ran last.
 *
 * <p>General registers, RIP, lazy flags, segments and control registers are on the heap, where Java
 * code is fastest; the XMM registers, MXCSR and the {@link Attention} word are in one off-heap
 * layout that translated code shares. Fields are public to the engines and to the instructions'
 * semantics: accessors stand where there is something to keep true.
 */
public final class CpuState {
  /** Numbers of general registers (Intel SDM Vol. 2A table 3-1). */
  public static final int RAX = 0;

  public static final int RCX = 1;
  public static final int RDX = 2;
  public static final int RBX = 3;
  public static final int RSP = 4;
  public static final int RBP = 5;
  public static final int RSI = 6;
  public static final int RDI = 7;
  public static final int R11 = 11;

  /** A register that is always zero: the base or index that an address does not have. */
  public static final int ZERO = 16;

  /**
   * Holds the RIP at the start of the running block while a block runs, as a base for RIP-relative
   * addresses.
   */
  public static final int BLOCK_RIP = 17;

  /**
   * Numbers of segment registers (Intel SDM Vol. 2A table 3-1), then tables that are loaded like
   * segments.
   */
  public static final int ES = 0;

  public static final int CS = 1;
  public static final int SS = 2;
  public static final int DS = 3;
  public static final int FS = 4;
  public static final int GS = 5;

  /** No segment: base 0, no limit; what 64-bit code uses instead of ES, CS, SS and DS. */
  public static final int FLAT = 6;

  public static final int LDTR = 7;
  public static final int TR = 8;

  /** Like {@link #FLAT}, for operands whose faults are stack faults. */
  public static final int FLAT_STACK = 9;

  /** General registers 0 to 15, then {@link #ZERO} and {@link #BLOCK_RIP}. */
  public final long[] gpr = new long[18];

  /** Offset of the next instruction in the code segment. */
  public long rip;

  /** The result that ZF, SF and PF are read from: sign-extended to 64 bits. See {@link Flags}. */
  public long flagsResult;

  /** The carries that CF, OF and AF are read from. See {@link Flags}. */
  public long flagsCarry;

  /**
   * The flags that are not lazy: TF, IF, DF, IOPL, NT, RF, VM, AC, VIF, VIP, ID, and the fixed bit
   * 1.
   */
  public int flagsSystem = Flags.FIXED;

  public final int[] selector = new int[10];
  public final long[] segmentBase = new long[10];

  /** Limits in bytes, as unsigned ints. */
  public final int[] segmentLimit = new int[10];

  /** Attributes of cached descriptors, see {@link Segment}. */
  public final int[] segmentAttributes = new int[10];

  /**
   * Nonzero where an access through the segment must be checked by {@code Segmentation}; kept by
   * {@link #segmentsChanged}.
   */
  public final int[] segmentCheck = new int[10];

  public long gdtBase;
  public int gdtLimit;
  public long idtBase;
  public int idtLimit;

  public long cr0;
  public long cr2;
  public long cr3;
  public long cr4;
  public long efer;
  public long xcr0 = 1;
  public final long[] dr = new long[8];

  /** Current privilege level. */
  public int cpl;

  /** Whether 64-bit code runs: EFER.LMA and CS.L. */
  public boolean code64;

  /** Default operand and address size of code, in bytes: 2, 4 or 8 (8: 64-bit mode). */
  public int codeSize = 2;

  /** Wraps linear addresses: all ones in 64-bit mode, 32 bits otherwise. */
  public long linearMask = 0xffff_ffffL;

  /** Wraps stack pointers: 16, 32 or 64 bits. */
  public long stackMask = 0xffff;

  /** Whether interrupts are held off until the next instruction is done. */
  public boolean interruptShadow;

  /** Whether MOV SS or POP SS holds off debug traps as well until the next instruction is done. */
  public boolean trapShadow;

  /** Bits of DR6 of debug traps that wait for the end of the instruction. */
  public long pendingDebug;

  /** Whether an NMI was delivered and no IRET executed since. */
  public boolean nmiBlocked;

  /** Whether the processor waits for an interrupt. */
  public boolean halted;

  /** Whether it does so in MWAIT, which other events end too; only of meaning while it waits. */
  public boolean watching;

  /** Whether the processor waits for a start-up interrupt. */
  public boolean waitForStartup;

  /** The x87 registers, which the MMX registers are in. */
  public final X87State x87 = new X87State();

  /** Model-specific registers that are plain storage. */
  public final Msrs msr = new Msrs();

  /**
   * The layout shared with translated code: XMM0 to XMM15, MXCSR, attention word, the translator's
   * tables. The low 16 bits of its address are 0.
   */
  public final MemorySegment shared = Arena.ofAuto().allocate(SHARED_SIZE, 1 << 16);

  /** Offset of XMM0 in {@link #shared}; each register has 16 bytes. */
  public static final long XMM = 0;

  public static final long MXCSR = 256;
  public static final long ATTENTION = 260;

  /**
   * Where the engine that translates keeps what its code reads and writes, up to {@link
   * #SHARED_SIZE}.
   */
  public static final long TRANSLATOR = 264;

  public static final long SHARED_SIZE = 1612 << 10;

  /** MXCSR after reset (Intel SDM Vol. 1 10.2.3). */
  public static final int MXCSR_DEFAULT = 0x1f80;

  public final Attention attention = new Attention(shared.asSlice(ATTENTION, 4));

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  /** Returns the low byte register of an operand: 0 to 15, or 32 + n for AH, CH, DH, BH. */
  public int r8(int n) {
    return (int) (gpr[n & 31] >>> ((n & 32) >> 2)) & 0xff;
  }

  /** Sets a byte register, numbered as in {@link #r8(int)}; the rest of the register stays. */
  public void r8(int n, int value) {
    int shift = (n & 32) >> 2;
    int register = n & 31;
    gpr[register] = gpr[register] & ~(0xffL << shift) | (value & 0xffL) << shift;
  }

  public int r16(int n) {
    return (int) gpr[n] & 0xffff;
  }

  /** Sets a 16-bit register; the rest of the register stays. */
  public void r16(int n, int value) {
    gpr[n] = gpr[n] & ~0xffffL | value & 0xffffL;
  }

  public int r32(int n) {
    return (int) gpr[n];
  }

  /** Sets a 32-bit register and clears the upper half (Intel SDM Vol. 1 3.4.1.1). */
  public void r32(int n, int value) {
    gpr[n] = value & 0xffff_ffffL;
  }

  public long r64(int n) {
    return gpr[n];
  }

  public void r64(int n, long value) {
    gpr[n] = value;
  }

  /** Returns a register's low {@code size} bytes (2, 4 or 8), zero-extended. */
  public long r(int n, int size) {
    return switch (size) {
      case 2 -> gpr[n] & 0xffff;
      case 4 -> gpr[n] & 0xffff_ffffL;
      default -> gpr[n];
    };
  }

  /** Sets a register's low {@code size} bytes (2, 4 or 8) by the rules of that size. */
  public void r(int n, int size, long value) {
    switch (size) {
      case 2 -> r16(n, (int) value);
      case 4 -> r32(n, (int) value);
      default -> gpr[n] = value;
    }
  }

  public long xmmLow(int n) {
    return shared.get(LONG, XMM + n * 16L);
  }

  public long xmmHigh(int n) {
    return shared.get(LONG, XMM + n * 16L + 8);
  }

  public void xmmLow(int n, long value) {
    shared.set(LONG, XMM + n * 16L, value);
  }

  public void xmmHigh(int n, long value) {
    shared.set(LONG, XMM + n * 16L + 8, value);
  }

  /** Returns the low 32 bits of an XMM register. */
  public int xmmInt(int n) {
    return shared.get(INT, XMM + n * 16L);
  }

  /** Sets the low 32 bits of an XMM register; the rest stays. */
  public void xmmInt(int n, int value) {
    shared.set(INT, XMM + n * 16L, value);
  }

  public int mxcsr() {
    return shared.get(INT, MXCSR);
  }

  public void mxcsr(int value) {
    shared.set(INT, MXCSR, value);
  }

  /** Returns RFLAGS with all its bits in place. */
  public long rflags() {
    return Flags.read(this);
  }

  /** Sets RFLAGS whole; reserved bits are forced to their fixed values. */
  public void rflags(long value) {
    Flags.write(this, value);
  }

  /** Returns whether protection is on: CR0.PE. */
  public boolean protectedMode() {
    return (cr0 & Control.CR0_PE) != 0;
  }

  /** Returns whether virtual-8086 mode is on. */
  public boolean virtual8086() {
    return (flagsSystem & Flags.VM) != 0;
  }

  /** Returns whether segments are loaded by value times 16: real-address or virtual-8086 mode. */
  public boolean realSegments() {
    return !protectedMode() || virtual8086();
  }

  /** Returns whether IA-32e mode is active: EFER.LMA. */
  public boolean longMode() {
    return (efer & Control.EFER_LMA) != 0;
  }

  /**
   * Brings everything that is derived from segments, modes and privilege up to date; call after any
   * of them changed.
   */
  public void segmentsChanged() {
    int code = segmentAttributes[CS];
    code64 = longMode() && (code & Segment.LONG) != 0;
    codeSize = code64 ? 8 : (code & Segment.DEFAULT_BIG) != 0 ? 4 : 2;
    linearMask = code64 ? -1L : 0xffff_ffffL;
    stackMask =
        code64 ? -1L : (segmentAttributes[SS] & Segment.DEFAULT_BIG) != 0 ? 0xffff_ffffL : 0xffffL;
    for (int n = ES; n <= GS; n++) {
      segmentCheck[n] = code64 || Segment.isFlat(this, n) ? 0 : 1;
    }
  }
}
