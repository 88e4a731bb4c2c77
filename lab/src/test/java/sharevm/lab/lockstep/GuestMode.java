package sharevm.lab.lockstep;

/** The modes with paging that both engines know: code size, kind of page tables, privilege. */
public enum GuestMode {
  LONG_USER(64, Paging.FOUR_LEVEL, true),
  LONG_SUPERVISOR(64, Paging.FOUR_LEVEL, false),
  COMPATIBILITY_USER(32, Paging.FOUR_LEVEL, true),
  PAE_USER(32, Paging.PAE, true),
  PAE_SUPERVISOR(32, Paging.PAE, false),
  LEGACY_USER(32, Paging.LEGACY, true),
  LEGACY_SUPERVISOR(32, Paging.LEGACY, false);

  /** Kinds of page tables (Intel SDM Vol. 3A 4.1.1). */
  public enum Paging {
    FOUR_LEVEL,
    PAE,
    LEGACY
  }

  final int bits;
  final Paging paging;
  final boolean user;

  GuestMode(int bits, Paging paging, boolean user) {
    this.bits = bits;
    this.paging = paging;
    this.user = user;
  }

  boolean is64() {
    return bits == 64;
  }

  /** Whether the processor itself is in IA-32e mode. */
  boolean longMode() {
    return paging == Paging.FOUR_LEVEL;
  }
}
