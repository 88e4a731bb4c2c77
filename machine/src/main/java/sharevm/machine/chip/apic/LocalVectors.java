package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.LVT_LEVEL;
import static sharevm.machine.chip.apic.Bits.LVT_LINT0;
import static sharevm.machine.chip.apic.Bits.LVT_MASKED;
import static sharevm.machine.chip.apic.Bits.LVT_MODE_SHIFT;
import static sharevm.machine.chip.apic.Bits.LVT_REMOTE_REQUEST;
import static sharevm.machine.chip.apic.Bits.LVT_TIMER;
import static sharevm.machine.chip.apic.Bits.LVT_VECTOR;
import static sharevm.machine.chip.apic.Bits.LVT_WRITABLE;

import java.util.Arrays;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.DeliveryMode;

/** The local vector table and the two pins. Used under the APIC's lock. @ref [SDM3] 11.5.1 */
final class LocalVectors {
  /** The number of pins, LINT0 and LINT1. */
  static final int PINS = 2;

  private static final int FIRST_PIN = LVT_LINT0 - LVT_TIMER;

  private final int[] entries = new int[LVT_WRITABLE.length];
  private final boolean[] pins = new boolean[PINS];

  /** Returns an entry by its register's number. */
  int get(int number) {
    return entries[number - LVT_TIMER];
  }

  /** Writes an entry; while the APIC is disabled by software it stays masked. */
  void write(int number, int value, boolean enabled) {
    int index = number - LVT_TIMER;
    int kept = entries[index] & LVT_REMOTE_REQUEST;
    entries[index] = value & LVT_WRITABLE[index] | kept | (enabled ? 0 : LVT_MASKED);
  }

  void maskAll() {
    for (int i = 0; i < entries.length; i++) {
      entries[i] |= LVT_MASKED;
    }
  }

  /** Returns the entry of a pin. */
  int ofPin(int pin) {
    return entries[FIRST_PIN + pin];
  }

  boolean asserted(int pin) {
    return pins[pin];
  }

  /** Sets a pin's level; returns whether it has risen and interrupts by that. */
  boolean rises(int pin, boolean asserted) {
    boolean edge = asserted && !pins[pin];
    pins[pin] = asserted;
    return edge && (ofPin(pin) & (LVT_MASKED | LVT_LEVEL)) == 0;
  }

  /** Says whether a level-triggered pin is to request, and if so remembers that it has. */
  boolean requests(int pin) {
    int entry = ofPin(pin);
    int relevant = entry & (LVT_MASKED | LVT_REMOTE_REQUEST | LVT_LEVEL);
    if (pins[pin] && mode(entry) == DeliveryMode.FIXED && relevant == LVT_LEVEL) {
      entries[FIRST_PIN + pin] = entry | LVT_REMOTE_REQUEST;
      return true;
    }
    return false;
  }

  /** A vector has ended: a pin that requested it may do so again. */
  void ended(int pin, int vector) {
    if ((ofPin(pin) & LVT_VECTOR) == vector) {
      entries[FIRST_PIN + pin] &= ~LVT_REMOTE_REQUEST;
    }
  }

  /** Says whether LINT0 brings an interrupt of the 8259A pair. */
  boolean external() {
    return pins[0] && isOpen(ofPin(0)) && mode(ofPin(0)) == DeliveryMode.EXTERNAL;
  }

  static boolean isOpen(int entry) {
    return (entry & LVT_MASKED) == 0;
  }

  static DeliveryMode mode(int entry) {
    return DeliveryMode.of(entry >> LVT_MODE_SHIFT);
  }

  /** All entries masked; the pins are what they are. */
  void reset() {
    Arrays.fill(entries, LVT_MASKED);
  }

  SavedState save() {
    return new SavedState()
        .put("entries", Arrays.stream(entries).asLongStream().toArray())
        .put("pin0", pins[0])
        .put("pin1", pins[1]);
  }

  void restore(SavedState state) {
    long[] saved = state.getLongs("entries");
    for (int i = 0; i < Math.min(saved.length, entries.length); i++) {
      entries[i] = (int) saved[i];
    }
    pins[0] = state.getBoolean("pin0");
    pins[1] = state.getBoolean("pin1");
  }
}
