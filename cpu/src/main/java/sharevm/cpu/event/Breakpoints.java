package sharevm.cpu.event;

import sharevm.cpu.Control;
import sharevm.cpu.CpuState;

/**
 * The four breakpoints of DR0 to DR3 (Intel SDM Vol. 3B 17.2.4). DR7 has for each two enable bits
 * at the bottom, and a kind (R/W) and a length (LEN) of two bits each from bit 16 on.
 */
public final class Breakpoints {
  private static final int ENABLES = 0xff;
  private static final int EXECUTE = 0;
  private static final int WRITE = 1;
  private static final int PORT = 2;

  private Breakpoints() {}

  /** Returns whether any breakpoint is enabled. */
  public static boolean any(CpuState s) {
    return (s.dr[7] & ENABLES) != 0;
  }

  /** Returns whether a page has a data breakpoint, so that no access to it may go unseen. */
  public static boolean watches(CpuState s, long linear) {
    if (any(s)) {
      for (int n = 0; n < 4; n++) {
        if (isData(s, n) && (s.dr[n] ^ linear) >>> 12 == 0) {
          return true;
        }
      }
    }
    return false;
  }

  /** Notes the data breakpoints that an access meets; the trap comes after the instruction. */
  public static void access(CpuState s, long linear, int size, boolean write) {
    if (any(s)) {
      for (int n = 0; n < 4; n++) {
        if (isData(s, n) && (write || kind(s, n) != WRITE) && overlaps(s, n, linear, size)) {
          s.pendingDebug |= 1L << n;
        }
      }
    }
  }

  /** Notes the I/O breakpoints that an access to ports meets; there are none without CR4.DE. */
  public static void port(CpuState s, int port, int size) {
    if (any(s) && (s.cr4 & Control.CR4_DE) != 0) {
      for (int n = 0; n < 4; n++) {
        if (enabled(s, n) && kind(s, n) == PORT && overlaps(s, n, port, size)) {
          s.pendingDebug |= 1L << n;
        }
      }
    }
  }

  /** Returns the DR6 bits of the breakpoints on an instruction's address. */
  static int instruction(CpuState s, long linear) {
    int hit = 0;
    for (int n = 0; n < 4; n++) {
      boolean here = enabled(s, n) && kind(s, n) == EXECUTE && s.dr[n] == linear;
      hit |= here ? 1 << n : 0;
    }
    return hit;
  }

  private static boolean enabled(CpuState s, int n) {
    return (s.dr[7] >>> 2 * n & 3) != 0;
  }

  private static int kind(CpuState s, int n) {
    return (int) (s.dr[7] >>> 16 + 4 * n) & 3;
  }

  private static boolean isData(CpuState s, int n) {
    return enabled(s, n) && (kind(s, n) & 1) != 0;
  }

  /**
   * Lengths 0 to 3 are 1, 2, 8 and 4 bytes; a breakpoint's address is rounded down to a multiple of
   * its length.
   */
  private static boolean overlaps(CpuState s, int n, long at, int size) {
    int code = (int) (s.dr[7] >>> 18 + 4 * n) & 3;
    int length = code == 2 ? 8 : code + 1;
    long start = s.dr[n] & -length;
    return start < at + size && at < start + length;
  }
}
