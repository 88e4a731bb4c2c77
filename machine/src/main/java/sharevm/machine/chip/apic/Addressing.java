package sharevm.machine.chip.apic;

/**
 * Which messages are for which APIC: the registers that say so. Used under the APIC's lock.
 *
 * @ref [SDM3] 11.6.2
 */
final class Addressing {
  private static final int FLAT = 0xF;
  private static final int ALL_CLUSTERS = 0xF;

  private final int id;
  private int logicalDestination;
  private int destinationFormat = -1;

  Addressing(int id) {
    this.id = id;
  }

  int logicalDestination() {
    return logicalDestination;
  }

  void logicalDestination(int value) {
    logicalDestination = value & 0xFF00_0000;
  }

  int destinationFormat() {
    return destinationFormat;
  }

  void destinationFormat(int value) {
    destinationFormat = value | 0x0FFF_FFFF;
  }

  /** The cluster's number and a bit in it. @ref [SDM3] 11.12.10.2 */
  int x2apicLogicalId() {
    return id >> 4 << 16 | 1 << (id & 0xF);
  }

  /** Returns whether this one is meant by a destination that is not a broadcast. */
  boolean matches(int destination, boolean logical, boolean x2apic) {
    if (!logical) {
      return destination == id;
    }
    if (x2apic) {
      int own = x2apicLogicalId();
      return destination >>> 16 == own >>> 16 && (destination & own & 0xFFFF) != 0;
    }
    if ((destination & ~0xFF) != 0) {
      return false;
    }
    int own = logicalDestination >>> 24;
    if (destinationFormat >>> 28 == FLAT) {
      return (destination & own) != 0;
    }
    int cluster = destination >> 4;
    return (cluster == ALL_CLUSTERS || cluster == own >> 4) && (destination & own & 0xF) != 0;
  }

  void reset() {
    logicalDestination = 0;
    destinationFormat = -1;
  }
}
