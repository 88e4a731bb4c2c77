package sharevm.machine.firmware;

/**
 * What a processor holds at the first instruction of a guest. What is not named is as after reset.
 *
 * @param mode what it amounts to
 * @param registers the general registers
 * @param rip offset in the code segment
 * @param rflags flags; interrupts are always off
 * @param cr0 see Intel SDM Vol. 3A 2.5
 * @param cr3 physical address of the top page table, 0 without paging
 * @param cr4 see Intel SDM Vol. 3A 2.5
 * @param efer the MSR IA32_EFER
 * @param code CS
 * @param data DS, ES, FS, GS and SS
 * @param task TR
 * @param gdtr base and limit of the global descriptor table
 * @param idtr base and limit of the interrupt descriptor table
 */
public record EntryState(
    Mode mode,
    Registers registers,
    long rip,
    long rflags,
    long cr0,
    long cr3,
    long cr4,
    long efer,
    Segment code,
    Segment data,
    Segment task,
    Table gdtr,
    Table idtr) {
  /** RFLAGS with nothing but its always-one bit. */
  public static final long FLAGS = 2;

  /** CR0.PE. */
  public static final long CR0_PE = 1;

  /** CR0.ET, always one since the 486. */
  public static final long CR0_ET = 1 << 4;

  /** CR0.PG. */
  public static final long CR0_PG = 1L << 31;

  /** CR4.PAE. */
  public static final long CR4_PAE = 1 << 5;

  /** EFER.LME and EFER.LMA. */
  public static final long EFER_LONG = 1 << 8 | 1 << 10;

  /** Processor mode. */
  public enum Mode {
    /** Real mode. */
    REAL,
    /** Protected mode without paging, flat 32-bit segments. */
    PROTECTED,
    /** 64-bit mode with memory mapped to its own address. */
    LONG
  }

  /** The eight general registers that protocols name. */
  public record Registers(
      long rax, long rcx, long rdx, long rbx, long rsp, long rbp, long rsi, long rdi) {
    /** All zero. */
    public static final Registers ZERO = new Registers(0, 0, 0, 0, 0, 0, 0, 0);
  }

  /**
   * A segment register with its hidden part.
   *
   * @param attributes bits 40 to 55 of the descriptor, the limit's bits among them zero: type, S,
   *     DPL, P in the low byte; AVL, L, D/B, G in bits 12 to 15 (Intel SDM Vol. 3A 3.4.5)
   * @param limit in bytes, last valid offset
   */
  public record Segment(int selector, long base, long limit, int attributes) {
    /** Returns one of real mode. */
    public static Segment real(int selector) {
      return new Segment(selector, (long) selector << 4, 0xFFFF, 0x93);
    }
  }

  /** The base and limit of a descriptor table register. */
  public record Table(long base, int limit) {
    /** As real mode wants for its interrupt vectors. */
    public static final Table REAL_IDT = new Table(0, 0x3FF);

    /** Nothing: any interrupt is a triple fault. */
    public static final Table NONE = new Table(0, 0);
  }
}
