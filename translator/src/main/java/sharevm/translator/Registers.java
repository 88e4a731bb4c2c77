package sharevm.translator;

/**
 * Which host register holds which guest register while translated code runs. Twelve keep to their
 * own, so that instructions with implied operands are copied; RSP, which the host needs for its
 * stack, is in R12; R12 to R15 stay in the {@link Context}, since R13 and R14 are for addresses and
 * R15 for the context.
 */
final class Registers {
  /** Scratch: the address of a memory operand. */
  static final int ADDRESS = Assembler.R13;

  /** Scratch: whatever is needed for an instruction. */
  static final int TEMP = Assembler.R14;

  /** Host register of the guest's RSP. */
  static final int STACK = Assembler.R12;

  /** Guest registers that have a host register: 0 to this, exclusive. */
  static final int MAPPED = 12;

  private static final int GUEST_RSP = 4;

  private Registers() {}

  /** Returns whether a guest register has a host register. */
  static boolean mapped(int guest) {
    return guest < MAPPED || guest >= 32;
  }

  /** Returns the host register of a guest register that has one. */
  static int host(int guest) {
    return guest == GUEST_RSP ? STACK : guest;
  }
}
