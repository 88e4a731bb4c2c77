package sharevm.cpu.event;

/**
 * An interrupt or exception on its way to the guest.
 *
 * @param vector 0 to 255
 * @param errorCode what is pushed, or {@link GuestFault#NO_ERROR_CODE}
 * @param address the linear address of a page fault
 * @param kind where it came from
 */
public record Event(int vector, int errorCode, long address, Kind kind) {
  /** Where an event comes from. */
  public enum Kind {
    /** From outside: maskable interrupt or NMI. */
    EXTERNAL,
    /** A fault or trap found by the processor. */
    EXCEPTION,
    /** INT n: gate privilege is checked. */
    SOFTWARE,
    /** INT3 and INTO: gate privilege is checked, not redirected by VME. */
    SOFTWARE_EXCEPTION,
    /** INT1: no check. */
    PRIVILEGED_SOFTWARE
  }

  static Event interrupt(int vector) {
    return new Event(vector, GuestFault.NO_ERROR_CODE, 0, Kind.EXTERNAL);
  }

  static Event of(GuestFault fault) {
    return new Event(fault.vector(), fault.errorCode(), fault.address(), Kind.EXCEPTION);
  }

  /** Makes the event of an INT n, INT3, INTO or INT1 instruction. */
  public static Event software(int vector, Kind kind) {
    return new Event(vector, GuestFault.NO_ERROR_CODE, 0, kind);
  }

  /** Whether the processor found it: a fault or trap. */
  public boolean isException() {
    return kind == Kind.EXCEPTION;
  }

  /** Whether the event is an INT n, INT3 or INTO instruction's. */
  boolean isSoftware() {
    return kind == Kind.SOFTWARE || kind == Kind.SOFTWARE_EXCEPTION;
  }

  /** Returns the EXT bit of faults while this is delivered (Intel SDM Vol. 3A 6.13). */
  int ext() {
    return isSoftware() ? 0 : 1;
  }

  /** Whether the pushed flags have RF set: faults, but no traps (Intel SDM Vol. 3B 17.3.1.1). */
  boolean isFault() {
    return kind == Kind.EXCEPTION && vector != GuestFault.DB && vector != GuestFault.DF;
  }

  /** Whether an error code is pushed. */
  public boolean hasErrorCode() {
    return errorCode != GuestFault.NO_ERROR_CODE;
  }

  /**
   * Returns what is delivered when a second fault comes up while this was (Intel SDM Vol. 3A table
   * 6-5).
   */
  Event followedBy(GuestFault second) {
    boolean firstCounts = isException();
    boolean doubled =
        firstCounts && contributory(vector) && contributory(second.vector())
            || firstCounts
                && vector == GuestFault.PF
                && (second.vector() == GuestFault.PF || contributory(second.vector()));
    return doubled ? new Event(GuestFault.DF, 0, 0, Kind.EXCEPTION) : of(second);
  }

  private static boolean contributory(int vector) {
    return vector == GuestFault.DE
        || vector >= GuestFault.TS && vector <= GuestFault.GP
        || vector == 21;
  }
}
