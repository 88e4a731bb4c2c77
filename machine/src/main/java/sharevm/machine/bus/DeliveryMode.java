package sharevm.machine.bus;

/**
 * What an interrupt message asks for, in the order of its three bits (Intel SDM Vol. 3A, 11.6.1).
 */
public enum DeliveryMode {
  /** An interrupt with the message's vector, to all that are addressed. */
  FIXED,

  /** An interrupt with the message's vector, to the one of lowest priority. */
  LOWEST_PRIORITY,

  /** A system management interrupt; this machine has no system management mode and ignores it. */
  SMI,

  /** Reserved. */
  RESERVED,

  /** A non-maskable interrupt; the vector is ignored. */
  NMI,

  /** INIT. */
  INIT,

  /** A start-up interrupt; the vector is the start page's number. Between processors only. */
  STARTUP,

  /** An interrupt whose vector the 8259A pair gives. From an I/O APIC or a local pin only. */
  EXTERNAL;

  private static final DeliveryMode[] BY_BITS = values();

  /** Returns the mode for three bits; what is above them is ignored. */
  public static DeliveryMode of(int bits) {
    return BY_BITS[bits & 7];
  }
}
