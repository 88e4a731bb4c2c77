package sharevm.machine.chip.apic;

/** The Error Status Register: errors show after the next write to it. @ref [SDM3] 11.5.3 */
final class Errors {
  private int shown;
  private int seen;

  int shown() {
    return shown;
  }

  int seen() {
    return seen;
  }

  /** Notes an error; returns whether it is new since the last write. */
  boolean add(int bit) {
    boolean isNew = (seen & bit) == 0;
    seen |= bit;
    return isNew;
  }

  /** A write of any value. */
  void latch() {
    shown = seen;
    seen = 0;
  }

  void set(int newShown, int newSeen) {
    shown = newShown & 0xFF;
    seen = newSeen & 0xFF;
  }
}
