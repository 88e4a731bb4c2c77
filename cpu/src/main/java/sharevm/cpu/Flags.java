package sharevm.cpu;

/**
 * RFLAGS (Intel SDM Vol. 1 3.4.3). The six status flags are lazy: an arithmetic instruction leaves
 * two words, and a flag is worked out when someone asks for it.
 *
 * <pre>
 * flagsResult  the result, sign-extended to 64 bits: ZF = (it is zero)
 * flagsCarry   bit 63       CF: the carry out of the most significant bit
 *              bit 62       the carry into the most significant bit: OF = bit 63 ^ bit 62
 *              bits 15..8   exclusive-ored into the result's low byte before its parity is taken: PF
 *              bit 3        AF: the carry out of bit 3
 *              bit 0        exclusive-ored with the result's sign: SF
 * </pre>
 *
 * Bits 0 and 15..8 are zero after arithmetic; they exist so that any combination that POPF or SAHF
 * loads can be told, such as ZF and SF both set.
 */
public final class Flags {
  public static final int CF = 1;

  /** Bit 1 of RFLAGS, always set. */
  public static final int FIXED = 1 << 1;

  public static final int PF = 1 << 2;
  public static final int AF = 1 << 4;
  public static final int ZF = 1 << 6;
  public static final int SF = 1 << 7;
  public static final int TF = 1 << 8;
  public static final int IF = 1 << 9;
  public static final int DF = 1 << 10;
  public static final int OF = 1 << 11;
  public static final int IOPL = 3 << 12;
  public static final int IOPL_SHIFT = 12;
  public static final int NT = 1 << 14;
  public static final int RF = 1 << 16;
  public static final int VM = 1 << 17;
  public static final int AC = 1 << 18;
  public static final int VIF = 1 << 19;
  public static final int VIP = 1 << 20;
  public static final int ID = 1 << 21;

  /** The status flags: CF, PF, AF, ZF, SF, OF. */
  public static final int STATUS = CF | PF | AF | ZF | SF | OF;

  /** The flags kept in {@link CpuState#flagsSystem}. */
  public static final int SYSTEM = TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

  /** Bits of {@link CpuState#flagsCarry} that arithmetic gives: CF, the carry below it, AF. */
  public static final long CARRY_BITS = 0xC000_0000_0000_0008L;

  private Flags() {}

  public static boolean cf(CpuState s) {
    return s.flagsCarry < 0;
  }

  public static boolean zf(CpuState s) {
    return s.flagsResult == 0;
  }

  public static boolean sf(CpuState s) {
    return (s.flagsResult ^ s.flagsCarry << 63) < 0;
  }

  public static boolean of(CpuState s) {
    return (s.flagsCarry ^ s.flagsCarry << 1) < 0;
  }

  public static boolean af(CpuState s) {
    return (s.flagsCarry & 8) != 0;
  }

  public static boolean pf(CpuState s) {
    return (Integer.bitCount((int) (s.flagsResult ^ s.flagsCarry >>> 8) & 0xff) & 1) == 0;
  }

  /** Returns whether SF differs from OF: the condition "less". */
  public static boolean less(CpuState s) {
    long carry = s.flagsCarry;
    return (s.flagsResult ^ carry << 63 ^ carry ^ carry << 1) < 0;
  }

  /** Returns the status flags in their places in RFLAGS. */
  public static int status(CpuState s) {
    return (cf(s) ? CF : 0)
        | (pf(s) ? PF : 0)
        | (af(s) ? AF : 0)
        | (zf(s) ? ZF : 0)
        | (sf(s) ? SF : 0)
        | (of(s) ? OF : 0);
  }

  /** Sets the status flags from their places in RFLAGS. */
  public static void status(CpuState s, long flags) {
    long result = (flags & ZF) != 0 ? 0 : 1;
    long carry = (flags & CF) != 0 ? 1L << 63 : 0;
    if ((flags & OF) != 0 ^ carry != 0) {
      carry |= 1L << 62;
    }
    if ((flags & AF) != 0) {
      carry |= 8;
    }
    boolean even = result == 0;
    if ((flags & PF) != 0 != even) {
      carry |= 1 << 8;
    }
    if ((flags & SF) != 0) {
      carry |= 1;
    }
    s.flagsResult = result;
    s.flagsCarry = carry;
  }

  /** Sets CF alone. */
  public static void cf(CpuState s, boolean value) {
    if (cf(s) != value) {
      s.flagsCarry ^= 3L << 62;
    }
  }

  /** Sets CF and OF alone. */
  public static void cfOf(CpuState s, boolean cf, boolean of) {
    long carry = s.flagsCarry & ~(3L << 62);
    carry |= cf ? 1L << 63 : 0;
    s.flagsCarry = carry | (cf != of ? 1L << 62 : 0);
  }

  static long read(CpuState s) {
    return status(s) | s.flagsSystem;
  }

  static void write(CpuState s, long value) {
    status(s, value);
    s.flagsSystem = (int) value & SYSTEM | FIXED;
  }
}
